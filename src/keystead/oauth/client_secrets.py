"""Client secrets: compared by SHA-256 in constant time, two at once while one is replaced; sealed where they are used.

Does not: keep a secret in the clear, or seal one for a method that only compares.
Spec: RFC 6749 section 2.3.1, RFC 7591 section 3.2.1 (`client_secret_expires_at`).
"""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest
from typing import Final

from keystead.core.decisions import Check, Credential
from keystead.core.records.client import Client
from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds, Secret, handle_digest
from keystead.oauth.client_authentication import Caller, refuse

USING_METHODS: Final = frozenset({"client_secret_jwt"})
"""Methods that must use a secret and so need it sealed, not only digested."""

_PASSED: Final = (Check("client_authentication", True, "the client secret is the registered one"),)
_NOTHING: Final = "0" * 64
_KIND: Final = "client_secret"


def prove_secret(client: Client, secret: str, method: str, now: EpochSeconds) -> Caller:
    """Return the caller when the secret is one of the client's and has not expired.

    Raises: InvalidClient. A client without a secret never matches, an empty secret neither.
    """
    shown = handle_digest(secret)
    matches = [compare_digest(shown, stored) for stored in client.client_secret_digests or (_NOTHING,)]
    if not secret or not any(matches):
        raise refuse("client.wrong_secret", f"client {client.id} showed a wrong secret")
    if _expired(client, matches.index(True), now):
        raise refuse("client.secret_expired", f"client {client.id} showed a secret that has expired")
    return Caller(client, method, Credential(kind="client_secret", client_id=client.id), _PASSED)


def opened_secrets(client: Client, sealer: Sealer, now: EpochSeconds) -> tuple[Secret, ...]:
    """Return the secrets of a client that must be used, without those that have expired."""
    opened = [
        sealer.open(client.realm, _KIND, client.id, sealed)
        for index, sealed in enumerate(client.client_secrets_sealed)
        if not _expired(client, index, now)
    ]
    return tuple(Secret(text.decode()) for text in opened if text is not None)


def _expired(client: Client, index: int, now: EpochSeconds) -> bool:
    own = client.client_secret_expiries[index] if index < len(client.client_secret_expiries) else 0
    return 0 < client.client_secret_expires_at <= now or 0 < own <= now


def sealed_secrets(realm: str, client_id: str, secrets: Iterable[str], sealer: Sealer) -> tuple[bytes, ...]:
    """Return secrets sealed for this client, for `Client.client_secrets_sealed`."""
    return tuple(sealer.seal(realm, _KIND, client_id, secret.encode()) for secret in secrets)
