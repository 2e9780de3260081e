"""Where DPoP proofs that were shown are remembered, so that none is good twice.

Shape: `claim` takes a key until a time; the first one to take it gets True, everybody after False.
Does not: share anything between processes by itself. A service with several plugs in a store they share (Valkey's
`SET key 1 NX EXAT until` is one); without it a stolen proof may be good once more in each process, for its two minutes.
Spec: RFC 9449 section 11.1.
"""

from __future__ import annotations

from typing import Final, Protocol

from keystead.core.values import EpochSeconds

MAXIMUM: Final = 250_000


class ReplayStoreFull(Exception):
    """There is no room to remember another proof, so none is accepted: better refused than replayed."""


class ReplayStore(Protocol):
    """Remembers keys until a time."""

    async def claim(self, key: str, until: EpochSeconds, now: EpochSeconds) -> bool:
        """Take a key. Return whether nobody had it. Raises: ReplayStoreFull."""
        ...


class MemoryReplays:
    """The memory of one process, bounded: `maximum` proofs in their two and a half minutes."""

    def __init__(self, maximum: int = MAXIMUM) -> None:
        self._maximum = maximum
        self._taken: dict[bytes, EpochSeconds] = {}

    async def claim(self, key: str, until: EpochSeconds, now: EpochSeconds) -> bool:
        """Take a key."""
        octets = bytes.fromhex(key)[:16]
        if self._taken.get(octets, now) > now:
            return False
        if len(self._taken) >= self._maximum:
            self._forget(now)
        self._taken.pop(octets, None)
        self._taken[octets] = until
        return True

    def _forget(self, now: EpochSeconds) -> None:
        """Make room by what is over."""
        self._taken = {key: until for key, until in self._taken.items() if until > now}
        if len(self._taken) >= self._maximum:
            raise ReplayStoreFull("more DPoP proofs than the replay store holds; give it a larger maximum")
