"""Runs transactions on one connection: the few lines between the portable SQL and Python's sqlite3."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from typing import Any, Final, TypeVar

from keystead.core.errors import VersionConflict
from keystead.storage.ports import ReadOperation, WriteOperation
from keystead.storage.sql import READS, WRITES
from keystead.storage.sql.statement import Row, SqlValue, Steps

T = TypeVar("T")

TAKEN: Final = frozenset((sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE))

_OPERATIONS = READS | WRITES


def run(transaction: Generator[ReadOperation | WriteOperation, Any, T], cursor: sqlite3.Cursor) -> T:
    """Run a transaction to its end inside the connection's open database transaction."""
    answer = None
    try:
        while True:
            operation = transaction.send(answer)
            answer = perform(_OPERATIONS[type(operation)](operation), cursor)
    except StopIteration as end:
        result: T = end.value
        return result


def perform(steps: Steps[T], cursor: sqlite3.Cursor) -> T:
    """Run one operation's statements and return its answer.

    Raises: VersionConflict when a row stands where a new one was to go.
    """
    try:
        text, values = next(steps)
        while True:
            text, values = steps.send(_rows(cursor, text, values))
    except StopIteration as end:
        answer: T = end.value
        return answer


def _rows(cursor: sqlite3.Cursor, text: str, values: Sequence[SqlValue]) -> list[Row]:
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
