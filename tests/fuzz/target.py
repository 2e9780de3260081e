"""What one parser is fed with, and what it may raise."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

BOUND: Final = 0.05
"""Seconds of processor time one input may cost."""
LENIENCE: Final = 5
"""What a loaded machine is forgiven: caches lost, a slower clock. The input is measured again before it fails."""


class Target(msgspec.Struct, frozen=True):
    """A parser. `seeds` are inputs that are understood; `words` are put into them; `refusals` may be raised.

    `bound` is larger only for what an operator writes, not a stranger.
    """

    name: str
    parse: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    refusals: tuple[type[Exception], ...] = ()
    bound: float = BOUND

    def feed(self, data: bytes) -> None:
        """Parse once. Raises: whatever is not a refusal; AssertionError when it took too long."""
        if self._seconds(data) > self.bound:
            least = min(self._seconds(data) for _ in range(3))
            assert least < self.bound * LENIENCE, f"{self.name}: {least:.3f} s for {len(data)} bytes: {data[:200]!r}"

    def _seconds(self, data: bytes) -> float:
        began = time.thread_time()
        try:
            self.parse(data)
        except self.refusals:
            pass
        return time.thread_time() - began
