"""A client's profile and the rest of its entry must agree: one word turns all on, and nothing may turn a part off."""

from __future__ import annotations

from collections.abc import Iterator

from keystead.app.settings.client import ClientSettings
from keystead.app.settings.credential_checks import client_secrets
from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.oauth.profile_contradictions import contradictions


def require_profiles(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand that no client's entry contradicts its profile."""
    for index, client in enumerate(realm.clients):
        for member, message in contradictions(client, settled_method(client), realm.signing_algorithm):
            yield ("clients", index, *((member,) if member else ())), message


def settled_method(client: ClientSettings) -> str:
    """Return how the client authenticates: what its entry says, or what it implies."""
    if client.token_endpoint_auth_method:
        return client.token_endpoint_auth_method
    if client.workload:
        return "workload"
    if client.jwks is not None or client.jwks_uri:
        return "private_key_jwt"
    return "client_secret" if client_secrets(client) else "none"
