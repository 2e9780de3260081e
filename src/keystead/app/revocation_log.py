"""What one realm revoked lately, in memory: in order, bounded, and able to tell where a follower stands.

A cursor names the last entry a follower has, by number and by what it said. A database put back from a backup gives
numbers out again; what they said then differs, the cursor is not known any more, and the follower gets everything.
Does not: read the store or the clock.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from operator import attrgetter
from typing import Final, NamedTuple

from keystead.core.revocation_feed import LARGEST_PAGE, Entry, FeedPage
from keystead.core.values import EpochSeconds, Seconds

MAXIMUM_ENTRIES: Final = 250_000
_WORTH_CUTTING: Final = 1_024


class Line(NamedTuple):
    """One entry, where it stands in the outbox, and a digest of the event it was made from."""

    sequence: int
    digest: str
    entry: Entry


class RevocationLog:
    """One realm's lines, oldest first. Beyond `maximum` the oldest go, and `floor` speaks for them."""

    def __init__(self, issuer: str, maximum: int = MAXIMUM_ENTRIES) -> None:
        self.issuer = issuer
        self.floor = EpochSeconds(0)
        self._maximum = maximum
        self._lines: list[Line] = []
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._lines) - self._dropped

    def add(self, line: Line) -> None:
        """Add the newest line."""
        self._lines.append(line)
        if len(self) > self._maximum:
            oldest = self._lines[self._dropped].entry
            self.floor = max(self.floor, oldest.before, EpochSeconds(oldest.at + 2))
            self._drop(1)

    def forget(self, before: EpochSeconds) -> None:
        """Forget what ended before a moment: no token of that time lives."""
        number = 0
        while number < len(self) and self._lines[self._dropped + number].entry.at < before:
            number += 1
        self._drop(number)

    def page(self, cursor: str, memory: Seconds) -> FeedPage:
        """Return what comes after a cursor; everything when it is not one of ours."""
        start = self._after(cursor)
        lines = self._lines[start : start + LARGEST_PAGE]
        return FeedPage(
            iss=self.issuer,
            cursor=_cursor(lines[-1]) if lines else cursor,
            more=start + len(lines) < len(self._lines),
            memory=memory,
            floor=self.floor,
            revoked=tuple(line.entry for line in lines),
        )

    def _after(self, cursor: str) -> int:
        """Return the index of the first line after the cursor."""
        number, _, digest = cursor.partition(".")
        if number.isdecimal() and len(number) < 20:
            at = bisect_left(self._lines, int(number), lo=self._dropped, key=attrgetter("sequence"))
            if at < len(self._lines) and _cursor(self._lines[at]) == f"{number}.{digest}":
                return at + 1
        return self._dropped

    def _drop(self, number: int) -> None:
        self._dropped += number
        if self._dropped > _WORTH_CUTTING and self._dropped * 2 > len(self._lines):
            del self._lines[: self._dropped]
            self._dropped = 0


def event_digest(realm: str, at: int, payload: bytes) -> str:
    """Return what tells one event from another that bears the same number."""
    return hashlib.sha256(f"{realm}\n{at}\n".encode() + payload).hexdigest()[:16]


def _cursor(line: Line) -> str:
    return f"{line.sequence}.{line.digest}"
