"""Between the portable SQL and Python's sqlite3: performs operations on one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final, TypeVar

from keystead.core.errors import VersionConflict
from keystead.storage.cache import Cache
from keystead.storage.ports import Find, Get, Put, Remove
from keystead.storage.sql.statement import Row, SqlValue, Steps

T = TypeVar("T")

TAKEN: Final = frozenset((sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE))


class Driver:
    """Runs transactions inside whatever database transaction is open on its cursor.

    Looks of `cached` kinds are answered from memory until the transaction itself changes a cached kind.
    """

    def __init__(
        self, cursor: sqlite3.Cursor, operations: Mapping[type[Any], Callable[[Any], Steps[Any]]], cache: Cache
    ) -> None:
        self._cursor = cursor
        self._operations = operations
        self._cache = cache
        self._changed = False
        self._special: dict[type[Any], Callable[[Any], Any]] = {
            Get: self._get,
            Find: self._find,
            Put: self._put,
            Remove: self._remove,
        }

    def begin(self, revision: int) -> None:
        """Prepare for a database transaction that sees this revision of the cached kinds."""
        self._cache.validate(revision)
        self._changed = False

    def run(self, transaction: Generator[Any, Any, T]) -> T:
        """Run a transaction to its end.

        Raises: TypeError when it asks for what this driver may not do; VersionConflict.
        """
        answer = None
        special = self._special
        try:
            while True:
                operation = transaction.send(answer)
                answer = special.get(type(operation), self._ask)(operation)
        except StopIteration as end:
            result: T = end.value
            return result

    def perform(self, steps: Steps[T]) -> T:
        """Run the statements of one operation and return its answer."""
        cursor = self._cursor
        try:
            text, values = next(steps)
            while True:
                text, values = steps.send(_rows(cursor, text, values))
        except StopIteration as end:
            answer: T = end.value
            return answer

    def _ask(self, operation: Any) -> Any:
        steps = self._operations.get(type(operation))
        if steps is None:
            raise TypeError(f"a read transaction may not {type(operation).__name__}; run it with Store.write")
        return self.perform(steps(operation))

    def _get(self, operation: Get[Any]) -> Any:
        if not operation.kind.cached or self._changed:
            return self._ask(operation)
        record = self._cache.get(operation)
        if record is None:
            record = self._ask(operation)
            self._cache.keep(operation, record)
        return record

    def _find(self, operation: Find[Any]) -> Any:
        if not operation.kind.cached or self._changed:
            return self._ask(operation)
        found = self._cache.find(operation)
        if found is None:
            found = self._ask(operation)
            self._cache.keep_list(operation, found)
        return found

    def _put(self, operation: Put) -> Any:
        self._changed = self._changed or operation.record.cached
        return self._ask(operation)

    def _remove(self, operation: Remove) -> Any:
        self._changed = self._changed or operation.kind.cached
        return self._ask(operation)


def _rows(cursor: sqlite3.Cursor, text: str, values: Sequence[SqlValue]) -> list[Row]:
    """Run one statement.

    Raises: VersionConflict when a row stands where a new one was to go.
    """
    try:
        return cursor.execute(text, values).fetchall()
    except (UnicodeEncodeError, OverflowError, sqlite3.Error) as error:
        unfit = _unfit_value(error)
        if unfit is None:
            if isinstance(error, sqlite3.IntegrityError) and error.sqlite_errorcode in TAKEN:
                raise VersionConflict("there is already something under this key") from error
            raise
        # Half a surrogate pair: nothing of that name was ever stored, so nothing is found.
        if isinstance(unfit, UnicodeEncodeError) and text.lstrip().startswith("SELECT"):
            return []
        raise unfit from None


def _unfit_value(error: Exception) -> UnicodeEncodeError | OverflowError | None:
    """Return why a value could not be handed to SQLite, if that is what happened.

    Python 3.11 may raise it as the context of a DatabaseError that repeats the message of the statement before.
    """
    for candidate in (error, error.__context__):
        if isinstance(candidate, UnicodeEncodeError | OverflowError):
            return candidate
    return None
