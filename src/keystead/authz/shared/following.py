"""Keeps a copy of shared facts in step with their owner, and knows how old it is.

Flow: `pull` -> pages that belong together are gathered -> one consistent step goes to `apply` -> again, waiting at the
server for news. When the server is away the copy stays, its age grows, and the next answer goes on where the last one
ended; who was away too long gets everything anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from keystead.authz.shared.page import CursorRefused, FactsPage, KeptFacts, row_of, tuple_in
from keystead.storage.judging import key_of
from keystead.storage.ports import Relationship, TupleKey

LONGEST_PAUSE: Final = 2.0
REMEMBER_SECONDS: Final = 10.0
"""How often a copy is kept for the next start, at most."""

_logger: Final = logging.getLogger("keystead.authz.shared")


class SharedSource(Protocol):
    """Where shared facts come from. `keystead.sdk.SharedFacts` asks a served store over HTTP."""

    @property
    def types(self) -> frozenset[str]:
        """The types of objects whose tuples are shared."""
        ...

    @property
    def fail_closed_after(self) -> float:
        """Seconds after which what hangs on shared facts is denied when there was no news; 0: never."""
        ...

    @property
    def fail_closed(self) -> Mapping[str, float]:
        """The same for single relations, `type#relation`."""
        ...

    async def pull(self, cursor: str, wait: float) -> FactsPage:
        """Return what follows a cursor (empty: everything), perhaps after waiting for news. Raises: anything."""
        ...

    def remembered(self) -> KeptFacts | None:
        """Return the copy that was kept when the process ended before; None: there is none that fits."""
        ...

    def remember(self, facts: KeptFacts) -> None:
        """Keep a copy over a restart, or do nothing. Runs beside the event loop."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Step:
    """What one consistent step changes: tuples that go and tuples that come."""

    def __init__(self, gone: Iterable[Relationship], come: Iterable[Relationship]) -> None:
        self.gone = tuple(gone)
        self.come = tuple(come)


class Following:
    """The copy. `apply` is told every step, in order; `facts` holds what stands after the last one."""

    def __init__(self, source: SharedSource, apply: Callable[[Step], None]) -> None:
        self.source = source
        self.facts: dict[TupleKey, Relationship] = {}
        self.position = 0
        """The revision of the owner's store that the copy has."""
        self.last_failure = ""
        self._apply = apply
        self._as_of = float("-inf")
        self._cursor = ""
        self._coming: dict[TupleKey, Relationship] | None = None
        self._touched: dict[TupleKey, Relationship | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._settled: asyncio.Event | None = None
        self._failures = 0
        self._remembered_at = float("-inf")

    @property
    def staleness(self) -> float:
        """How many seconds ago it was last certain that nothing is missing; infinite before the first time."""
        return time.monotonic() - self._as_of

    @property
    def complete(self) -> bool:
        """Whether everything was there once."""
        return self._as_of != float("-inf")

    async def start(self, patience: float) -> None:
        """Begin to follow, and wait until everything is there once, or the source fails, or patience ends."""
        if self._task is None:
            self._settled = asyncio.Event()
            self._recall()
            self._task = asyncio.get_running_loop().create_task(self._run())
        if self._settled is not None and not self._settled.is_set():
            try:
                await asyncio.wait_for(self._settled.wait(), patience)
            except TimeoutError:
                return

    async def close(self) -> None:
        """Stop following."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        if self.complete:
            await self._remember()
        await self.source.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._pull()
                self._failures, self.last_failure = 0, ""
                if self.complete and time.monotonic() - self._remembered_at > REMEMBER_SECONDS:
                    await self._remember()
            except CursorRefused as error:
                self._cursor, self._coming, self._touched = "", None, {}
                await self._pause(error)
            except Exception as error:  # noqa: BLE001 - whatever it is: no news came, and we go on asking
                await self._pause(error)
            if self._settled is not None and (self.complete or self._failures):
                self._settled.set()

    def _recall(self) -> None:
        """Begin with what an earlier process knew: as old as it is, but better than nothing."""
        kept = self.source.remembered()
        if kept is None:
            return
        self._coming = {}
        for row in kept.tuples:
            self._take(Relationship(*row), "write")
        self._settle()
        self._cursor, self.position = kept.cursor, kept.position
        self._as_of = time.monotonic() - max(0.0, time.time() - kept.certain_at)

    async def _remember(self) -> None:
        """Keep what is known now, if it fits together now."""
        self._remembered_at = time.monotonic()
        if self._coming is not None or self._touched:
            return
        certain_at, tuples = time.time() - self.staleness, [row_of(each) for each in self.facts.values()]
        kept = KeptFacts(cursor=self._cursor, position=self.position, certain_at=certain_at, tuples=tuples)
        try:
            await asyncio.to_thread(self.source.remember, kept)
        except OSError as error:
            _logger.warning("shared facts cannot be kept for the next start: %s", error)

    async def _pause(self, error: Exception) -> None:
        self._failures += 1
        self.last_failure = f"{type(error).__name__}: {error}"
        if self._failures == 1:
            _logger.warning("shared facts cannot be followed: %s; deciding by what is known", self.last_failure)
        if self._settled is not None:
            self._settled.set()
        await asyncio.sleep(min(0.1 * 2.0 ** min(self._failures, 6), LONGEST_PAUSE))

    async def _pull(self) -> None:
        began = time.monotonic()
        page = await self.source.pull(self._cursor, self._patience())
        if page.reset:
            self._coming, self._touched = {}, {}
        for row in page.tuples:
            self._take(Relationship(*row), "write")
        for line in page.changes:
            self._take(tuple_in(line), line[1])
        self._cursor = page.cursor
        if not page.more:
            self._settle()
            self.position, self._as_of = page.revision, began

    def _patience(self) -> float:
        """Return how long to wait for news: no longer than what is known may count as fresh, in good time."""
        if not self.complete or self._coming is not None or self._touched:
            return 0
        bound = self.source.fail_closed_after
        return min(5.0, bound / 4) if bound else 5.0

    def _take(self, each: Relationship, operation: str) -> None:
        if each.object.partition(":")[0] not in self.source.types:
            return  # whatever a server says: types that are not shared are ours
        if self._coming is None:
            self._touched[key_of(each)] = each if operation == "write" else None
        elif operation == "write":
            self._coming[key_of(each)] = each
        else:
            self._coming.pop(key_of(each), None)

    def _settle(self) -> None:
        """Make one step of everything that came."""
        if self._coming is not None:
            new = self._coming
            gone = [old for key, old in self.facts.items() if new.get(key) != old]
            come = [each for key, each in new.items() if self.facts.get(key) != each]
            self.facts = new
        else:
            gone = [self.facts[key] for key in self._touched if key in self.facts]
            come = [each for each in self._touched.values() if each is not None]
            for key, each in self._touched.items():
                if each is None:
                    self.facts.pop(key, None)
                else:
                    self.facts[key] = each
        self._coming, self._touched = None, {}
        if gone or come:
            self._apply(Step(gone, come))
