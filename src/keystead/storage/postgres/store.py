"""The PostgreSQL store: a reader with its lanes, a writer, what both keep in memory, and a bell for the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Final, TypeVar

from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, Write
from keystead.storage.postgres.bell import PollingBell
from keystead.storage.postgres.connecting import Connector
from keystead.storage.postgres.members import Member
from keystead.storage.postgres.performer import Performer, SharedCache, Work
from keystead.storage.postgres.reader import Reader
from keystead.storage.postgres.writer import Writer
from keystead.storage.sql.sweeper import sweep

T = TypeVar("T")

NEWEST: Final = "SELECT sequence FROM outbox_newest"
SWEPT_TOGETHER: Final = 250


class PostgresStore:
    """A store in a PostgreSQL database. Keeps the contract of `keystead.storage.ports.Store`.

    Connects at the first read or write, which is when a wrong URL is told.
    """

    def __init__(self, url: str) -> None:
        cache = SharedCache()
        connector = Connector(url, cache)
        self._reader = Reader(connector, cache)
        self._writer = Writer(connector, cache)
        self._bell = PollingBell(self._newest)
        self._writer.committed = self._bell.ring

    async def read(self, transaction: Read[T]) -> T:
        """Run a transaction that only looks."""
        return await self._ask(lambda performer: performer.run(transaction))

    def hold(self) -> None:
        """Do nothing: reads that are asked for at different times see different snapshots here."""

    def release(self) -> None:
        """Do nothing."""

    async def write(self, transaction: Callable[[], Write[T]]) -> T:
        """Run a transaction; return when it is durable."""

        def begin(performer: Performer) -> Work[T]:
            return (yield from performer.run(transaction()))

        return await self._tell(begin)

    async def sweep(self, now: EpochSeconds, limit: int = 500) -> int:
        """Remove at most `limit` expired rows, few at a time, since nobody else writes meanwhile."""
        gone = 0
        while gone < limit:
            wanted = min(SWEPT_TOGETHER, limit - gone)
            swept: int = await self._tell(lambda performer: sweep(now, wanted), alone=True)  # noqa: B023
            gone += swept
            if swept < wanted:
                break
        return gone

    async def changed(self, since: int, timeout: float) -> int:
        """Wait for an outbox event after `since`, by any node, or for `timeout` seconds."""
        return await self._bell.wait(since, timeout)

    async def close(self) -> None:
        """Finish queued writes and reads, and hang up."""
        await self._bell.close()
        await self._writer.close()
        await self._reader.close()

    async def _newest(self) -> int:
        newest: int = await self._ask(lambda performer: _newest())
        return newest

    def _ask(self, begin: Callable[[Performer], Work[T]]) -> asyncio.Future[T]:
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._reader.submit(Member(begin, answer))
        return answer

    def _tell(self, begin: Callable[[Performer], Work[T]], *, alone: bool = False) -> asyncio.Future[T]:
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.submit(Member(begin, answer, alone))
        return answer


def _newest() -> Generator[Any, Any, int]:
    rows = yield NEWEST, ()
    number: int = rows[0][0]
    return number


def open_store(url: str) -> PostgresStore:
    """Return the store of a `postgresql://` URL. Does not connect yet."""
    return PostgresStore(url)
