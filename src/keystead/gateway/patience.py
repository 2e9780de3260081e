"""Time limits without a timer per request: progress is noted, and a tick about once a second looks who made none."""

from __future__ import annotations

from typing import Final

TICK: Final = 0.5


class Patience:
    """How long something may go without progress. `moved` is set by whoever makes progress."""

    __slots__ = ("_deadline", "_seconds", "moved")

    def __init__(self, seconds: float) -> None:
        self.moved = True
        self._seconds = seconds
        self._deadline = 0.0

    def begin(self, seconds: float) -> None:
        """Begin a phase with another limit."""
        self._seconds = seconds
        self.moved = True

    def exhausted(self, now: float) -> bool:
        """Tell, at a tick, whether the limit has passed since the last progress (up to one tick late)."""
        if self.moved:
            self.moved = False
            self._deadline = now + self._seconds
            return False
        return now >= self._deadline
