"""Keeps what an import brings: stores, models and assertions under the ids they had, tuples as they are."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from keystead.app.openfga_import.fingerprint import Fingerprint
from keystead.authz.served.catalogue import NOBODY, model_key
from keystead.core.errors import ConfigurationError
from keystead.core.records.authorization import AuthorizationModelDocument, AuthorizationStore, ModelAssertions
from keystead.core.values import EpochSeconds
from keystead.storage.ports import (
    Read,
    ReadRelationships,
    Relationship,
    Store,
    Write,
    WriteRelationships,
    get,
    put,
    read_relationships,
    write_relationships,
)

_PAGE = 1000


class Target:
    """One realm of a database."""

    def __init__(self, backend: Store, realm: str) -> None:
        self._backend = backend
        self._realm = realm

    async def make(self, id: str, name: str, created_at: int, updated_at: int, *, known: bool) -> None:
        """Make a store under its id. `known`: this import made it before. Raises: ConfigurationError if others did."""

        def make() -> Write[bool]:
            found = yield from get(AuthorizationStore, self._realm, id, NOBODY)
            if found is None:
                store = AuthorizationStore(
                    realm=self._realm, id=id, name=name, created_at=created_at, updated_at=updated_at
                )
                yield from put(store, NOBODY)
            return found is None

        if not await self._backend.write(make) and not known:
            raise ConfigurationError(
                f"realm {self._realm} already has store {id}, and not from this import. Delete it there, or go on with "
                "the state file of the import that made it",
                where=name,
            )

    async def keep_model(self, store: str, model: str, document: str) -> None:
        """Keep a model under its id; the newest one is what the store answers by."""

        def keep() -> Write[None]:
            key = model_key(store, model)
            if (yield from get(AuthorizationModelDocument, self._realm, key, NOBODY)) is None:
                new = AuthorizationModelDocument(realm=self._realm, id=key, store=store, model=model, document=document)
                yield from put(new, NOBODY)
            found = yield from get(AuthorizationStore, self._realm, store, NOBODY)
            if found is not None and model > found.latest_model:
                yield from put(msgspec.structs.replace(found, latest_model=model), NOBODY)

        await self._backend.write(keep)

    async def keep_assertions(self, store: str, model: str, assertions: str) -> None:
        """Keep what a model is held to."""

        def keep() -> Write[None]:
            key = model_key(store, model)
            known = yield from get(ModelAssertions, self._realm, key, NOBODY)
            new = ModelAssertions(
                realm=self._realm,
                id=key,
                store=store,
                model=model,
                assertions=assertions,
                version=known.version if known else 0,
            )
            yield from put(new, NOBODY)

        await self._backend.write(keep)

    async def write(self, store: str, tuples: Iterable[Relationship], now: EpochSeconds) -> None:
        """Write tuples; those that are there stay."""
        await self._change(WriteRelationships(self._realm, store, tuple(tuples), (), now, ignore_duplicates=True))

    async def replace(self, store: str, tuple: Relationship, now: EpochSeconds, *, gone: bool) -> None:
        """Do what a change did: the tuple is gone, or it is there as it is now."""
        delete = WriteRelationships(self._realm, store, (), (tuple,), now, ignore_missing=True)
        await self._change(delete if gone else msgspec.structs.replace(delete, writes=(tuple,)))

    async def fingerprint(self, store: str) -> Fingerprint:
        """Return what is there now."""
        found = Fingerprint()
        after: Relationship | None = None
        while page := await self._backend.read(self._page(store, after)):
            for each in page:
                found.add(each)
            after = page[-1]
        return found

    def _page(self, store: str, after: Relationship | None) -> Read[list[Relationship]]:
        return (yield from read_relationships(ReadRelationships(self._realm, store, after=after, limit=_PAGE)))

    async def _change(self, operation: WriteRelationships) -> None:
        await self._backend.write(lambda: write_relationships(operation))
