"""The SQLite store: a reader, a writer, what both keep in memory, and a bell for the outbox."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from keystead.core.errors import StorageUnavailable
from keystead.core.values import EpochSeconds
from keystead.storage.bell import Bell
from keystead.storage.cache import Cache
from keystead.storage.migrations import known_migrations
from keystead.storage.ports import Read, Write
from keystead.storage.sql import READS, WRITES
from keystead.storage.sql.sweeper import sweep
from keystead.storage.sqlite.driver import Driver
from keystead.storage.sqlite.opening import connect_reader, connect_writer, prepare_file
from keystead.storage.sqlite.reader import Reader
from keystead.storage.sqlite.schema import bring_up_to_date
from keystead.storage.sqlite.writer import Writer

T = TypeVar("T")

SWEPT_TOGETHER: Final = 100


class SqliteStore:
    """A store in one file. Made by `open_store`; keeps the contract of `keystead.storage.ports.Store`."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer
        self._bell = Bell(reader.newest_event)
        writer.committed = self._bell.ring

    async def read(self, transaction: Read[T]) -> T:
        """Run a transaction that only looks. Never suspends."""
        return self._reader.run(transaction)

    def version(self) -> int:
        """Return a number that is another once anything was committed, as seen by the reads that follow."""
        return self._reader.version()

    def probe(self) -> Callable[[], int]:
        """Return a function for any thread that answers another number once anything was committed."""
        return self._reader.probe()

    def hold(self) -> None:
        """Let the reads from here on share one snapshot, until `release` or the next `write`."""
        self._reader.hold()

    def release(self) -> None:
        """End what `hold` began."""
        self._reader.release()

    async def write(self, transaction: Callable[[], Write[T]]) -> T:
        """Run a transaction; return when it is durable."""
        self._reader.release()

        answer: T = await self._writer.submit(lambda driver: driver.run(transaction()))
        return answer

    async def sweep(self, now: EpochSeconds, limit: int = 500) -> int:
        """Remove at most `limit` expired rows, few at a time, since they are removed on the loop."""
        gone = 0
        while gone < limit:
            wanted = min(SWEPT_TOGETHER, limit - gone)
            swept: int = await self._writer.submit(lambda driver: driver.perform(sweep(now, wanted)))  # noqa: B023
            gone += swept
            if swept < wanted:
                break
        return gone

    async def changed(self, since: int, timeout: float) -> int:
        """Wait for an outbox event after `since`, by any process, or for `timeout` seconds."""
        return await self._bell.wait(since, timeout)

    async def close(self) -> None:
        """Finish queued writes and let go of the file."""
        await self._writer.close()
        self._reader.close()


def open_store(path: str, *, lock_seconds: float = 5.0) -> SqliteStore:
    """Open the database at `path`, making and migrating it when needed. Blocks, for some milliseconds.

    `lock_seconds` is how long a write, or the opening, waits for another process to finish its own.

    Raises: ConfigurationError naming the path and the remedy; StorageUnavailable when it stays locked.
    """
    file = Path(path).absolute()
    prepare_file(file)
    deadline = time.monotonic() + lock_seconds
    try:
        writing = connect_writer(file, deadline)
        bring_up_to_date(writing, known_migrations("keystead.storage.sqlite"), str(file), deadline)
        reading = connect_reader(file)
    except sqlite3.Error as error:
        remedy = "free space if the disk is full; put a backup back if the file is damaged"
        raise StorageUnavailable(f"{file}: cannot be opened ({error}); {remedy}") from error
    cache = Cache()
    driver = Driver(writing.cursor(), READS | WRITES, cache)
    return SqliteStore(Reader(reading, file, cache), Writer(writing, driver, file, lock_seconds))
