"""What a database says of itself: which key-encryption key it belongs to."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.records.record import Record

EVERYWHERE = "-"
"""The realm of what belongs to no realm. No realm can have this name."""


class Installation(Record, frozen=True, kw_only=True):
    """The one record of its kind. `key_check` is what only the right key-encryption key can compute."""

    kind: ClassVar[str] = "installation"

    key_check: str
