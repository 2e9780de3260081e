"""The revocation feed's memory: the outbox's revocations of the last hours, read once for all who follow.

Flow: somebody asks -> what the outbox has grown by is read, once for all who wait -> a page of the realm's log, or a
wait for the store's bell, which rings for commits of every node.
The outbox is the truth: each node makes its pages from it, and a follower may ask another node each time.
An event bears the time its request arrived, its commit is later, and what is issued in between is dead as well. So what
is heard of as it happens counts from when it was heard, and not from when it was asked for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

import msgspec

from keystead.app.revocation_log import Line, RevocationLog, event_digest
from keystead.core.records.api import Api
from keystead.core.records.realm import Realm
from keystead.core.records.revocation import REVOCATION_TOPIC, Revocation
from keystead.core.revocation_feed import LEAST_MEMORY, FeedPage, entry_of
from keystead.core.values import EpochSeconds, Seconds
from keystead.storage.ports import MAX_PAGE, OutboxEvent, Read, Store, find, get, read_outbox

MAXIMUM_WAITING: Final = 5_000
_SPARE: Final = 120
_JUST_NOW: Final = 2.0
_logger = logging.getLogger("keystead.revocations")


class StoreRevocationNews:
    """The news of all realms of one store, for one process. `issuer` returns a realm's issuer identifier."""

    def __init__(self, store: Store, issuer: Callable[[str], str], clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._issuer = issuer
        self._clock = clock
        self._logs: dict[str, RevocationLog] = {}
        self._memory = LEAST_MEMORY
        self._seen = -1
        self._last: OutboxEvent | None = None
        self._catching_up = asyncio.Lock()
        self._stopped = asyncio.Event()
        self._waiting = 0
        self._looked_at = float("-inf")

    async def page(self, realm: str, cursor: str, wait: float) -> FeedPage:
        """Return what was revoked since `cursor`, waiting up to `wait` seconds for something to tell.

        Raises: StorageUnavailable.
        """
        until = time.monotonic() + wait
        memory = await self._remember_for(realm)
        while True:
            await self._catch_up()
            page = self._log(realm).page(cursor, memory)
            left = until - time.monotonic()
            if page.revoked or left <= 0 or self._stopped.is_set() or self._waiting >= MAXIMUM_WAITING:
                return page
            await self._wait(left)

    def stop(self) -> None:
        """Answer all who wait: the server ends."""
        self._stopped.set()

    @property
    def waiting(self) -> int:
        """How many followers wait at this moment."""
        return self._waiting

    async def _wait(self, seconds: float) -> None:
        self._waiting += 1
        grown = asyncio.ensure_future(self._store.changed(self._seen, seconds))
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((grown, stopped), return_when=asyncio.FIRST_COMPLETED)
            if grown.done():
                grown.result()
            self._looked_at = self._clock()  # until now there was nothing
        finally:
            self._waiting -= 1
            grown.cancel()
            stopped.cancel()

    async def _catch_up(self) -> None:
        """Read what the outbox has grown by, once for all who wait; all of it when it is not the outbox it was."""
        async with self._catching_up:
            newest = await self._store.changed(0, 0)
            now, before = self._clock(), self._looked_at
            self._looked_at = now
            if newest == self._seen:
                return
            known, just_now = self._seen, self._seen >= 0 and now - before <= _JUST_NOW
            if newest < self._seen or not await self._is_continued():
                self._logs.clear()
                self._last, self._seen = None, await self._start(newest)
            while events := await self._store.read(read_outbox(REVOCATION_TOPIC, self._seen)):
                for event in events:
                    heard = int(now) if just_now and event.sequence > known else 0
                    self._take(event, EpochSeconds(heard))
                self._last, self._seen = events[-1], events[-1].sequence
                if len(events) < MAX_PAGE:
                    break
            self._seen = max(self._seen, newest)
            horizon = EpochSeconds(int(self._clock()) - self._memory - _SPARE)
            for log in self._logs.values():
                log.forget(horizon)

    async def _is_continued(self) -> bool:
        """Tell whether the outbox still has the last event as it was: a restored database has another, or none."""
        if self._last is None:
            return False
        found = await self._store.read(read_outbox(REVOCATION_TOPIC, self._last.sequence - 1, 1))
        return found == [self._last]

    async def _start(self, newest: int) -> int:
        """Return a number in the outbox before which everything is too old to matter, by halving."""
        horizon = int(self._clock()) - self._memory - _SPARE
        low, high = 0, newest
        while low < high:
            middle = (low + high) // 2
            events = await self._store.read(read_outbox("", middle, 1))
            if events and events[0].at < horizon:
                low = events[0].sequence
            else:
                high = middle
        return low

    def _take(self, event: OutboxEvent, heard: EpochSeconds) -> None:
        try:
            revocation = msgspec.json.decode(event.payload, type=Revocation)
        except msgspec.DecodeError:
            _logger.error("outbox event %d is no revocation that can be read", event.sequence)
            return
        log = self._log(event.realm)
        entry = entry_of(log.issuer, revocation, max(event.at, heard))
        if entry is not None:
            log.add(Line(event.sequence, event_digest(event.realm, event.at, event.payload), entry))

    def _log(self, realm: str) -> RevocationLog:
        log = self._logs.get(realm)
        if log is None:
            log = self._logs[realm] = RevocationLog(self._issuer(realm))
        return log

    async def _remember_for(self, realm: str) -> Seconds:
        """Return how long revocations of a realm matter: as long as its tokens may live."""
        memory = await self._store.read(longest_token_life(realm, EpochSeconds(int(self._clock()))))
        if memory > self._memory:
            self._memory, self._seen, self._last = memory, -1, None
            self._logs.clear()
        return memory


def longest_token_life(realm: str, now: EpochSeconds) -> Read[Seconds]:
    """Return the longest life a token of a realm may have, an hour at least."""
    found = yield from get(Realm, realm, realm, now)
    lives = [LEAST_MEMORY]
    if found is not None:
        lives += [found.access_token_lifetime, found.exchanged_token_lifetime]
    apis = yield from find(Api, realm, now)
    return max([*lives, *(Seconds(api.access_token_lifetime) for api in apis)])
