"""Everything revoked that an unexpired token could still stand on: in memory, bounded, asked without a lock.

One thread adds; any number of threads ask. What is over the bound is not forgotten: `floor` rises instead, and every
token from before it is refused until its holder has got a new one.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from keystead.core.decisions import Check
from keystead.core.jose import base64url
from keystead.core.revocation_feed import CLOCK_MARGIN, LEAST_MEMORY, FeedPage
from keystead.sdk.revocations import ALIVE, Watched

MAXIMUM_MARKS: Final = 500_000
_SPARE: Final = 120.0
_DEAD: Final = Check("revocation", False, "what it stands on was revoked")
_SUPERSEDED: Final = Check("revocation", False, "it is from before its session, account or client was ended")
_BEFORE_FLOOR: Final = Check("revocation", False, "it is from before a moment up to which the issuer ended all tokens")
_TOO_LONG: Final = Check("revocation", False, "it lives longer than revocations are remembered")


class _Batch:
    """What came in one page: until when it matters, and how old its newest entry is by the issuer's clock."""

    __slots__ = ("dead", "expires_at", "newest", "renewed")

    def __init__(self, expires_at: float) -> None:
        self.expires_at = expires_at
        self.newest = 0
        self.dead: list[bytes] = []
        self.renewed: list[bytes] = []


class RevokedMarks:
    """The marks of what died. `revision` is another object whenever an answer could be another."""

    def __init__(self, maximum: int = MAXIMUM_MARKS) -> None:
        self._maximum = maximum
        self._dead: set[bytes] = set()
        self._renewed: dict[bytes, tuple[int, _Batch]] = {}
        self._batches: deque[_Batch] = deque()
        self._floor = 0
        self._memory: int = LEAST_MEMORY
        self.revision: object = object()

    def __len__(self) -> int:
        return len(self._dead) + len(self._renewed)

    def add(self, page: FeedPage, now: float) -> bool:
        """Take a page of the feed, and forget what no longer matters at `now`. Answer: whether it told anything new.

        Raises: ValueError for an entry that is none; then nothing was taken.
        """
        entries = [(_mark(entry.mark), entry.at, entry.before) for entry in page.revoked]
        changed = page.floor > self._floor or page.memory != self._memory
        self._floor, self._memory = max(self._floor, page.floor), page.memory
        self._forget(now)
        batch = _Batch(now + page.memory + _SPARE)
        for mark, at, before in entries:
            batch.newest = max(batch.newest, at)
            if not before and mark not in self._dead:
                self._dead.add(mark)
                batch.dead.append(mark)
            elif before and before > self._renewed.get(mark, (0, batch))[0]:
                self._renewed[mark] = (before, batch)
                batch.renewed.append(mark)
        if batch.dead or batch.renewed:
            self._batches.append(batch)
            changed = True
            while len(self) > self._maximum:
                self._raise_floor(self._batches.popleft())
        if changed:
            self.revision = object()
        return changed

    def check(self, watched: Watched) -> Check:
        """Return whether nothing a token stands on is among the dead. Looks only when something came since."""
        revision = self.revision
        if watched.revision is not revision:
            watched.outcome = self._judge(watched)
            watched.revision = revision
        return watched.outcome

    def _judge(self, watched: Watched) -> Check:
        if watched.issued_at < self._floor:
            return _BEFORE_FLOOR
        if watched.lifetime > self._memory:
            return _TOO_LONG
        for mark in watched.marks:
            if mark in self._dead:
                return _DEAD
            renewed = self._renewed.get(mark)
            if renewed is not None and watched.issued_at < renewed[0]:
                return _SUPERSEDED
        return ALIVE

    def _forget(self, now: float) -> None:
        while self._batches and self._batches[0].expires_at <= now:
            self._drop(self._batches.popleft())

    def _raise_floor(self, batch: _Batch) -> None:
        self._floor = max(self._floor, batch.newest + 1 + CLOCK_MARGIN)
        self._drop(batch)

    def _drop(self, batch: _Batch) -> None:
        self._dead.difference_update(batch.dead)
        for mark in batch.renewed:
            if self._renewed.get(mark, (0, None))[1] is batch:
                del self._renewed[mark]


def _mark(text: str) -> bytes:
    mark = base64url.decode(text.encode("ascii"))
    if len(mark) != 16:
        raise ValueError("a mark has 16 bytes")
    return mark
