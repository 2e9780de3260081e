"""Reads that wait together share one snapshot and, step by step, its round trips.

Flow: an idle lane takes all that wait -> BEGIN (REPEATABLE READ, READ ONLY) -> the revision of the cached kinds, which
takes the snapshot -> every read in step -> answer -> COMMIT. A snapshot is taken after its reads were asked for, so
they see what was acknowledged before, whichever node wrote it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from keystead.core.errors import StorageUnavailable
from keystead.storage.postgres.connecting import Connector
from keystead.storage.postgres.failures import ANY, OF_THE_CONNECTION
from keystead.storage.postgres.link import Link
from keystead.storage.postgres.members import Member, Outcome, answer_all
from keystead.storage.postgres.performer import Performer, SharedCache
from keystead.storage.postgres.together import Together
from keystead.storage.postgres.writer import REVISION
from keystead.storage.sql import READS

LANES: Final = 3
BATCH: Final = 128

BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Reader:
    """Owns the reading connections."""

    def __init__(self, connector: Connector, cache: SharedCache) -> None:
        self._connector = connector
        self._cache = cache
        self._waiting: deque[Member] = deque()
        self._idle: list[Link] = []
        self._lanes: set[asyncio.Task[None]] = set()
        self._running = 0
        self._closing = False

    def submit(self, member: Member) -> None:
        """Queue a read.

        Raises: StorageUnavailable when closed.
        """
        if self._closing:
            raise StorageUnavailable(f"{self._connector.where}: the store is closed")
        self._waiting.append(member)
        # Whoever joins others that wait is taken along; and every lane looks for more before it ends.
        if len(self._waiting) == 1 and self._running < LANES:
            self._running += 1
            lane = asyncio.get_running_loop().create_task(self._run_lane())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)

    async def close(self) -> None:
        """Finish what is queued, then hang up."""
        self._closing = True
        while self._lanes:
            await asyncio.wait(self._lanes)
        for link in self._idle:
            await link.close()
        self._idle.clear()

    async def _run_lane(self) -> None:
        try:
            await _Lane(self).run()
        finally:
            self._running -= 1  # in the same breath as the lane's last look for more

    def take(self) -> list[Member]:
        """Take the next of those who wait, without those who have gone."""
        members: list[Member] = []
        while self._waiting and len(members) < BATCH:
            member = self._waiting.popleft()
            if not member.answer.cancelled():
                members.append(member)
        return members

    def idle(self) -> Link | None:
        """Return a connection nobody uses, if there is one."""
        while self._idle:
            link = self._idle.pop()
            if not link.closed:
                return link
        return None

    def put_back(self, link: Link) -> None:
        """Keep a connection for the next lane."""
        self._idle.append(link)

    async def connect(self) -> Link:
        """Open a new connection."""
        return await self._connector.connect()

    async def carry_out(self, link: Link, members: Sequence[Member]) -> list[Outcome]:
        """Run reads inside a transaction that has begun and looked at nothing yet."""
        view = self._cache.at((await link.row(REVISION))[0])
        running = Together(link, Performer(READS, view, locking=False))
        await running.run(members)
        return running.outcomes

    @property
    def waiting(self) -> bool:
        """Whether there is more to do."""
        return bool(self._waiting)


class _Lane:
    """Serves batch after batch on one connection, until nobody waits."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._link: Link | None = None
        self._begun = False

    async def run(self) -> None:
        """Answer everybody, whatever happens."""
        reader = self._reader
        while reader.waiting:
            members = reader.take()
            try:
                link = await self._ready()
                outcomes = await reader.carry_out(link, members)
            except BaseException as error:  # noqa: BLE001 - every member must be answered
                failure = self._dropped(error)
                outcomes = [Outcome(member.answer, failure, None) for member in members]
            answer_all(outcomes)
            await self._end()
        if self._link is not None:
            reader.put_back(self._link)

    async def _ready(self) -> Link:
        """Return a connection inside a transaction without a snapshot. One that has died meanwhile is replaced."""
        link = self._link or self._reader.idle()
        if link is not None and not self._begun:
            try:
                await link.script(BEGIN)
                self._begun = True
            except OF_THE_CONNECTION:
                link.cut()
                link = None
        if link is None:
            link = await self._reader.connect()
            await link.script(BEGIN)
        self._link, self._begun = link, True
        return link

    async def _end(self) -> None:
        """End the snapshot; begin the next transaction in the same round trip when somebody waits for it."""
        if self._link is None:
            return
        self._begun = self._reader.waiting
        try:
            await self._link.script(f"COMMIT; {BEGIN}" if self._begun else "COMMIT")
        except ANY as error:
            self._dropped(error)

    def _dropped(self, error: BaseException) -> BaseException:
        """Hang up, and return what to say to those who waited."""
        link, self._link, self._begun = self._link, None, False
        if link is None:
            return error
        link.cut()
        return link.unavailable("cannot be read", error) if isinstance(error, ANY) else error
