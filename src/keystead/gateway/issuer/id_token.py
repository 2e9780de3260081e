"""The ID token, verified in full before anybody is signed in by it.

Spec: OpenID Connect Core 1.0 sections 3.1.3.6 (at_hash) and 3.1.3.7 (validation).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final

import msgspec

from keystead.core.decisions import Check
from keystead.core.jose import base64url
from keystead.core.jose.claims import Expectation, audiences, check_claims
from keystead.core.jose.jws import peek_header_unverified, read
from keystead.core.jose.outcomes import Rejected
from keystead.core.values import EpochSeconds, Secret
from keystead.gateway.issuer.client import TokensGranted
from keystead.gateway.issuer.directory import IssuerDirectory

_HASHES: Final = {"ES256": "sha256", "RS256": "sha256", "PS256": "sha256", "EdDSA": "sha512", "Ed25519": "sha512"}


class SignedIn(msgspec.Struct, frozen=True):
    """A person the issuer vouched for, and the checks that were needed to believe it."""

    claims: dict[str, Any]
    checks: tuple[Check, ...]


async def verify_id_token(
    tokens: TokensGranted, *, directory: IssuerDirectory, client_id: str, nonce: str, now: EpochSeconds
) -> SignedIn | Rejected:
    """Verify the ID token that came with an access token.

    Raises: UpstreamError when the keys cannot be had.
    """
    token = tokens.id_token.reveal()
    if not token:
        return Rejected("id_token.missing", "the issuer sent no ID token; the scope openid asks for one")
    header = peek_header_unverified(token)
    keys = await directory.keys(header.kid if header else None)
    verified = read(token, keys=keys, typ=("jwt", ""))
    if isinstance(verified, Rejected):
        return verified
    claims = verified.claims
    checks = check_claims(
        claims,
        Expectation(issuer=directory.issuer, audience=client_id, now=now, required=("sub", "iat", "nonce")),
    )
    if isinstance(checks, Rejected):
        return checks
    refused = _check_binding(claims, tokens.access_token, verified.header.algorithm, client_id, nonce)
    return refused or SignedIn(claims, (*checks, *_BOUND))


_BOUND: Final = (
    Check("nonce", True, "the one of this sign-in"),
    Check("azp", True, "issued to this client"),
    Check("at_hash", True, "belongs to the access token beside it"),
)


def _check_binding(
    claims: dict[str, Any], access_token: Secret, algorithm: str, client_id: str, nonce: str
) -> Rejected | None:
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        return Rejected("id_token.nonce", "the ID token belongs to another sign-in")
    authorized = claims.get("azp")
    if (authorized is None and len(audiences(claims)) > 1) or authorized not in (None, client_id):
        return Rejected("id_token.azp", "the ID token was issued to another client")
    half = claims.get("at_hash")
    if half is not None and half != access_token_hash(access_token, algorithm):
        return Rejected("id_token.at_hash", "the ID token belongs to another access token")
    return None


def access_token_hash(access_token: Secret, algorithm: str) -> str:
    """Return the `at_hash` of an access token: half of its hash by the ID token's algorithm."""
    digest = hashlib.new(_HASHES[algorithm], access_token.reveal().encode()).digest()
    return base64url.encode(digest[: len(digest) // 2]).decode()
