"""What a client that asks on the back channel must say: how it is told, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keystead.app.settings.client import ClientSettings
from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.app.settings.server_checks import is_loopback
from keystead.core.jose.algorithms import ALGORITHMS

Problem = tuple[Place, str]

CIBA: Final = "urn:openid:params:grant-type:ciba"
MODES: Final = ("", "poll", "ping", "push")
LONGEST_LIFETIME: Final = 600


def require_backchannel(realm: RealmSettings) -> Iterator[Problem]:
    """Demand that every client of CIBA can be answered, and that its requests do not wait for ever."""
    if not 10 <= realm.backchannel_authentication_lifetime <= LONGEST_LIFETIME:
        yield ("backchannel_authentication_lifetime",), f"a person answers within 10 to {LONGEST_LIFETIME} seconds"
    if not 60 <= realm.device_code_lifetime <= 1800:
        yield ("device_code_lifetime",), "a device code lives 60 to 1800 seconds"
    for index, client in enumerate(realm.clients):
        for message in _problems(client):
            yield ("clients", index), message


def _problems(client: ClientSettings) -> Iterator[str]:
    mode, endpoint = client.backchannel_token_delivery_mode, client.backchannel_client_notification_endpoint
    if mode not in MODES:
        yield f"write `backchannel_token_delivery_mode` as one of {', '.join(MODES[1:])}"
    if mode and CIBA not in client.grant_types:
        yield f"`backchannel_token_delivery_mode` is for clients with the grant {CIBA}"
    if mode in ("ping", "push") and not _is_endpoint(endpoint):
        yield f"the mode {mode} needs a `backchannel_client_notification_endpoint`: https, or http on loopback"
    if endpoint and mode not in ("ping", "push"):
        yield "`backchannel_client_notification_endpoint` is for the modes ping and push"
    bound = client.dpop_bound_access_tokens or client.tls_client_certificate_bound_access_tokens
    if mode == "push" and bound:
        yield "tokens bound to a key cannot be pushed: use the mode ping or poll"
    algorithm = client.backchannel_authentication_request_signing_alg
    if algorithm and algorithm not in ALGORITHMS:
        yield f"write `backchannel_authentication_request_signing_alg` as one of {', '.join(sorted(ALGORITHMS))}"
    if algorithm and client.jwks is None and not client.jwks_uri:
        yield "signed requests need the client's public keys in `jwks` or `jwks_uri`"


def _is_endpoint(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    )
