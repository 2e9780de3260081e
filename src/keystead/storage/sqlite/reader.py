"""The reading connection: inline on the event loop, one snapshot per transaction, never waiting for anybody."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from keystead.core.errors import StorageUnavailable
from keystead.storage.cache import Cache
from keystead.storage.ports import Read
from keystead.storage.sql import READS
from keystead.storage.sqlite.driver import Driver
from keystead.storage.sqlite.opening import connect_reader

T = TypeVar("T")

ANCHOR: Final = "SELECT revision FROM cache_revision UNION ALL SELECT -1"
"""Two rows, of which only the first is fetched: an unfinished statement holds the snapshot for those that follow.

One statement thus stands for BEGIN, the look at the cache revision, and COMMIT.
"""

NEWEST: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'outbox'"


class Reader:
    """Runs read transactions on a connection of its own."""

    def __init__(self, connection: sqlite3.Connection, path: Path, cache: Cache) -> None:
        self._connection = connection
        self._path = path
        self._anchor = connection.cursor()
        self._cursor = connection.cursor()
        self._driver = Driver(self._cursor, READS, cache)
        self._revision = -1
        self._held = False
        self._open = False
        self._probing: sqlite3.Connection | None = None

    def hold(self) -> None:
        """Keep the snapshot of the next transaction for those that follow it, until `release`."""
        self.release()
        self._held = True

    def release(self) -> None:
        """End the snapshot that is held, if one is."""
        self._held = False
        if self._open:
            self._end()

    def run(self, transaction: Read[T]) -> T:
        """Run a transaction at one snapshot.

        Raises: StorageUnavailable; TypeError when the transaction would write.
        """
        try:
            if not self._open:
                self._begin()
            self._driver.begin(self._revision)
            try:
                return self._driver.run(transaction)
            finally:
                if not self._held:
                    self._end()
        except sqlite3.Error as error:
            raise StorageUnavailable(f"{self._path}: cannot be read ({error})") from error

    def version(self) -> int:
        """Return a number that is another once anything was committed, by whichever process."""
        try:
            number: int = self._cursor.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as error:
            raise StorageUnavailable(f"{self._path}: cannot be read ({error})") from error
        return number

    def probe(self) -> Callable[[], int]:
        """Return the same question on a connection of its own, for any thread."""
        if self._probing is None:
            self._probing = connect_reader(self._path)
        cursor, lock = self._probing.cursor(), Lock()

        def ask() -> int:
            try:
                with lock:
                    number: int = cursor.execute("PRAGMA data_version").fetchone()[0]
            except sqlite3.Error as error:
                raise StorageUnavailable(f"{self._path}: cannot be read ({error})") from error
            return number

        return ask

    def newest_event(self) -> int:
        """Return the sequence number of the newest outbox event, 0 before the first."""
        try:
            row = self._cursor.execute(NEWEST).fetchone()
        except sqlite3.Error as error:
            raise StorageUnavailable(f"{self._path}: cannot be read ({error})") from error
        return row[0] if row else 0

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()
        if self._probing is not None:
            self._probing.close()

    def _begin(self) -> None:
        anchor = self._anchor
        anchor.execute(ANCHOR)
        self._revision = anchor.fetchone()[0]
        self._open = True

    def _end(self) -> None:
        self._open = False
        try:
            self._anchor.fetchone()  # finishes the statement, and with it the snapshot
        except sqlite3.Error:
            self._anchor.close()  # so does this, whatever is wrong with the statement
            self._anchor = self._connection.cursor()
