"""The transactions of a catalogue of stores: which stores a realm has, which models they have, what these are held to.

Does not: read the clock, keep anything in memory or know what a model means. `stores` does.
"""

from __future__ import annotations

import msgspec

from keystead.authz.served.errors import KeptByConfiguration, UnknownModel, UnknownStore
from keystead.core.records.authorization import AuthorizationModelDocument, AuthorizationStore, ModelAssertions
from keystead.core.ulid import new_ulid, turned
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, Write, find, get, put, remove

NOBODY = EpochSeconds(0)
"""These records never expire, so the time does not matter."""


def model_key(store: str, model: str) -> str:
    """Return the id of a model's record: stores apart, the newest first."""
    return f"{store}.{turned(model)}"


def store_of(realm: str, id: str) -> Read[AuthorizationStore]:
    """Look up a store. Raises: UnknownStore."""
    store = yield from get(AuthorizationStore, realm, id, NOBODY)
    if store is None:
        raise UnknownStore(id)
    return store


def list_stores(realm: str, name: str, after: str, limit: int) -> Read[list[AuthorizationStore]]:
    """List stores in the order of their ids, all of them or those of one name."""
    index = "name" if name else ""
    return (yield from find(AuthorizationStore, realm, NOBODY, index=index, value=name, after=after, limit=limit))


def keep_store(store: AuthorizationStore) -> Write[None]:
    """Store a new or changed store."""
    yield from put(store, NOBODY)


def add_model(realm: str, id: str, document: str, milliseconds: int, source: str = "") -> Write[str]:
    """Add a model, which from then on is the newest. Answer: its ULID. Raises: UnknownStore."""
    store = yield from store_of(realm, id)
    model = new_ulid(milliseconds, after=store.latest_model)
    key = model_key(id, model)
    new = AuthorizationModelDocument(realm=realm, id=key, store=id, model=model, document=document, source=source)
    yield from put(new, NOBODY)
    yield from put(_with(store, latest_model=model), NOBODY)
    return model


def model_of(realm: str, id: str, model: str = "") -> Read[AuthorizationModelDocument]:
    """Look up a model, the newest when none is named. Raises: UnknownStore, UnknownModel."""
    store = yield from store_of(realm, id)
    wanted = model or store.latest_model
    found = (yield from get(AuthorizationModelDocument, realm, model_key(id, wanted), NOBODY)) if wanted else None
    if found is None:
        raise UnknownModel(id, model)
    return found


def list_models(realm: str, id: str, after: str, limit: int) -> Read[list[AuthorizationModelDocument]]:
    """List a store's models, the newest first. `after`: the ULID of the last one seen. Raises: UnknownStore."""
    yield from store_of(realm, id)
    behind = model_key(id, after) if after else ""
    kind = AuthorizationModelDocument
    return (yield from find(kind, realm, NOBODY, index="store", value=id, after=behind, limit=limit))


def assertions_of(realm: str, id: str, model: str) -> Read[str]:
    """Return the JSON of what a model is held to. Raises: UnknownStore."""
    yield from store_of(realm, id)
    found = yield from get(ModelAssertions, realm, model_key(id, model), NOBODY)
    return found.assertions if found else "[]"


def keep_assertions(realm: str, id: str, model: str, assertions: str) -> Write[None]:
    """Replace what a model is held to. Raises: UnknownStore, UnknownModel."""
    yield from model_of(realm, id, model)
    key = model_key(id, model)
    known = yield from get(ModelAssertions, realm, key, NOBODY)
    version = known.version if known else 0
    new = ModelAssertions(realm=realm, id=key, store=id, model=model, assertions=assertions, version=version)
    yield from put(new, NOBODY)


def forget_store(realm: str, id: str) -> Write[None]:
    """Remove a store: from here on nobody finds it, nor what is left of it.

    Raises: UnknownStore, KeptByConfiguration.
    """
    if (yield from store_of(realm, id)).managed_by:
        raise KeptByConfiguration("this store is kept by the configuration file; take it out of `authz.stores`")
    yield from remove(AuthorizationStore, realm, id)


def forget_documents(realm: str, id: str, limit: int) -> Write[int]:
    """Remove some of a removed store's models and assertions. Answer: how many went."""
    gone = 0
    for kind in (AuthorizationModelDocument, ModelAssertions):
        for record in (yield from find(kind, realm, NOBODY, index="store", value=id, limit=limit - gone)):
            yield from remove(kind, realm, record.id)
            gone += 1
    return gone


def _with(store: AuthorizationStore, **changes: object) -> AuthorizationStore:
    return msgspec.structs.replace(store, **changes)
