"""Keeps a graph in step with a store: loads it once, then follows the store's changes by revision.

Flow: a question wants the graph -> has anything been committed since the last look? -> read all changes up to the
newest in one transaction -> apply them in one go, so that no question ever sees half of a write.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable
from weakref import WeakSet

from keystead.authz.engine.copying import copied
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.plan import Plan
from keystead.storage.judging import type_of
from keystead.storage.ports import (
    BULK_PAGE,
    FeedView,
    LoadRelationships,
    Read,
    Relationship,
    RelationshipChange,
    Store,
    TupleRow,
    load_relationships,
    look_at_feed,
    relationship_changes,
    relationship_revision,
)

if TYPE_CHECKING:
    import asyncio

NEWEST: Final = -1
"""For `at_least`: the store's newest revision at the moment of asking, whatever lag is allowed otherwise."""

Progress = Callable[[int], None]
"""Told how many tuples are loaded so far."""


@runtime_checkable
class Versioned(Protocol):
    """A store that can tell for nearly nothing whether anything was committed since it was asked before."""

    def version(self) -> int:
        """Return a number that is another after every commit, by whichever process."""
        ...


def version_of(backend: Store) -> Callable[[], int] | None:
    """Return what asks a store for its version; None: it has none, and must be asked for what changed."""
    return backend.version if isinstance(backend, Versioned) else None


class Holder:
    """Stands for somebody who must find a graph as it is."""


class Replica:
    """One store of tuples of one realm, as a graph under one plan. For one event loop.

    `maximum_lag`: seconds for which the graph may be used without asking the store again, where asking costs a round
    trip. `lock` is held while the graph changes; whoever asks on another thread holds it too.
    """

    def __init__(
        self, plan: Plan, realm: str, store: str, *, maximum_lag: float = 0.0, progress: Progress | None = None
    ) -> None:
        self.graph = Graph(plan)
        self.lock = threading.RLock()
        self.held: WeakSet[object] = WeakSet()
        """Who must find the graph as it is; while there is one, changes go into a new graph."""
        self.wanted = 0
        """The revision that this process itself has written: none of its questions is answered without it."""
        self.foreign: frozenset[str] = frozenset()
        """Types whose tuples come from elsewhere: those of the store do not count."""
        self.facts: Callable[[], Iterable[Relationship]] = tuple
        """Returns the tuples that come from elsewhere."""
        self._realm = realm
        self._store = store
        self._maximum_lag = maximum_lag
        self._progress = progress or _silently
        self._loaded = False
        self._version: int | None = None
        self._backend: Store | None = None
        self._ask_version: Callable[[], int] | None = None
        self._looked_at = 0.0
        self._loading: asyncio.Future[None] | None = None

    def is_current(self, backend: Store, at_least: int = 0) -> bool:
        """Whether the graph may answer as it is. Does not: wait for anything."""
        if not self.reaches(at_least):
            return False
        version = self._asking(backend)
        if version is not None:
            return version() == self._version
        return at_least != NEWEST and time.monotonic() - self._looked_at < self._maximum_lag

    def reaches(self, at_least: int = 0) -> bool:
        """Whether the graph is whole, and has the revision asked for and what this process wrote."""
        return self._loaded and self.graph.revision >= max(at_least, self.wanted)

    async def catch_up(self, backend: Store, at_least: int = NEWEST) -> Graph:
        """Return the graph, at the newest revision or within the lag that is allowed. Raises: StorageUnavailable."""
        if self.is_current(backend, at_least):
            return self.graph
        looked_at, ask = time.monotonic(), self._asking(backend)
        version = ask() if ask is not None else None
        if not self._loaded:
            await self._load_once(backend)
        since = self.graph.revision
        changes = await backend.read(self._changes(since))
        if changes is None:
            await self._load(backend, instead_of=since)
        elif changes:
            with self.lock:
                self._leave_to_holders()
                self._apply(changes)
        self._looked_at, self._version = max(looked_at, self._looked_at), version
        return self.graph

    def hold(self, graph: Graph) -> object:
        """Keep a graph that `catch_up` returned as it is, while what this returns is kept. Costs a copy per change."""
        holder = Holder()
        if graph is self.graph:  # else nobody changes it any more
            self.held.add(holder)
        return holder

    def exchange(self, gone: Iterable[Relationship], come: Iterable[Relationship]) -> None:
        """Take out and in tuples that come from elsewhere; `facts` has the same already."""
        with self.lock:
            if not self._loaded:
                return
            self._leave_to_holders()
            for each in gone:
                self.graph.discard(each)
            for each in come:
                self.graph.add(each)

    def _apply(self, changes: list[RelationshipChange]) -> None:
        graph = self.graph
        foreign = self.foreign
        new = [change for change in changes if change.revision > graph.revision]
        graph.apply(change for change in new if type_of(change.relationship.object) not in foreign)
        graph.revision = max(graph.revision, changes[-1].revision)

    def _asking(self, backend: Store) -> Callable[[], int] | None:
        """Return what asks a store for its version, found out once: it costs more than the answer."""
        if backend is not self._backend:
            self._backend, self._ask_version = backend, version_of(backend)
            self._version, self._looked_at = None, float("-inf")
        return self._ask_version

    def _leave_to_holders(self) -> None:
        """Go on with a copy when somebody must find the graph as it is."""
        if len(self.held):
            self.graph = copied(self.graph)
            self.held.clear()

    async def _load_once(self, backend: Store) -> None:
        """Load, or wait for whoever is loading already."""
        import asyncio  # only who loads tuples has a loop

        if self._loading is not None:
            await asyncio.shield(self._loading)
            return
        self._loading = asyncio.get_running_loop().create_future()
        try:
            await self._load(backend)
        finally:
            self._loading.set_result(None)
            self._loading = None

    async def _load(self, backend: Store, instead_of: int = -1) -> None:
        """Read everything into a new graph, at one snapshot: a newer one, or one in the place of what is no longer."""
        graph = await backend.read(self._snapshot())
        with self.lock:
            if not self._loaded or graph.revision > self.graph.revision or self.graph.revision == instead_of:
                for each in self.facts():
                    graph.add(each)
                if self.graph.revision == instead_of:
                    self.wanted = min(self.wanted, graph.revision)
                self.graph = graph
                self.held.clear()
                self._loaded = True

    def _snapshot(self) -> Read[Graph]:
        graph, loaded = Graph(self.graph.plan), 0
        graph.revision = yield from relationship_revision(self._realm, self._store)
        after = ("", "", "")
        while True:
            rows = yield from load_relationships(LoadRelationships(self._realm, self._store, after=after))
            fill(graph, rows, self.foreign)
            loaded += len(rows)
            self._progress(loaded)
            if len(rows) < BULK_PAGE:
                return graph
            after = rows[-1][0], rows[-1][1], rows[-1][2]

    def _changes(self, since: int) -> Read[list[RelationshipChange] | None]:
        """Return every change after a revision; None when some are gone from the feed, or the store from before."""
        feed: FeedView = yield from look_at_feed(self._realm, self._store)
        if feed.revision < since or feed.trimmed > since:  # an older state: a backup was put back
            return None
        found: list[RelationshipChange] = []
        while since < feed.revision:
            page = yield from relationship_changes(self._realm, self._store, since)
            if not page or page[0].revision != since + 1:
                return None
            found += page
            since = page[-1].revision
        return found


def fill(graph: Graph, rows: Iterable[TupleRow], foreign: frozenset[str] = frozenset()) -> None:
    """Take stored rows into a graph that nobody asks yet, save those of some types."""
    graph.load(row for row in rows if type_of(row[0]) not in foreign) if foreign else graph.load(rows)


def _silently(loaded: int) -> None:
    """Tell nobody."""
