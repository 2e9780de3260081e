"""The reading connection: inline on the event loop, one snapshot per transaction, never waiting for anybody."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final, TypeVar

from keystead.core.errors import StorageUnavailable
from keystead.storage.ports import Find, Get, Read
from keystead.storage.sql import READS
from keystead.storage.sqlite.cache import Cache
from keystead.storage.sqlite.driver import perform

T = TypeVar("T")

ANCHOR: Final = "SELECT revision FROM cache_revision UNION ALL SELECT -1"
"""Two rows, of which only the first is fetched: an unfinished statement holds the snapshot for those that follow.

One statement thus stands for BEGIN, the look at the cache revision, and COMMIT.
"""

NEWEST: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'outbox'"


class Reader:
    """Runs read transactions on a connection of its own."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._cursor = connection.cursor()
        self._anchor = connection.cursor()
        self._cache = Cache()
        self._held = False
        self._open = False

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
            try:
                return self._run(transaction)
            finally:
                if not self._held:
                    self._end()
        except sqlite3.Error as error:
            raise StorageUnavailable(f"{self._path}: cannot be read ({error})") from error

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

    def _begin(self) -> None:
        anchor = self._anchor
        anchor.execute(ANCHOR)
        self._cache.validate(anchor.fetchone()[0])
        self._open = True

    def _end(self) -> None:
        self._open = False
        try:
            self._anchor.fetchone()  # finishes the statement, and with it the snapshot
        except sqlite3.Error:
            self._anchor.close()  # so does this, whatever is wrong with the statement
            self._anchor = self._connection.cursor()

    def _run(self, transaction: Read[T]) -> T:
        answer = None
        try:
            while True:
                answer = self._answer(transaction.send(answer))
        except StopIteration as end:
            result: T = end.value
            return result

    def _answer(self, operation: Any) -> Any:
        kind = getattr(operation, "kind", None)
        if kind is not None and kind.cached:
            if isinstance(operation, Get):
                return self._get(operation)
            if isinstance(operation, Find):
                return self._find(operation)
        return self._ask(operation)

    def _get(self, operation: Get[Any]) -> Any:
        record = self._cache.get(operation)
        if record is None:
            record = self._ask(operation)
            self._cache.keep(operation, record)
        return record

    def _find(self, operation: Find[Any]) -> Any:
        found = self._cache.find(operation)
        if found is None:
            found = self._ask(operation)
            self._cache.keep_list(operation, found)
        return found

    def _ask(self, operation: Any) -> Any:
        steps = READS.get(type(operation))
        if steps is None:
            raise TypeError(f"a read transaction may not {type(operation).__name__}; run it with Store.write")
        return perform(steps(operation), self._cursor)
