"""Secrets that must be used, not only compared, are stored sealed; sealing anew for the same secret is no change."""

from __future__ import annotations

import msgspec

from keystead.app.settings.credential_checks import client_secrets
from keystead.app.settings.realm import RealmSettings
from keystead.core.records.client import Client
from keystead.core.records.record import Record
from keystead.core.sealing import Sealer
from keystead.oauth.client_secrets import USING_METHODS, sealed_secrets


def with_sealed_secrets(record: Client, stored: Record | None, wanted: RealmSettings, sealer: Sealer) -> Client:
    """Return the client with its secrets sealed if its method uses them: those it has, where they are the same."""
    if record.token_endpoint_auth_method not in USING_METHODS:
        return record
    if (
        isinstance(stored, Client)
        and stored.client_secret_digests == record.client_secret_digests
        and len(stored.client_secrets_sealed) == len(record.client_secret_digests)
    ):
        return msgspec.structs.replace(record, client_secrets_sealed=stored.client_secrets_sealed)
    settings = next(client for client in wanted.clients if client.client_id == record.id)
    sealed = sealed_secrets(record.realm, record.id, client_secrets(settings), sealer)
    return msgspec.structs.replace(record, client_secrets_sealed=sealed)
