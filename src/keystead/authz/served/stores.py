"""The served stores of every realm, over one storage backend.

Flow: the API names a realm (its token's) and a store -> `open` returns its tuples under a model, at a state that is
new enough -> the engine answers. Writes go to the backend and count here at once; what other processes write counts
within `maximum_lag`, or at once for who brings a consistency token or asks for the newest.
Does not: decide who may ask (`keystead.api.access`), or speak HTTP (`keystead.api.openfga`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from keystead.authz.engine.plan import compile_model
from keystead.authz.replica import NEWEST, Replica, version_of
from keystead.authz.served import catalogue
from keystead.authz.served.errors import ForeignToken, UnknownModel, UnknownStore
from keystead.authz.served.feed import Cursor, facts_after
from keystead.authz.served.model_documents import read_document, write_document
from keystead.authz.served.opened import Kept, Known, Opened
from keystead.authz.shared.page import FactsPage
from keystead.core.records.authorization import AuthorizationModelDocument, AuthorizationStore
from keystead.core.ulid import new_ulid
from keystead.core.values import EpochSeconds
from keystead.storage.ports import (
    Read,
    ReadRelationships,
    Relationship,
    RelationshipChange,
    RelationshipChanges,
    RelationshipsRefused,
    RelationshipsWritten,
    Store,
    StoredRelationship,
    Write,
    WriteRelationships,
    drop_relationships,
    stored_relationships,
    write_relationships,
)

MAXIMUM_LAG: Final = 0.05
"""Seconds. The longest a write of another process may go unnoticed here."""
_PAGE: Final = 500


class AuthorizationStores:
    """Every served store of a backend. For one event loop."""

    def __init__(
        self, backend: Store, clock: Callable[[], float], *, maximum_lag: float = MAXIMUM_LAG, kept_models: int = 64
    ) -> None:
        self._backend = backend
        self._version = version_of(backend)
        self._clock = clock
        self._maximum_lag = maximum_lag
        self._known: Kept[Known] = Kept(4_096)
        self._replicas: Kept[Replica] = Kept(kept_models)
        """Keys: realm, store, model."""
        self.long_questions = asyncio.Lock()
        """For who holds what is opened while others are served: one at a time, so that there is one copy at most."""

    async def create(self, realm: str, name: str) -> AuthorizationStore:
        """Make a store. Names need not be unique."""
        now = self._milliseconds()
        store = AuthorizationStore(realm=realm, id=new_ulid(now), name=name, created_at=now, updated_at=now)
        await self._backend.write(lambda: catalogue.keep_store(store))
        return store

    async def find(self, realm: str, store: str) -> AuthorizationStore:
        """Look up a store. Raises: UnknownStore."""
        return await self._backend.read(catalogue.store_of(realm, store))

    async def list_stores(
        self, realm: str, *, name: str = "", after: str = "", limit: int = 50
    ) -> list[AuthorizationStore]:
        """List a realm's stores in the order of their ids."""
        return await self._backend.read(catalogue.list_stores(realm, name, after, limit))

    async def delete(self, realm: str, store: str) -> None:
        """Remove a store with everything in it. Raises: UnknownStore, KeptByConfiguration."""
        await self._backend.write(lambda: catalogue.forget_store(realm, store))
        self._known.forget(realm, store)
        self._replicas.forget(realm, store)
        while await self._backend.write(lambda: catalogue.forget_documents(realm, store, _PAGE)):
            pass
        while await self._backend.write(lambda: drop_relationships(realm, store)):
            pass

    async def add_model(self, realm: str, store: str, document: bytes) -> str:
        """Add a model written as OpenFGA's JSON. Answer: its ULID. Raises: ModelError, UnknownStore."""
        compile_model(read_document(document))
        written, now = write_document(document), self._milliseconds()
        model = await self._backend.write(lambda: catalogue.add_model(realm, store, written, now))
        self._known.forget(realm, store)
        return model

    async def model(self, realm: str, store: str, model: str = "") -> AuthorizationModelDocument:
        """Look up a model, the newest when none is named. Raises: UnknownStore, UnknownModel."""
        return await self._backend.read(catalogue.model_of(realm, store, model))

    async def models(
        self, realm: str, store: str, *, after: str = "", limit: int = 50
    ) -> list[AuthorizationModelDocument]:
        """List models, the newest first. Raises: UnknownStore."""
        return await self._backend.read(catalogue.list_models(realm, store, after, limit))

    async def assertions(self, realm: str, store: str, model: str) -> str:
        """Return the JSON list of what a model is held to. Raises: UnknownStore."""
        return await self._backend.read(catalogue.assertions_of(realm, store, model))

    async def keep_assertions(self, realm: str, store: str, model: str, assertions: str) -> None:
        """Replace what a model is held to. Raises: UnknownStore, UnknownModel."""
        await self._backend.write(lambda: catalogue.keep_assertions(realm, store, model, assertions))

    async def open(self, realm: str, store: str, model: str = "", *, at_least: int = 0, newest: bool = False) -> Opened:
        """Return a store under a model (the newest when none is named), no older than asked for.

        Raises: UnknownStore, UnknownModel; ForeignToken when the store never was at `at_least`; StorageUnavailable.
        """
        known = self._known.get((realm, store))
        if known is None or newest or self._is_old(known):
            known = await self._look(realm, store)
        model = model or known.store.latest_model
        if not model:
            raise UnknownModel(store)
        replica = self._replicas.get((realm, store, model)) or await self._load(realm, store, model)
        graph = await replica.catch_up(self._backend, NEWEST if newest else at_least)
        if graph.revision < at_least:
            raise ForeignToken("the consistency token is from a state this store never had; send none")
        return Opened(known.store, model, graph, replica)

    async def write(self, operation: WriteRelationships) -> RelationshipsWritten | RelationshipsRefused:
        """Write tuples of a store, all or nothing. They count here at once. Raises: UnknownStore."""
        outcome = await self._backend.write(partial(_write, operation))
        if isinstance(outcome, RelationshipsWritten):
            for replica in self._replicas.under(operation.realm, operation.store):
                replica.wanted = max(replica.wanted, outcome.revision)
        return outcome

    async def read(self, operation: ReadRelationships) -> list[Relationship]:
        """List tuples of a store. Raises: UnknownStore."""
        return [each.relationship for each in await self.stored(operation)]

    async def stored(self, operation: ReadRelationships) -> list[StoredRelationship]:
        """List tuples of a store, with the time each was written. Raises: UnknownStore."""
        return await self._backend.read(_stored(operation))

    async def changes(
        self, realm: str, store: str, after: int, limit: int, *, type: str = "", since: int = 0
    ) -> list[RelationshipChange]:
        """List changes of a store after a revision, oldest first, of objects of one type and from some time on.

        Raises: UnknownStore.
        """
        wanted = RelationshipChanges(realm, store, after, limit, type, EpochSeconds(since))
        return await self._backend.read(_changes(wanted))

    async def facts(
        self, realm: str, store: str, types: Collection[str], cursor: Cursor | None
    ) -> tuple[FactsPage, Cursor]:
        """Return what follows a cursor for who keeps a copy of some types, and the next. Raises: UnknownStore."""
        return await self._backend.read(facts_after(realm, store, types, cursor))

    def _is_old(self, known: Known) -> bool:
        if self._version is not None:
            return known.version != self._version()
        return not 0 <= self._clock() - known.looked_at < self._maximum_lag

    async def _look(self, realm: str, store: str) -> Known:
        """Ask the backend about a store. One that is gone is forgotten. Raises: UnknownStore."""
        looked_at, version = self._clock(), self._version() if self._version is not None else 0
        try:
            found = await self.find(realm, store)
        except UnknownStore:
            self._known.forget(realm, store)
            self._replicas.forget(realm, store)
            raise
        return self._known.keep((realm, store), Known(found, looked_at, version))

    async def _load(self, realm: str, store: str, model: str) -> Replica:
        found = await self._backend.read(catalogue.model_of(realm, store, model))
        plan = compile_model(read_document(found.document.encode()))
        key = (realm, store, model)
        known = self._replicas.get(key)
        return known or self._replicas.keep(key, Replica(plan, realm, store, maximum_lag=self._maximum_lag))

    def _milliseconds(self) -> int:
        return int(self._clock() * 1000)


def _write(operation: WriteRelationships) -> Write[RelationshipsWritten | RelationshipsRefused]:
    yield from catalogue.store_of(operation.realm, operation.store)
    return (yield from write_relationships(operation))


def _stored(operation: ReadRelationships) -> Read[list[StoredRelationship]]:
    yield from catalogue.store_of(operation.realm, operation.store)
    return (yield from stored_relationships(operation))


def _changes(operation: RelationshipChanges) -> Read[list[RelationshipChange]]:
    yield from catalogue.store_of(operation.realm, operation.store)
    changes: list[RelationshipChange] = yield operation
    return changes
