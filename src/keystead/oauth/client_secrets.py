"""Comparing client secrets: by SHA-256, in constant time, two at once while one is being replaced."""

from __future__ import annotations

from hmac import compare_digest
from typing import Final

from keystead.core.decisions import Check, Credential
from keystead.core.records.client import Client
from keystead.core.values import handle_digest
from keystead.oauth.client_authentication import Caller, refuse

_PASSED: Final = (Check("client_authentication", True, "the client secret is the registered one"),)
_NOTHING: Final = "0" * 64


def prove_secret(client: Client, secret: str, method: str) -> Caller:
    """Return the caller when the secret is one of the client's.

    Raises: InvalidClient. A client without a secret never matches, an empty secret neither.
    """
    shown = handle_digest(secret)
    matches = [compare_digest(shown, stored) for stored in client.client_secret_digests or (_NOTHING,)]
    if not secret or not any(matches):
        raise refuse("client.wrong_secret", f"client {client.id} showed a wrong secret")
    return Caller(client, method, Credential(kind="client_secret", client_id=client.id), _PASSED)
