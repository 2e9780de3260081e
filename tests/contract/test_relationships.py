"""Relationship tuples: all or nothing, numbered, listed in order, page by page."""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec
import pytest

from keystead.storage.ports import (
    ReadRelationships,
    Relationship,
    RelationshipChange,
    RelationshipsRefused,
    RelationshipsWritten,
    Store,
    WriteRelationships,
    read_relationships,
    relationship_changes,
    relationship_revision,
    write_relationships,
)
from tests.contract.kinds import NOW

ALICE = Relationship("order:1", "owner", "user:alice")
BOB = Relationship("order:1", "viewer", "user:bob")
CAROL = Relationship("order:2", "viewer", "user:carol", "in_hours", '{"from":9}')
GROUP = Relationship("orders:1", "viewer", "group:staff#member")

Answer = RelationshipsWritten | RelationshipsRefused


async def write(
    store: Store, /, writes: tuple[Relationship, ...] = (), deletes: tuple[Relationship, ...] = (), **more: object
) -> Answer:
    """Write tuples of the store `shop` of realm `acme`."""
    plain = WriteRelationships("acme", "shop", writes, deletes, NOW)
    return await store.write(partial(write_relationships, msgspec.structs.replace(plain, **more)))


async def read(store: Store, /, **wanted: object) -> list[Relationship]:
    """List tuples of the same store."""
    return await store.read(read_relationships(msgspec.structs.replace(ReadRelationships("acme", "shop"), **wanted)))


async def test_written_tuples_are_listed_in_order(store: Store) -> None:
    """In (object, relation, user) order, with their conditions."""
    assert await store.read(relationship_revision("acme", "shop")) == 0
    assert await write(store, (CAROL, GROUP, BOB, ALICE)) == RelationshipsWritten(4)
    assert await read(store) == [ALICE, BOB, CAROL, GROUP]
    assert await store.read(relationship_revision("acme", "shop")) == 4


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"object": "order:1"}, [ALICE, BOB]),
        ({"object": "order:"}, [ALICE, BOB, CAROL]),
        ({"object": "orde"}, []),
        ({"relation": "viewer"}, [BOB, CAROL, GROUP]),
        ({"user": "user:bob"}, [BOB]),
        ({"object": "order:", "relation": "viewer"}, [BOB, CAROL]),
        ({"object": "order:1", "relation": "viewer", "user": "user:alice"}, []),
        ({"after": BOB}, [CAROL, GROUP]),
        ({"object": "order:", "after": ALICE, "limit": 1}, [BOB]),
        ({"limit": 0}, []),
        ({"realm": "other"}, []),
        ({"store": "Shop"}, []),
    ],
)
async def test_filters(store: Store, wanted: dict[str, object], expected: list[Relationship]) -> None:
    """Exact object, objects of a type, relation, user, in any combination, page by page."""
    await write(store, (ALICE, BOB, CAROL, GROUP))
    assert await read(store, **wanted) == expected


async def test_refused_means_nothing_was_written(store: Store) -> None:
    """A duplicate, a missing delete or a failed precondition refuses the whole, and says which and why."""
    await write(store, (ALICE,))
    for refused, attempt in (
        (RelationshipsRefused("duplicate", ALICE), {"writes": (BOB, ALICE)}),
        (RelationshipsRefused("duplicate", BOB), {"writes": (BOB, BOB)}),
        (RelationshipsRefused("missing", BOB), {"writes": (CAROL,), "deletes": (ALICE, BOB)}),
        (RelationshipsRefused("missing", ALICE), {"deletes": (ALICE, ALICE)}),
        (RelationshipsRefused("must_exist", BOB), {"writes": (CAROL,), "must_exist": (ALICE, BOB)}),
        (RelationshipsRefused("must_not_exist", ALICE), {"writes": (CAROL,), "must_not_exist": (ALICE,)}),
    ):
        assert await write(store, **attempt) == refused
        assert await read(store) == [ALICE]
        assert await store.read(relationship_revision("acme", "shop")) == 1
    assert await write(store, (BOB,), must_exist=(ALICE,), must_not_exist=(BOB, CAROL)) == RelationshipsWritten(2)


async def test_duplicates_and_missing_may_be_ignored(store: Store) -> None:
    """An equal tuple is then no change; one with another condition is still refused."""
    await write(store, (CAROL,))
    assert await write(store, (CAROL, BOB, BOB), ignore_duplicates=True) == RelationshipsWritten(2)
    assert await write(store, (), (ALICE, BOB), ignore_missing=True) == RelationshipsWritten(3)
    assert await write(store, (CAROL,), (ALICE,), ignore_duplicates=True, ignore_missing=True) == RelationshipsWritten(
        3
    )
    bare = msgspec.structs.replace(CAROL, condition="", context="")
    assert await write(store, (bare,), ignore_duplicates=True) == RelationshipsRefused("duplicate", bare)
    assert await read(store) == [CAROL]


async def test_deletes_come_before_writes(store: Store) -> None:
    """One call can put a tuple in the place of another under the same key."""
    await write(store, (CAROL,))
    bare = msgspec.structs.replace(CAROL, condition="", context="")
    assert await write(store, (bare,), (bare,)) == RelationshipsWritten(3)
    assert await read(store) == [bare]
    assert await store.read(relationship_changes("acme", "shop", 1)) == [
        RelationshipChange(2, "delete", CAROL, NOW),
        RelationshipChange(3, "write", bare, NOW),
    ]


async def test_changes_page_by_revision(store: Store) -> None:
    """Every change has a revision of its own, so that a page never splits one."""
    await write(store, (ALICE, BOB))
    await write(store, (CAROL,), (BOB,))
    seen: list[tuple[int, str, Relationship]] = []
    after = 0
    while page := await store.read(relationship_changes("acme", "shop", after, 1)):
        seen += [(change.revision, change.operation, change.relationship) for change in page]
        after = page[-1].revision
    assert seen == [(1, "write", ALICE), (2, "write", BOB), (3, "delete", BOB), (4, "write", CAROL)]


async def test_stores_and_realms_are_apart(store: Store) -> None:
    """The same tuple in another store or realm is another tuple, with a revision of its own."""
    await write(store, (ALICE,))
    for realm, name in (("acme", "books"), ("other", "shop")):
        assert await write(store, (ALICE, BOB), realm=realm, store=name) == RelationshipsWritten(2)
    assert await read(store) == [ALICE]
    assert await store.read(relationship_revision("acme", "shop")) == 1


async def test_64_concurrent_writers_of_one_tuple(store: Store) -> None:
    """One writes it, the others hear that it is there."""
    answers = await asyncio.gather(*(write(store, (ALICE,)) for _ in range(64)))
    assert answers.count(RelationshipsWritten(1)) == 1
    assert answers.count(RelationshipsRefused("duplicate", ALICE)) == 63


async def test_tuples_compare_bytewise(store: Store) -> None:
    """Case and unicode forms make different tuples, ordered by their bytes."""
    objects = sorted(("doc:a", "doc:A", "doc:é", "doc:e\u0301", "doc:𝔸", "doc:\ufffd"), key=str.encode)
    await write(store, tuple(Relationship(object, "r", "u:x") for object in reversed(objects)))
    assert [found.object for found in await read(store, object="doc:")] == objects
    assert [found.object for found in await read(store, object="doc:A")] == ["doc:A"]
