"""Runs transactions on one connection: the few lines between the portable SQL and Python's sqlite3."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from typing import Any, TypeVar

from keystead.core.errors import VersionConflict
from keystead.storage.ports import ReadOperation, WriteOperation
from keystead.storage.sql import READS, WRITES
from keystead.storage.sql.statement import Steps

T = TypeVar("T")

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
    execute = cursor.execute
    try:
        text, values = next(steps)
        while True:
            text, values = steps.send(execute(text, values).fetchall())
    except StopIteration as end:
        answer: T = end.value
        return answer
    except sqlite3.IntegrityError as error:
        raise VersionConflict("there is already something under this key") from error
