"""The writer thread: group commit.

Transactions that wait together are carried out together, each in a savepoint of its own, and made durable by one
fsync. Nobody is answered before that fsync has returned.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from keystead.core.errors import StorageUnavailable
from keystead.storage.sqlite.opening import patiently

T = TypeVar("T")

BATCH: Final = 128

OF_THE_MEMBER: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
"""What one transaction can do wrong by itself. Any other error of SQLite (full, locked, gone) is everybody's."""

Work = Callable[[sqlite3.Cursor], Any]
"""What a member of a batch does on the writing connection."""


class Member(NamedTuple):
    """One waiting transaction and whom to answer."""

    work: Work
    answer: asyncio.Future[Any]


class Outcome(NamedTuple):
    """What became of a member."""

    answer: asyncio.Future[Any]
    error: BaseException | None
    value: Any


class Writer:
    """Owns the writing connection and its thread.

    `committed` is called on the event loop after every batch.
    """

    committed: Callable[[], None]

    def __init__(self, connection: sqlite3.Connection, path: Path, lock_seconds: float) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._path = path
        self._lock_seconds = lock_seconds
        self._waiting: deque[Member] = deque()
        self._wake = threading.Semaphore(0)
        self._closing = False
        self._waking = False
        self._thread = threading.Thread(target=self._work, name="keystead-sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> asyncio.Future[Any]:
        """Queue a transaction; the future is answered on the calling loop once it is durable.

        Raises: StorageUnavailable when closed.
        """
        if self._closing:
            raise StorageUnavailable(f"{self._path}: the store is closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(Member(work, answer))
        if not self._waking:
            # Wake the thread once per turn of the loop, so that what this turn brings goes into one batch.
            self._waking = True
            loop.call_soon(self._release)
        return answer

    def close(self) -> None:
        """Finish what is queued, then let go of the database. Blocks for the last commit."""
        if not self._closing:
            self._closing = True
            self._wake.release()
            self._thread.join()
            self._connection.close()

    def _release(self) -> None:
        self._waking = False
        self._wake.release()

    def _work(self) -> None:
        while True:
            self._wake.acquire()
            while self._waiting:
                self._deliver(self._commit(self._next_batch()))
            if self._closing:
                return

    def _next_batch(self) -> list[Member]:
        batch: list[Member] = []
        while self._waiting and len(batch) < BATCH:
            member = self._waiting.popleft()
            if not member.answer.cancelled():
                batch.append(member)
        return batch

    def _commit(self, batch: list[Member]) -> list[Outcome]:
        """Carry out a batch and make it durable, or answer every member that nothing was."""
        try:
            patiently(self._connection, "BEGIN IMMEDIATE", time.monotonic() + self._lock_seconds)
            outcomes = [self._carry_out(member) for member in batch]
            self._cursor.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - this thread must live, and every member be answered
            self._abandon()
            failure = StorageUnavailable(f"{self._path}: nothing was written ({error})")
            failure.__cause__ = error
            return [Outcome(member.answer, failure, None) for member in batch]
        return outcomes

    def _carry_out(self, member: Member) -> Outcome:
        """Run one member in its savepoint. Its own exceptions undo it alone; the database's undo the batch."""
        execute = self._cursor.execute
        execute("SAVEPOINT member")
        try:
            value = member.work(self._cursor)
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and not isinstance(error, OF_THE_MEMBER):
                raise
            execute("ROLLBACK TO member")
            execute("RELEASE member")
            return Outcome(member.answer, error, None)
        execute("RELEASE member")
        return Outcome(member.answer, None, value)

    def _abandon(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                return  # SQLite has rolled back by itself

    def _deliver(self, outcomes: list[Outcome]) -> None:
        """Answer on the loop: one call for the whole batch (for each loop, should there be several)."""
        for loop in {outcome.answer.get_loop() for outcome in outcomes}:
            mine = [outcome for outcome in outcomes if outcome.answer.get_loop() is loop]
            try:
                loop.call_soon_threadsafe(self._answer, mine)
            except RuntimeError:
                continue  # the loop is closed, and whoever waited is gone with it

    def _answer(self, outcomes: list[Outcome]) -> None:
        for answer, error, value in outcomes:
            if answer.done():
                continue
            if error is None:
                answer.set_result(value)
            else:
                answer.set_exception(error)
        self.committed()
