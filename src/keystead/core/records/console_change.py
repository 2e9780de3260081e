"""Who made a change in the console."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.records.record import Record


class ConsoleChange(Record, frozen=True, kw_only=True):
    """Who made the change of a revision. `id` is `{store}.{revision}`; it goes when the change has left the feed."""

    kind: ClassVar[str] = "console_change"

    subject: str
    name: str
