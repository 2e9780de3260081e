"""What a client calls a person: the account's id, or for `subject_type: pairwise` a name nobody else knows them by.

Flow: wherever a subject is told to a client (ID token, userinfo, introspection by that client, logout tokens) it goes
through `subject_for`; what a client says back (`id_token_hint`) is compared with what it would be told.
Shape: a pairwise subject is an HMAC over sector and account under a key of the realm: nothing is stored, the same
person keeps the name for ever, and clients of one sector share it.
Does not: change access tokens. APIs, exchange and authorization know a person by one name; a pairwise client's own
access token is therefore always opaque, and settings that would show it the inside are refused (decision 0041).
Spec: OpenID Connect Core section 8.1, OpenID Connect Dynamic Client Registration section 5.
"""

from __future__ import annotations

from typing import Final

from keystead.core.jose.base64url import encode
from keystead.core.records.client import Client
from keystead.core.sealing import Sealer
from keystead.core.tokens import PERSON_PREFIX
from keystead.core.uris import host_of

SUBJECT_TYPES: Final = ("public", "pairwise")
PAIRWISE_PREFIX: Final = "pws_"
_KIND: Final = "pairwise_subject"


def subject_for(sealer: Sealer, client: Client | None, subject: str) -> str:
    """Return what a client is told the subject is. Only people have pairwise names."""
    if client is None or client.subject_type != "pairwise" or not subject.startswith(PERSON_PREFIX):
        return subject
    message = f"{len(sector := sector_of(client))}:{sector}{subject}".encode()
    return PAIRWISE_PREFIX + encode(sealer.mac(client.realm, _KIND, message)).decode()


def sector_of(client: Client) -> str:
    """Return the sector identifier: the host of `sector_identifier_uri`, else that of the redirect URIs.

    A client without either is a sector of its own.
    """
    if client.sector_identifier_uri:
        return host_of(client.sector_identifier_uri)
    hosts = redirect_hosts(client.redirect_uris)
    return hosts[0] if hosts else f"client:{client.id}"


def redirect_hosts(redirect_uris: tuple[str, ...]) -> tuple[str, ...]:
    """Return the hosts of redirect URIs, each once. A private-use scheme stands for a host, and is never taken for one:
    any app may claim it."""
    return tuple(dict.fromkeys(host_of(uri) or uri.partition(":")[0] + ":" for uri in redirect_uris))
