"""Turns a transaction of the domain into the statements, and before each operation the locks, it needs.

Looks of `cached` kinds are answered from memory, as it stood at the revision the database has in this very snapshot,
until a transaction of the same batch changes a cached kind.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

from keystead.core.records.record import Record
from keystead.storage.cache import Cache
from keystead.storage.ports import Find, Get, Put, Remove
from keystead.storage.postgres.locks import LOCKS, Locks
from keystead.storage.sql.statement import Row, Statement, Steps

T = TypeVar("T")

Wanted = Statement | Locks

Work = Generator[Any, Any, T]
"""A member under way: yields a `Statement` and receives its rows, or `Locks` and receives nothing."""


class SharedCache:
    """The cache of a store, to be looked at by transactions of different snapshots that overlap.

    `forget` begins a new epoch: after a failover a lower revision may come again with other content.
    """

    def __init__(self) -> None:
        self._cache = Cache()
        self._epoch = 0

    def forget(self) -> None:
        """Drop everything, and keep nothing of what is being read now."""
        self._epoch += 1
        self._cache.validate(-1)

    def at(self, revision: int) -> View:
        """Return the cache for a snapshot of this revision. A newer snapshot pushes out an older one's records."""
        if revision > self._cache.revision:
            self._cache.validate(revision)
        return View(self._cache, revision, self)

    @property
    def epoch(self) -> int:
        """How often everything was forgotten."""
        return self._epoch


class View:
    """What a snapshot may take from the cache, and give to it: only while the cache is of its revision."""

    def __init__(self, cache: Cache, revision: int, shared: SharedCache) -> None:
        self._cache = cache
        self._revision = revision
        self._shared = shared
        self._epoch = shared.epoch
        self.dirty = False

    @property
    def usable(self) -> bool:
        """Whether the cache holds what this snapshot sees."""
        return not self.dirty and self._cache.revision == self._revision and self._shared.epoch == self._epoch

    def get(self, operation: Get[Any]) -> Record | None:
        """Return the record if it is kept. None: ask the database."""
        return self._cache.get(operation) if self.usable else None

    def keep(self, operation: Get[Any], record: Record | None) -> None:
        """Keep what the database answered."""
        if self.usable:
            self._cache.keep(operation, record)

    def find(self, operation: Find[Any]) -> list[Record] | None:
        """Return the list if it is kept. None: ask the database."""
        return self._cache.find(operation) if self.usable else None

    def keep_list(self, operation: Find[Any], found: list[Record]) -> None:
        """Keep what the database answered."""
        if self.usable:
            self._cache.keep_list(operation, found)


class Performer:
    """Performs the operations of all members of one batch."""

    def __init__(
        self, operations: Mapping[type[Any], Callable[[Any], Steps[Any]]], view: View, *, locking: bool
    ) -> None:
        self._operations = operations
        self._view = view
        self._locking = locking

    def run(self, transaction: Generator[Any, Any, T]) -> Work[T]:
        """Run a transaction to its end.

        Raises: TypeError when it asks for what this performer may not do.
        """
        answer = None
        try:
            while True:
                operation = transaction.send(answer)
                steps = self._operations.get(type(operation))
                if steps is None:
                    raise TypeError(f"a read transaction may not {type(operation).__name__}; run it with Store.write")
                if self._locking:
                    yield LOCKS[type(operation)](operation)
                answer = yield from self._perform(operation, steps)
        except StopIteration as end:
            result: T = end.value
            return result

    def _perform(self, operation: Any, steps: Callable[[Any], Steps[Any]]) -> Generator[Statement, list[Row], Any]:
        view = self._view
        if isinstance(operation, Get) and operation.kind.cached:
            record = view.get(operation)
            if record is None:
                record = yield from steps(operation)
                view.keep(operation, record)
            return record
        if isinstance(operation, Find) and operation.kind.cached:
            found = view.find(operation)
            if found is None:
                found = yield from steps(operation)
                view.keep_list(operation, found)
            return found
        if (isinstance(operation, Put) and operation.record.cached) or (
            isinstance(operation, Remove) and operation.kind.cached
        ):
            view.dirty = True
        return (yield from steps(operation))
