"""How much one local user may ask of the agent: so many requests a second, so many open at a time.

Does not: tell apart processes of one user; they can fork as they like, so a bound per process would bound nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_REMEMBERED_USERS: Final = 4_096


class PeerLimits:
    """A token bucket and a counter per uid. `clock` is monotonic, in seconds."""

    def __init__(self, per_second: int, open_at_once: int, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = 2 * per_second
        self._open_at_once = open_at_once
        self._clock = clock
        self._buckets: dict[int, tuple[float, float]] = {}
        self._open: dict[int, int] = {}

    def enter(self, uid: int) -> bool:
        """Count one request in, unless the user is over a bound."""
        now = self._clock()
        level, at = self._buckets.get(uid, (float(self._burst), now))
        level = min(self._burst, level + (now - at) * self._per_second)
        if level < 1 or self._open.get(uid, 0) >= self._open_at_once:
            self._buckets[uid] = (level, now)
            return False
        if len(self._buckets) >= _REMEMBERED_USERS:
            self._buckets.clear()
        self._buckets[uid] = (level - 1, now)
        self._open[uid] = self._open.get(uid, 0) + 1
        return True

    def leave(self, uid: int) -> None:
        """Count one request out."""
        left = self._open.get(uid, 1) - 1
        if left:
            self._open[uid] = left
        else:
            self._open.pop(uid, None)
