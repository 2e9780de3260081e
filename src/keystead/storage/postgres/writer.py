"""Group commit over all nodes: writes that wait together are one database transaction, and one writes at a time.

Flow: take who waits -> BEGIN and the lock of all nodes -> carry the members out in step (`together`) -> COMMIT ->
answer. When a member spoils the batch, it is undone and carried out again, one after another, each in a savepoint.
What fails before COMMIT was not written; when COMMIT itself fails nobody knows, and nobody is told that it was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import asyncpg

from keystead.core.errors import StorageUnavailable, VersionConflict
from keystead.storage.postgres.connecting import Connector
from keystead.storage.postgres.failures import ANY, OF_THE_CONNECTION, OF_THE_MEMBER, TRY_AGAIN
from keystead.storage.postgres.link import Link, Unconfirmed, Unsendable
from keystead.storage.postgres.members import Member, Outcome, answer_all
from keystead.storage.postgres.performer import Performer, SharedCache
from keystead.storage.postgres.schema import BEGIN
from keystead.storage.postgres.together import Spoiled, Together
from keystead.storage.sql import READS, WRITES

BATCH: Final = 96
TRIES: Final = 5

REVISION: Final = "SELECT revision FROM cache_revision"


class Writer:
    """Owns the writing connection. `committed` is called after every batch that was answered."""

    committed: Callable[[], None]

    def __init__(self, connector: Connector, cache: SharedCache) -> None:
        self._connector = connector
        self._cache = cache
        self._link: Link | None = None
        self._waiting: deque[Member] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def submit(self, member: Member) -> None:
        """Queue a transaction; its future is answered once it is durable.

        Raises: StorageUnavailable when closed.
        """
        if self._closing:
            raise StorageUnavailable(f"{self._connector.where}: the store is closed")
        self._waiting.append(member)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Finish what is queued, then hang up."""
        self._closing = True
        while self._task is not None:
            await asyncio.wait((self._task,))
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _work(self) -> None:
        try:
            while self._waiting:
                members = self._members()
                try:
                    outcomes = await self._carry_out(members)
                except BaseException as error:  # noqa: BLE001 - every member must be answered
                    outcomes = [Outcome(member.answer, error, None) for member in members]
                answer_all(outcomes)
                self.committed()
        finally:
            self._task = None

    def _members(self) -> list[Member]:
        """Take the next of those who wait, without those who have gone."""
        members: list[Member] = []
        while self._waiting and len(members) < BATCH:
            member = self._waiting.popleft()
            if not member.answer.cancelled():
                members.append(member)
        return members

    async def _carry_out(self, members: Sequence[Member]) -> list[Outcome]:
        """Carry a batch out, again after what trying again may mend.

        Raises: StorageUnavailable.
        """
        apart = False
        for tries in range(1, TRIES + 1):
            had_link = self._link is not None and not self._link.closed
            link = await self._linked()
            try:
                return await self._attempt(link, members, apart=apart)
            except Spoiled:
                await self._undo(link)
                apart = True
            except TRY_AGAIN as error:
                await self._undo(link)
                if tries == TRIES:
                    raise link.unavailable("nothing was written", error) from error
            except Unconfirmed as error:
                self._hang_up(link)
                raise link.unavailable("the database did not confirm the write", error) from error
            except OF_THE_CONNECTION as error:
                self._hang_up(link)
                if not had_link or tries == TRIES:
                    raise link.unavailable("nothing was written", error) from error
            except asyncpg.PostgresError as error:
                await self._undo(link)
                raise link.unavailable("nothing was written", error) from error
            except BaseException:
                self._hang_up(link)
                raise
        raise StorageUnavailable(f"{self._connector.where}: nothing was written")

    async def _attempt(self, link: Link, members: Sequence[Member], *, apart: bool) -> list[Outcome]:
        await link.script(BEGIN)
        revision = (await link.row(REVISION))[0]
        performer = Performer(READS | WRITES, self._cache.at(revision), locking=True)
        outcomes = await (_apart if apart else _together)(link, performer, members)
        await link.commit()
        return outcomes

    async def _linked(self) -> Link:
        if self._link is None or self._link.closed:
            self._link = await self._connector.connect()
        return self._link

    async def _undo(self, link: Link) -> None:
        try:
            await link.script("ROLLBACK")
        except ANY:
            self._hang_up(link)

    def _hang_up(self, link: Link) -> None:
        link.cut()
        self._link = None


async def _together(link: Link, performer: Performer, members: Sequence[Member]) -> list[Outcome]:
    running = Together(link, performer)
    try:
        await running.run(members)
    except OF_THE_MEMBER as error:
        raise Spoiled from error
    return running.outcomes


async def _apart(link: Link, performer: Performer, members: Sequence[Member]) -> list[Outcome]:
    """Carry out one member after another; what one does wrong undoes it alone."""
    outcomes: list[Outcome] = []
    for member in members:
        await link.script("SAVEPOINT member")
        running = Together(link, performer)
        try:
            await running.run([member])
        except (Spoiled, *OF_THE_MEMBER) as error:
            await link.script("ROLLBACK TO member; RELEASE member")
            outcomes.append(Outcome(member.answer, _own_error(error), None))
        else:
            await link.script("RELEASE member")
            outcomes += running.outcomes
    return outcomes


def _own_error(error: BaseException) -> BaseException:
    """Return what the caller of a member is to see."""
    if isinstance(error, Spoiled) and error.__cause__ is not None:
        return error.__cause__
    if isinstance(error, asyncpg.UniqueViolationError):
        conflict = VersionConflict("there is already something under this key")
        conflict.__cause__ = error
        return conflict
    if isinstance(error, asyncpg.ProgramLimitExceededError):
        return Unsendable(f"a key is too long to be stored ({error})")
    return error
