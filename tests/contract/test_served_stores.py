"""The catalogue of served stores, on every backend: stores, immutable models, assertions, reads that are new enough."""

from __future__ import annotations

import json

import pytest
from msgspec import structs

from keystead.authz.errors import ModelError
from keystead.authz.served import (
    AuthorizationStores,
    ForeignToken,
    KeptByConfiguration,
    UnknownModel,
    UnknownStore,
    consistency_token,
    revision_of,
)
from keystead.authz.served.catalogue import forget_store, keep_store
from keystead.core.ulid import ULID, milliseconds_of
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship, RelationshipsWritten, Store, WriteRelationships

NOW = 1_790_000_000.25
USER = {"type": "user"}
MODEL = json.dumps(
    {
        "schema_version": "1.1",
        "type_definitions": [
            USER,
            {
                "type": "order",
                "relations": {"owner": {"this": {}}},
                "metadata": {"relations": {"owner": {"directly_related_user_types": [{"type": "user"}]}}},
            },
        ],
    }
).encode()
ALICE = Relationship("order:17", "owner", "user:alice")


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def served(store: Store) -> AuthorizationStores:
    """Return a catalogue as one process has it."""
    return AuthorizationStores(store, Clock())


def write(store: str, *tuples: Relationship, deletes: tuple[Relationship, ...] = ()) -> WriteRelationships:
    """Return a write to a store of the realm."""
    return WriteRelationships("acme", store, tuples, deletes, EpochSeconds(int(NOW)))


async def test_a_store_is_made_found_listed_by_name_and_removed_with_all_it_holds(store: Store) -> None:
    stores = served(store)
    first, second = await stores.create("acme", "shop"), await stores.create("acme", "depot")
    assert ULID.fullmatch(first.id)
    assert milliseconds_of(first.id) == first.created_at == int(NOW * 1000)
    assert {each.id for each in await stores.list_stores("acme")} == {first.id, second.id}
    assert [each.id for each in await stores.list_stores("acme", name="shop")] == [first.id]
    model = await stores.add_model("acme", first.id, MODEL)
    await stores.write(write(first.id, ALICE))
    await stores.keep_assertions("acme", first.id, model, '[{"expectation":true}]')
    await stores.delete("acme", first.id)
    for gone in (stores.find("acme", first.id), stores.open("acme", first.id), stores.models("acme", first.id)):
        with pytest.raises(UnknownStore):
            await gone
    with pytest.raises(UnknownStore):
        await stores.write(write(first.id, ALICE))
    assert (await stores.find("acme", second.id)).name == "depot"


async def test_a_store_is_found_in_its_own_realm_alone(store: Store) -> None:
    stores = served(store)
    mine = await stores.create("acme", "shop")
    await stores.add_model("acme", mine.id, MODEL)
    for refused in (stores.find("rival", mine.id), stores.open("rival", mine.id), stores.delete("rival", mine.id)):
        with pytest.raises(UnknownStore):
            await refused
    with pytest.raises(UnknownStore):
        await stores.find("acme", mine.id.lower())


async def test_models_are_kept_for_ever_and_the_newest_comes_first(store: Store) -> None:
    stores = served(store)
    shop = await stores.create("acme", "shop")
    with pytest.raises(UnknownModel):
        await stores.open("acme", shop.id)
    made = [await stores.add_model("acme", shop.id, MODEL) for _ in range(5)]
    assert made == sorted(made), "in one and the same millisecond too"
    newest_first = made[::-1]
    assert [each.model for each in await stores.models("acme", shop.id)] == newest_first
    rest = await stores.models("acme", shop.id, after=newest_first[1], limit=2)
    assert [each.model for each in rest] == newest_first[2:4]
    assert (await stores.open("acme", shop.id)).model_id == newest_first[0]
    assert (await stores.open("acme", shop.id, made[0])).model_id == made[0]
    with pytest.raises(UnknownModel):
        await stores.open("acme", shop.id, shop.id)
    with pytest.raises(ModelError):
        await stores.add_model("acme", shop.id, b'{"type_definitions": [{"type": "order", "relations": {"a": {}}}]}')


async def test_assertions_belong_to_one_model(store: Store) -> None:
    stores = served(store)
    shop = await stores.create("acme", "shop")
    one, other = [await stores.add_model("acme", shop.id, MODEL) for _ in range(2)]
    await stores.keep_assertions("acme", shop.id, one, '[{"expectation":true}]')
    await stores.keep_assertions("acme", shop.id, one, '[{"expectation":false}]')
    assert await stores.assertions("acme", shop.id, one) == '[{"expectation":false}]'
    assert await stores.assertions("acme", shop.id, other) == "[]"
    with pytest.raises(UnknownModel):
        await stores.keep_assertions("acme", shop.id, shop.id, "[]")


async def test_a_write_counts_at_once_here_and_elsewhere_for_whoever_asks_for_it(store: Store) -> None:
    here, elsewhere = served(store), served(store)
    shop = await here.create("acme", "shop")
    await here.add_model("acme", shop.id, MODEL)
    assert (await elsewhere.open("acme", shop.id)).revision == 0
    outcome = await here.write(write(shop.id, ALICE))
    assert isinstance(outcome, RelationshipsWritten)
    assert (await here.open("acme", shop.id)).revision == outcome.revision
    at_least = revision_of(consistency_token(shop.id, outcome.revision), shop.id)
    assert (await elsewhere.open("acme", shop.id, at_least=at_least)).revision == outcome.revision
    again = await here.write(write(shop.id, deletes=(ALICE,)))
    assert isinstance(again, RelationshipsWritten)
    assert (await elsewhere.open("acme", shop.id, newest=True)).revision == again.revision


async def test_a_token_of_another_store_or_from_the_future_is_refused(store: Store) -> None:
    stores = served(store)
    shop = await stores.create("acme", "shop")
    await stores.add_model("acme", shop.id, MODEL)
    with pytest.raises(ForeignToken):
        await stores.open("acme", shop.id, at_least=10**17)
    for forged in (consistency_token("another", 1), "", "....", "é", consistency_token(shop.id, 1) + "9" * 99, "AA=="):
        with pytest.raises(ForeignToken):
            revision_of(forged, shop.id)


async def test_a_store_that_the_configuration_took_over_meanwhile_is_not_deleted(store: Store) -> None:
    stores = served(store)
    made = await stores.find("acme", (await stores.create("acme", "shop")).id)
    taken = structs.replace(made, managed_by="configuration")
    await store.write(lambda: keep_store(taken))
    with pytest.raises(KeptByConfiguration):
        await store.write(lambda: forget_store("acme", made.id))
    with pytest.raises(KeptByConfiguration):
        await stores.delete("acme", made.id)
    assert (await stores.find("acme", made.id)).name == "shop"
