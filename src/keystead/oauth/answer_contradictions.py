"""What of a client's metadata contradicts itself about what it is told: subject type, signing, encryption.

Shape: pairs of (member, message). The settings refuse to start with them, registration refuses to register.
Spec: OpenID Connect Dynamic Client Registration sections 2 and 5, RFC 9701 section 6.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from keystead.core.jose.jwe import ALL_KEY_ALGORITHMS, CONTENT_ENCRYPTIONS
from keystead.core.uris import wrong_web_uri
from keystead.oauth.subjects import SUBJECT_TYPES, redirect_hosts

Contradiction = tuple[str, str]

ENCRYPTED: Final = ("id_token", "userinfo", "introspection", "authorization")
SIGNED: Final = ("id_token", "userinfo", "introspection", "authorization")
_SHOWING: Final = (
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
)


def contradictions(client: Mapping[str, Any], signing_algorithms: Collection[str]) -> Iterator[Contradiction]:
    """Say what contradicts itself. `client` has the members of RFC 7591, `signing_algorithms` are the realm's."""
    yield from _subjects(client)
    for kind in SIGNED:
        member = f"{kind}_signed_response_alg"
        if client[member] and client[member] not in signing_algorithms:
            yield (
                member,
                f"the realm signs with {', '.join(signing_algorithms)}; add another to further_signing_algorithms",
            )
    for kind in ENCRYPTED:
        yield from _encryption(client, f"{kind}_encrypted_response_alg", f"{kind}_encrypted_response_enc")


def _encryption(client: Mapping[str, Any], algorithm: str, encryption: str) -> Iterator[Contradiction]:
    if client[encryption] and not client[algorithm]:
        yield encryption, f"says nothing without {algorithm}"
    if client[encryption] and client[encryption] not in CONTENT_ENCRYPTIONS:
        yield encryption, f"write one of {', '.join(CONTENT_ENCRYPTIONS)}"
    if client[algorithm] and client[algorithm] not in ALL_KEY_ALGORITHMS:
        yield algorithm, f"write one of {', '.join(ALL_KEY_ALGORITHMS)}"
    if client[algorithm] and not (client["jwks"] or client["jwks_uri"]):
        yield algorithm, "needs the client's public key in jwks or at jwks_uri"


def _subjects(client: Mapping[str, Any]) -> Iterator[Contradiction]:
    if client["subject_type"] not in SUBJECT_TYPES:
        yield "subject_type", f"write {' or '.join(SUBJECT_TYPES)}"
    sector = client["sector_identifier_uri"]
    if sector and (wrong := wrong_web_uri(sector)):
        yield "sector_identifier_uri", wrong
    if client["subject_type"] != "pairwise":
        return
    if client["access_token_format"] == "jwt":  # noqa: S105 - the name of a format
        yield "access_token_format", "a JWT would show a pairwise client who the person is to others: use opaque"
    for grant in _SHOWING:
        if grant in client["grant_types"]:
            yield (
                "grant_types",
                f"{grant} would show a pairwise client who the person is to others: take one of the two away",
            )
    if not sector and len(redirect_hosts(client["redirect_uris"])) > 1:
        yield "sector_identifier_uri", "needed with subject_type pairwise, as the redirect URIs have several hosts"
