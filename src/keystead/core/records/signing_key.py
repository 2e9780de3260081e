"""A realm's signing key."""

from __future__ import annotations

from typing import Any, ClassVar

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds


class SigningKey(Record, frozen=True, kw_only=True):
    """A signing key. Its `id` is the `kid`; `sealed_private_key` opens only under the key-encryption key.

    Published from `created_at`, signs from `signs_from` until the next key signs, published until `expires_at`.
    Keys of one algorithm are numbered from 1; `slot` (algorithm and number) is unique, so that of several processes
    that would make the same next key only one does.
    """

    kind: ClassVar[str] = "signing_key"
    unique_indexes: ClassVar[tuple[str, ...]] = ("slot",)
    cached: ClassVar[bool] = True

    algorithm: str
    number: int = 1
    slot: str = ""
    public_jwk: dict[str, Any]
    sealed_private_key: bytes
    created_at: EpochSeconds
    signs_from: EpochSeconds
    retires_at: EpochSeconds | None = None
