"""The tuples in a service's SQLite file, for the engine: on connections of its own, beside the service's."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from keystead.core.errors import ConfigurationError, StorageUnavailable
from keystead.core.values import EpochSeconds
from keystead.storage.guest.drivers import perform
from keystead.storage.guest.operations import sweep, write_alone
from keystead.storage.guest.tables import Tables
from keystead.storage.ports import Read, Write, WriteRelationships
from keystead.storage.sql import READS
from keystead.storage.sql.statement import Row, SqlValue, Steps

T = TypeVar("T")

LOCK_SECONDS: Final = 5.0


class GuestInSqlite:
    """Keeps the part of `keystead.storage.ports.Store` that is about tuples. For one event loop."""

    def __init__(self, path: str, tables: Tables) -> None:
        """Raises: ConfigurationError when the file or the tables are not there."""
        self._path = Path(path).absolute()
        self._tables = tables
        if not self._path.is_file():
            raise ConfigurationError("there is no such database; the service makes it first", where=str(self._path))
        self._reading = self._connect()
        self._reading.execute("PRAGMA query_only = ON")
        self._writing = self._connect()
        self._probing = self._connect()
        self._writer = threading.Lock()
        self._require_tables()

    def version(self) -> int:
        """Return a number that is another once anything was committed, by anybody."""
        number: int = self._reading.execute("PRAGMA data_version").fetchone()[0]
        return number

    def probe(self) -> Callable[[], int]:
        """Return the same question for any thread."""
        lock, cursor = threading.Lock(), self._probing.cursor()

        def ask() -> int:
            with lock:
                number: int = cursor.execute("PRAGMA data_version").fetchone()[0]
            return number

        return ask

    async def read(self, transaction: Read[T]) -> T:
        """Run a transaction that only looks, at one snapshot. Never suspends."""
        return self._inside(self._reading, "BEGIN", lambda run: self._run(transaction, run, writing=False))

    async def write(self, transaction: Callable[[], Write[T]]) -> T:
        """Run a transaction of our own; return when it is durable."""
        return await asyncio.to_thread(self._write, lambda run: self._run(transaction(), run, writing=True))

    async def sweep(self, now: EpochSeconds, limit: int = 500) -> int:
        """Remove at most `limit` expired tuples and old changes."""
        return await asyncio.to_thread(self._write, lambda run: perform(sweep(now, limit), run, self._tables.named))

    async def changed(self, since: int, timeout: float) -> int:
        """Wait: there is no outbox here."""
        await asyncio.sleep(timeout)
        return since

    def hold(self) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Let go of the file."""
        for connection in (self._reading, self._writing, self._probing):
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False)

    def _require_tables(self) -> None:
        name = self._tables.named("relationships")
        found = self._reading.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (name,))
        if found.fetchone() is None:
            raise ConfigurationError(
                f"the database has no table {name}; make it with `keystead.authz.table_definitions('sqlite')`",
                where=str(self._path),
            )

    def _write(self, work: Callable[[Callable[[str, Sequence[SqlValue]], list[Row]]], T]) -> T:
        with self._writer:
            return self._inside(self._writing, "BEGIN IMMEDIATE", work)

    def _inside(
        self,
        connection: sqlite3.Connection,
        begin: str,
        work: Callable[[Callable[[str, Sequence[SqlValue]], list[Row]]], T],
    ) -> T:
        try:
            connection.execute(begin)
            try:
                answer = work(lambda text, values: connection.execute(text, values).fetchall())
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StorageUnavailable(f"{self._path}: {error}") from error
        return answer

    def _run(
        self,
        transaction: Generator[Any, Any, T],
        run: Callable[[str, Sequence[SqlValue]], list[Row]],
        *,
        writing: bool,
    ) -> T:
        answer = None
        try:
            while True:
                steps = steps_of(transaction.send(answer), writing=writing)
                answer = perform(steps, run, self._tables.named)
        except StopIteration as end:
            result: T = end.value
            return result


def steps_of(operation: Any, *, writing: bool) -> Steps[Any]:
    """Return the statements of an operation. Raises: TypeError for one that is not about tuples."""
    if writing and isinstance(operation, WriteRelationships):
        return write_alone(operation)
    steps = READS.get(type(operation))
    if steps is None:
        raise TypeError(f"a guest in another database may not {type(operation).__name__}")
    return steps(operation)
