"""Who waits for news in the outbox, and who rings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from keystead.core.errors import StorageError

POLL_SECONDS: Final = 0.05


class Bell:
    """Wakes waiters when the outbox grows: at once for this process's commits, within a poll for others'.

    Polls only while somebody waits, one look for all of them.
    """

    def __init__(self, newest: Callable[[], int]) -> None:
        self._newest = newest
        self._waiting: dict[asyncio.Future[int], int] = {}
        self._poll: asyncio.TimerHandle | None = None

    async def wait(self, since: int, timeout: float) -> int:
        """Return the newest sequence number once it is greater than `since`, or when the time is up."""
        newest = self._newest()
        if newest > since or timeout <= 0:
            return newest
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        self._waiting[future] = since
        if self._poll is None:
            self._poll = loop.call_later(POLL_SECONDS, self._look)
        expiry = loop.call_later(timeout, _wake, future, -1)
        try:
            found = await future
        finally:
            expiry.cancel()
            self._waiting.pop(future, None)
        return self._newest() if found < 0 else found

    def ring(self) -> None:
        """Look now: a commit of this process added events."""
        if not self._waiting:
            return
        try:
            newest = self._newest()
        except StorageError as error:
            for future in self._waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for future, since in self._waiting.items():
            if newest > since:
                _wake(future, newest)

    def _look(self) -> None:
        self._poll = None
        if self._waiting:
            self.ring()
            self._poll = asyncio.get_running_loop().call_later(POLL_SECONDS, self._look)


def _wake(future: asyncio.Future[int], newest: int) -> None:
    if not future.done():
        future.set_result(newest)
