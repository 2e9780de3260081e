"""The authorization stores a file asks for, each under the id that always belongs to its realm and name.

Does not: change a model. A file that says something else is another model, and from then on the newest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from keystead.app.convergence.desired import CONFIGURATION
from keystead.app.convergence.difference import Change, all_of, difference
from keystead.app.settings.authorization import AuthorizationSettings, StoreSettings
from keystead.authz import read_model
from keystead.authz.language.json_form import to_json
from keystead.authz.served.catalogue import forget_documents, model_key
from keystead.core.records.authorization import AuthorizationModelDocument, AuthorizationStore
from keystead.core.ulid import derived_ulid, new_ulid
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, Write, drop_relationships, get, remove

_KEPT = frozenset({"created_at", "updated_at"})
_PAGE = 500


def stores_of(settings: AuthorizationSettings | None, realm: str) -> dict[str, StoreSettings]:
    """Return the stores of one realm, by name."""
    stores = settings.stores if settings is not None else {}
    return {name: store for name, store in stores.items() if store.realm == realm}


def store_id(realm: str, name: str) -> str:
    """Return the id of a store of the configuration."""
    return derived_ulid("authorization_store", realm, name)


def authorization_changes(
    realm: str, stores: Mapping[str, StoreSettings], now: EpochSeconds
) -> Read[list[Change | None]]:
    """Return what it takes to have these stores with these models."""
    found: list[Change | None] = []
    for name, wanted in stores.items():
        id = store_id(realm, name)
        stored = yield from get(AuthorizationStore, realm, id, now)
        model = yield from _new_model(realm, id, stored.latest_model if stored else "", wanted, now)
        found.append(Change("create", realm, model.kind, model.model, record=model) if model else None)
        latest = model.model if model else stored.latest_model if stored else ""
        made = now * 1000
        store = AuthorizationStore(
            realm=realm,
            id=id,
            name=name,
            created_at=made,
            updated_at=made,
            latest_model=latest,
            managed_by=CONFIGURATION,
            default=wanted.default,
        )
        found.append(difference(store, stored, keep=_KEPT))
    return found


def forgotten_stores(realm: str, stores: Mapping[str, StoreSettings], now: EpochSeconds) -> Read[list[Change]]:
    """Return the removal of what an earlier file asked for and this one does not."""
    kept = {store_id(realm, name) for name in stores}
    known = yield from all_of(AuthorizationStore, realm, now)
    gone = [each for each in known if isinstance(each, AuthorizationStore) and each.managed_by == CONFIGURATION]
    return [
        Change("delete", realm, each.kind, each.id, (each.name,), record=each) for each in gone if each.id not in kept
    ]


def forget_store(store: AuthorizationStore) -> Write[None]:
    """Remove a store with all it holds, so that a later one of its name begins empty."""
    realm, id = store.realm, store.id
    yield from remove(AuthorizationStore, realm, id)
    while (yield from forget_documents(realm, id, _PAGE)):
        pass
    while (yield from drop_relationships(realm, id)):
        pass


def _new_model(
    realm: str, id: str, latest: str, wanted: StoreSettings, now: EpochSeconds
) -> Read[AuthorizationModelDocument | None]:
    """Return the model to add, if the file has one and it is not the newest already."""
    if not wanted.model:
        return None
    document = msgspec.json.encode(to_json(read_model(wanted.model))).decode()
    known = (yield from get(AuthorizationModelDocument, realm, model_key(id, latest), now)) if latest else None
    if known is not None and known.document == document:
        return None
    model = new_ulid(now * 1000, after=latest)
    return AuthorizationModelDocument(realm=realm, id=model_key(id, model), store=id, model=model, document=document)


def configured(settings: AuthorizationSettings | None) -> Iterator[tuple[str, str, str]]:
    """Yield realm, name and id of every store of the configuration."""
    for name, store in (settings.stores if settings is not None else {}).items():
        yield store.realm, name, store_id(store.realm, name)
