"""A key of a realm that others encrypt to."""

from __future__ import annotations

from typing import Any, ClassVar

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds


class EncryptionKey(Record, frozen=True, kw_only=True):
    """A key clients encrypt request objects to. Its `id` is the `kid`; only the key-encryption key opens it.

    The newest of its type is published. An older one still decrypts until `expires_at`, for clients that keep the key
    document. `slot` (type and number) is unique, so that of several processes that make the next key only one does.
    """

    kind: ClassVar[str] = "encryption_key"
    unique_indexes: ClassVar[tuple[str, ...]] = ("slot",)
    cached: ClassVar[bool] = True

    key_type: str
    number: int = 1
    slot: str = ""
    public_jwk: dict[str, Any]
    sealed_private_key: bytes
    created_at: EpochSeconds
