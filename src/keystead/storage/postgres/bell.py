"""Who waits for news in the outbox: woken at once by this node's commits, within a poll by those of others.

Looks only while somebody waits, one look for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from keystead.storage.bell import POLL_SECONDS


class PollingBell:
    """Waiters, and the one task that looks for them. `newest` asks the database."""

    def __init__(self, newest: Callable[[], Awaitable[int]]) -> None:
        self._newest = newest
        self._waiting: dict[asyncio.Future[int], int] = {}
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def wait(self, since: int, timeout: float) -> int:
        """Return the newest sequence number once it is greater than `since`, or when the time is up."""
        newest = await self._newest()
        if newest > since or timeout <= 0:
            return newest
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[future] = since
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look())
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            return await self._newest()
        finally:
            self._waiting.pop(future, None)

    def ring(self) -> None:
        """Look now: a commit of this process may have added events."""
        self._rung.set()

    async def close(self) -> None:
        """Stop looking. Who still waits is answered when its time is up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _look(self) -> None:
        try:
            while self._waiting:
                self._rung.clear()
                await self._tell()
                if self._waiting:
                    await self._pause()
        finally:
            self._task = None

    async def _pause(self) -> None:
        loop = asyncio.get_running_loop()
        alarm = loop.call_later(POLL_SECONDS, self._rung.set)
        await self._rung.wait()
        alarm.cancel()

    async def _tell(self) -> None:
        try:
            newest = await self._newest()
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            for future in self._waiting:
                if not future.done():
                    future.set_exception(error)
            self._waiting.clear()
            return
        for future, since in self._waiting.items():
            if newest > since and not future.done():
                future.set_result(newest)
