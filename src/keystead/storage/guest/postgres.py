"""The tuples in a service's PostgreSQL database, for the engine: on connections of its own, beside the service's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import asyncpg

from keystead.core.errors import ConfigurationError, StorageUnavailable
from keystead.core.values import EpochSeconds
from keystead.storage.guest.drivers import RunLater, perform_later, run_later_on
from keystead.storage.guest.operations import sweep
from keystead.storage.guest.sqlite import steps_of
from keystead.storage.guest.tables import Tables
from keystead.storage.ports import Read, Write
from keystead.storage.postgres.address import spoken
from keystead.storage.postgres.failures import ANY, OF_THE_CONNECTION, OF_THE_MEMBER

T = TypeVar("T")

CONNECTIONS: Final = 3
ALONE: Final = "LOCK TABLE relationship_revisions IN SHARE ROW EXCLUSIVE MODE"


class GuestInPostgres:
    """Keeps the part of `keystead.storage.ports.Store` that is about tuples. Connects at the first question."""

    def __init__(self, url: str, tables: Tables) -> None:
        self._url = url
        self._where = spoken(url)
        self._tables = tables
        self._idle: list[asyncpg.Connection] = []
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._checked = False

    async def read(self, transaction: Read[T]) -> T:
        """Run a transaction that only looks, at one snapshot."""
        async with self._transaction(isolation="repeatable_read", readonly=True) as run:
            return await self._run(transaction, run, writing=False)

    async def write(self, transaction: Callable[[], Write[T]]) -> T:
        """Run a transaction of our own; return when it is durable."""
        async with self._transaction() as run:
            return await self._run(transaction(), run, writing=True)

    async def sweep(self, now: EpochSeconds, limit: int = 500) -> int:
        """Remove at most `limit` expired tuples and old changes, while nobody else writes tuples."""
        async with self._transaction() as run:
            await run(self._tables.named(ALONE), ())
            return await perform_later(sweep(now, limit), run, self._tables.named)

    async def changed(self, since: int, timeout: float) -> int:
        """Wait: there is no outbox here."""
        await asyncio.sleep(timeout)
        return since

    def hold(self) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Hang up."""
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def _transaction(self, **how: Any) -> AsyncIterator[RunLater]:
        """Lend a connection with a transaction open. Raises: StorageUnavailable, ConfigurationError."""
        async with self._places:
            connection = None
            try:
                connection = await self._connection()
                async with connection.transaction(**how):
                    run = run_later_on(connection)
                    if run is not None:
                        yield run
            except ANY as error:
                if connection is not None and isinstance(error, OF_THE_CONNECTION):
                    connection.terminate()
                if isinstance(error, OF_THE_MEMBER):
                    raise
                reason = str(error) or type(error).__name__
                raise StorageUnavailable(f"{self._where}: {reason}") from error
            finally:
                if connection is not None and not connection.is_closed():
                    self._idle.append(connection)

    async def _connection(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        connection = await asyncpg.connect(self._url, timeout=4)
        if not self._checked:
            name = self._tables.named("relationships")
            if await connection.fetchval("SELECT to_regclass($1)", name) is None:
                await connection.close()
                raise ConfigurationError(
                    f"the database has no table {name}; make it with `keystead.authz.table_definitions('postgresql')`",
                    where=self._where,
                )
            self._checked = True
        return connection

    async def _run(self, transaction: Generator[Any, Any, T], run: RunLater, *, writing: bool) -> T:
        answer = None
        try:
            while True:
                steps = steps_of(transaction.send(answer), writing=writing)
                answer = await perform_later(steps, run, self._tables.named)
        except StopIteration as end:
            result: T = end.value
            return result
