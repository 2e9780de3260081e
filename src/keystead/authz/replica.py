"""Keeps a graph in step with a store: loads it once, then follows the store's changes by revision.

Every question first asks the store how far it has come, so a tuple that any process wrote and was told is durable
counts for the very next question here.
"""

from __future__ import annotations

from keystead.authz.engine.graph import Graph
from keystead.authz.engine.plan import Plan
from keystead.storage.ports import (
    MAX_PAGE,
    Read,
    ReadRelationships,
    Relationship,
    RelationshipChange,
    Store,
    read_relationships,
    relationship_changes,
    relationship_revision,
)


class Replica:
    """One store of tuples of one realm, as a graph under one plan. For one event loop."""

    def __init__(self, plan: Plan, realm: str, store: str) -> None:
        self.graph = Graph(plan)
        self._realm = realm
        self._store = store
        self._loaded = False

    async def catch_up(self, backend: Store) -> Graph:
        """Return the graph, at the newest revision. Raises: StorageUnavailable."""
        if not self._loaded:
            await self._load(backend)
        while changes := await backend.read(self._changes(self.graph.revision)):
            if changes[0].revision > self.graph.revision + 1:  # what lies between is gone from the feed
                await self._load(backend)
            else:
                self.graph.apply(change for change in changes if change.revision > self.graph.revision)
        return self.graph

    async def _load(self, backend: Store) -> None:
        graph = await backend.read(self._snapshot())
        if not self._loaded or graph.revision > self.graph.revision:
            self.graph = graph
        self._loaded = True

    def _snapshot(self) -> Read[Graph]:
        graph = Graph(self.graph.plan)
        graph.revision = yield from relationship_revision(self._realm, self._store)
        after: Relationship | None = None
        while True:
            page = yield from read_relationships(ReadRelationships(self._realm, self._store, after=after))
            for tuple in page:
                graph.add(tuple)
            if len(page) < MAX_PAGE:
                return graph
            after = page[-1]

    def _changes(self, since: int) -> Read[list[RelationshipChange]]:
        newest = yield from relationship_revision(self._realm, self._store)
        if newest <= since:
            return []
        return (yield from relationship_changes(self._realm, self._store, since))
