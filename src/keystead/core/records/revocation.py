"""One access token that died before its time."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.records.record import Record


class RevokedToken(Record, frozen=True, kw_only=True):
    """A revoked access token. Its `id` is the `jti`; it expires when the token would have."""

    kind: ClassVar[str] = "revoked_token"
