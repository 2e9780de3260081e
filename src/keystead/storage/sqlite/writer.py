"""Group commit: the loop carries transactions out, a thread makes them durable.

Transactions that wait together are carried out together, each in a savepoint of its own, and made durable by one
fsync. Nobody is answered before that fsync has returned.

Statements that change pages in memory take microseconds and run on the loop, as reads do: on another thread each of
them would wait its turn for the interpreter lock. What can take long is done by the thread: COMMIT with its fsync and
checkpoint, and waiting for the lock while another process writes.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from keystead.core.errors import StorageUnavailable
from keystead.storage.sqlite.background import Background
from keystead.storage.sqlite.driver import Driver
from keystead.storage.sqlite.opening import is_busy, patiently

BATCH: Final = 128
BATCH_SECONDS: Final = 0.003  # no longer at a time is the loop kept from other work

REVISION: Final = "SELECT revision FROM cache_revision"

OF_THE_MEMBER: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
"""What one transaction can do wrong by itself. Any other error of SQLite (full, locked, gone) is everybody's."""

Work = Callable[[Driver], Any]
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
    """Owns the writing connection. Everything but `Background` jobs happens on the event loop.

    `committed` is called after every batch that was answered.
    """

    committed: Callable[[], None]

    def __init__(self, connection: sqlite3.Connection, driver: Driver, path: Path, lock_seconds: float) -> None:
        self._connection = connection
        self._execute = connection.cursor().execute
        self._driver = driver
        self._path = path
        self._lock_seconds = lock_seconds
        self._background = Background("keystead-sqlite-commit")
        self._waiting: deque[Member] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn_is_due = False
        self._busy = False
        self._closing = False

    def submit(self, work: Work) -> asyncio.Future[Any]:
        """Queue a transaction; the future is answered once it is durable.

        Raises: StorageUnavailable when closed.
        """
        if self._closing:
            raise StorageUnavailable(f"{self._path}: the store is closed")
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._adopt(loop)
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(Member(work, answer))
        self._call_for_a_turn()
        return answer

    async def close(self) -> None:
        """Finish what is queued, then let go of the database."""
        if self._closing:
            return
        if asyncio.get_running_loop() is not self._loop:
            self._adopt(asyncio.get_running_loop())
        if self._busy or self._waiting:
            last = self.submit(lambda driver: None)
            self._closing = True
            await asyncio.wait((last,))
        self._closing = True
        self._background.close()
        self._connection.close()

    def _adopt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Work for this loop from now on. What a loop that ended left under way is finished or undone."""
        if self._loop is not None and self._loop.is_running():
            raise RuntimeError("a store serves one event loop at a time; open another store for this one")
        self._background.wait()
        if self._connection.in_transaction:
            self._execute("ROLLBACK")
        self._waiting.clear()
        self._turn_is_due = self._busy = False
        self._loop = loop

    def _call_for_a_turn(self) -> None:
        """Begin a batch at the end of this turn of the loop, so that all it brings goes into that batch."""
        if not self._turn_is_due and not self._busy and self._loop is not None:
            self._turn_is_due = True
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn_is_due = False
        if not self._waiting:
            return
        self._busy = True
        try:
            self._execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if isinstance(error, sqlite3.OperationalError) and is_busy(error):
                self._background.run(self._wait_for_lock, self._have_lock)
            else:
                self._fail(error, self._members())
        else:
            self._carry_out()

    def _wait_for_lock(self) -> None:
        patiently(self._connection, "BEGIN IMMEDIATE", time.monotonic() + self._lock_seconds)

    def _have_lock(self, error: BaseException | None) -> None:
        if error is None:
            self._carry_out()
        else:
            self._fail(error, self._members())

    def _members(self) -> list[Member]:
        """Take the next of those who wait, without those who have gone."""
        members: list[Member] = []
        while self._waiting and len(members) < BATCH:
            member = self._waiting.popleft()
            if not member.answer.cancelled():
                members.append(member)
        return members

    def _carry_out(self) -> None:
        """Carry out a batch, as much as fits into its time, and have it committed."""
        members = self._members()
        outcomes: list[Outcome] = []
        until = time.perf_counter() + BATCH_SECONDS
        try:
            self._driver.begin(self._execute(REVISION).fetchone()[0])
            for member in members:
                outcomes.append(self._carry_out_one(member))
                if time.perf_counter() > until:
                    break
        except BaseException as error:  # noqa: BLE001 - every member must be answered
            self._fail(error, members)
            return
        self._waiting.extendleft(reversed(members[len(outcomes) :]))
        self._background.run(self._commit, partial(self._have_commit, outcomes))

    def _commit(self) -> None:
        self._execute("COMMIT")

    def _carry_out_one(self, member: Member) -> Outcome:
        """Run one member in its savepoint. Its own exceptions undo it alone; the database's undo the batch."""
        execute = self._execute
        execute("SAVEPOINT member")
        try:
            value = member.work(self._driver)
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and not isinstance(error, OF_THE_MEMBER):
                raise
            execute("ROLLBACK TO member")
            execute("RELEASE member")
            return Outcome(member.answer, error, None)
        execute("RELEASE member")
        return Outcome(member.answer, None, value)

    def _have_commit(self, outcomes: list[Outcome], error: BaseException | None) -> None:
        if error is None:
            self._answer(outcomes)
        else:
            self._fail(error, outcomes)

    def _fail(self, error: BaseException, whom: list[Member] | list[Outcome]) -> None:
        """Undo the batch and tell its members that nothing was written."""
        if self._connection.in_transaction:
            try:
                self._execute("ROLLBACK")
            except sqlite3.Error as second:
                error.add_note(f"and the rollback failed: {second}")
        failure = StorageUnavailable(f"{self._path}: nothing was written ({error})")
        failure.__cause__ = error
        self._answer([Outcome(member.answer, failure, None) for member in whom])

    def _answer(self, outcomes: list[Outcome]) -> None:
        self._busy = False
        for answer, error, value in outcomes:
            if answer.done():
                continue
            if error is None:
                answer.set_result(value)
            else:
                answer.set_exception(error)
        if self._waiting:
            self._call_for_a_turn()
        self.committed()
