"""One fetch of an address at a time, shared by all who ask meanwhile.

Strangers decide how often a request by reference comes, so they must not decide how often we ask the server behind it.
Only so many go on at once, so that servers which never answer keep no other fetch of ours waiting.
Does not: keep anything. Whoever comes after a fetch has ended causes the next.
"""

from __future__ import annotations

import asyncio
from typing import Final

from keystead.core.protocols import Fetched, Outbound, OutboundRefused

AT_ONCE: Final = 8


class SharedFetches:
    """The fetches under way, each bounded to `maximum` bytes, asking for the media types in `accept`."""

    def __init__(self, *, maximum: int, accept: str) -> None:
        self._maximum = maximum
        self._accept = accept
        self._running: dict[tuple[int, str], asyncio.Task[Fetched]] = {}

    async def get(self, url: str, outbound: Outbound) -> Fetched:
        """Return what is there now. Raises: OutboundRefused, to all who wait."""
        key = (id(outbound), url)
        running = self._running.get(key)
        if running is None:
            if len(self._running) >= AT_ONCE:
                raise OutboundRefused("too many such fetches are under way")
            fetching = outbound.get(url, maximum=self._maximum, accept=self._accept)
            running = self._running[key] = asyncio.ensure_future(fetching)
            running.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(running)

    def _forget(self, key: tuple[int, str], done: asyncio.Task[Fetched]) -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            done.exception()  # looked at, so that nobody is told of it who gave up waiting
