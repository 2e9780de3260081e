"""What every client assertion must say, however it is signed: about itself, for us, not for long, and only once.

Shape: `client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, `client_assertion=<JWT>`; the JWT
has iss = sub = client_id, aud, exp and a jti.
Does not: verify a signature. The plug-ins in `client_auth` do, before they come here.
Spec: RFC 7523 section 3, OpenID Connect Core section 9, FAPI 2.0 Security Profile section 5.3.2.1, RFC 9126 section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from keystead.core.decisions import Check, Credential
from keystead.core.errors import InvalidClient
from keystead.core.http import Request
from keystead.core.jose import jws
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.outcomes import Rejected
from keystead.core.records.client import Client
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.client_authentication import Caller, Shown, refuse, require_same_client
from keystead.oauth.context import ServerContext
from keystead.oauth.profiles import profile_of
from keystead.storage.ports import claim

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})

_REQUIRED: Final = ("sub", "jti")
_PURPOSE: Final = "client_assertion"
_ALIAS: Final = "/oauth/token"
_SAME: Final = {"Ed25519": "EdDSA"}


def named_client(shown: Shown) -> str:
    """Return the client an assertion names, unproved. It is found by `sub`; `check_claims` makes `iss` the same."""
    claimed = (jws.peek_claims_unverified(shown.text("client_assertion")) or {}).get("sub")
    return claimed if isinstance(claimed, str) else ""


def named_algorithm(shown: Shown) -> str:
    """Return the algorithm an assertion names, unproved; empty when it is no JWS."""
    header = jws.peek_header_unverified(shown.text("client_assertion"))
    return header.algorithm if header is not None else ""


def accepted_algorithms(client: Client, known: frozenset[str]) -> frozenset[str]:
    """Return the algorithms this client's assertions may have: the one it registered, else what its profile admits."""
    registered = client.token_endpoint_auth_signing_alg
    if not registered:
        return known
    wanted = _SAME.get(registered, registered)
    return frozenset(name for name in known if _SAME.get(name, name) == wanted)


async def accept_assertion(
    client: Client, claims: Mapping[str, Any], shown: Shown, cx: ServerContext, method: str
) -> Caller:
    """Check what a verified assertion says, then spend its `jti`: a contradiction does not. Raises: InvalidClient."""
    request = shown.request
    require_same_client(shown, client)
    checks = _check(claims, client, request, cx)
    until = EpochSeconds(claims["exp"])
    key = handle_digest(f"{len(client.id)}:{client.id}:{claims['jti']}")
    if not await cx.store.write(lambda: claim(request.realm, _PURPOSE, key, until, request.now)):
        raise refuse("client.assertion_replayed", f"client {client.id} showed one assertion twice")
    passed = Check("client_authentication", True, f"{method}: proved by the registered key, shown for the first time")
    credential = Credential(kind="client_assertion", issuer=client.id, client_id=client.id, expires_at=until)
    return Caller(client, method, credential, (*checks, passed))


def assertion_refused(rejected: Rejected) -> InvalidClient:
    """Return the refusal of an assertion that was not accepted."""
    return refuse("client.assertion_refused", f"{rejected.reason}: {rejected.detail}")


def _check(claims: Mapping[str, Any], client: Client, request: Request, cx: ServerContext) -> tuple[Check, ...]:
    demands = profile_of(client)
    audience = _audience(claims, request, cx, strict=demands.assertion_audience_issuer_only)
    expectation = Expectation(
        issuer=client.id, audience=audience, now=request.now, required=_REQUIRED, only_audience=True
    )
    checks = check_claims(claims, expectation)
    if isinstance(checks, Rejected):
        raise assertion_refused(checks)
    if claims["exp"] - request.now > demands.longest_assertion:
        raise refuse("client.assertion_refused", f"the assertion lives longer than {demands.longest_assertion} s")
    return checks


def _audience(claims: Mapping[str, Any], request: Request, cx: ServerContext, *, strict: bool) -> str:
    """Return the one audience the assertion may have: the issuer, or, of a client without a profile, what it names.

    Such a client may name the token endpoint or the endpoint it calls, also where certificates are asked for.
    Spec: RFC 9126 section 2, RFC 8705 section 5.
    """
    issuer, named = cx.issuer(request.realm), claims.get("aud")
    for base in (cx.base_url, cx.mtls_base_url):
        parts, token = urlsplit(base), f"{base}{issuer.removeprefix(cx.base_url)}/token"
        origin = f"{parts.scheme}://{parts.netloc}"
        if base and not strict and named in (token, f"{origin}{request.path}", *_of_alias(origin, request.path)):
            return str(named)
    return issuer


def _of_alias(origin: str, path: str) -> tuple[str, ...]:
    """Return what OpenFGA's JavaScript SDK names at the alias: the URL it was given as issuer, and a slash."""
    if not path.endswith(_ALIAS):
        return ()
    return (f"{origin}{path}/", f"{origin}/") if path == _ALIAS else (f"{origin}{path}/",)
