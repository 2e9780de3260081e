"""Tuples that expire, the times they were written, the change feed from end to end, and stores that go."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest

from keystead.core.values import EpochSeconds
from keystead.storage.ports import (
    BULK_PAGE,
    CHANGES_KEPT,
    FeedView,
    LoadRelationships,
    ReadRelationships,
    Relationship,
    RelationshipChange,
    RelationshipsRefused,
    RelationshipsWritten,
    Store,
    StoredRelationship,
    drop_relationships,
    load_relationships,
    look_at_feed,
    relationship_changes,
    relationship_revision,
    stored_relationships,
)
from tests.contract.kinds import NOW
from tests.contract.test_relationships import ALICE, BOB, CAROL, GROUP, read, write

SOON = EpochSeconds(NOW + 10)
BRIEF = Relationship("order:1", "viewer", "user:dave", expires_at=SOON)
CONDITIONAL = Relationship("order:3", "viewer", "user:eve", "in_hours", '{"from":9}', EpochSeconds(NOW + 20))


async def feed(store: Store) -> FeedView:
    """Look at the feed of the store `shop`."""
    return await store.read(look_at_feed("acme", "shop"))


async def test_an_expiry_is_kept_and_read_back(store: Store) -> None:
    """With every other part, in lists, pages of rows and the feed."""
    await write(store, (BRIEF, CONDITIONAL, ALICE))
    assert await read(store) == [ALICE, BRIEF, CONDITIONAL]
    rows = await store.read(load_relationships(LoadRelationships("acme", "shop")))
    assert [Relationship(*row) for row in rows] == [ALICE, BRIEF, CONDITIONAL]
    changes = await store.read(relationship_changes("acme", "shop"))
    assert [change.relationship for change in changes] == [BRIEF, CONDITIONAL, ALICE]


async def test_an_expired_tuple_is_not_there(store: Store) -> None:
    """Not for a reader who says what time it is, not for preconditions, deletes or duplicates."""
    await write(store, (BRIEF, ALICE))
    assert await read(store, now=EpochSeconds(SOON - 1)) == [ALICE, BRIEF]
    assert await read(store, now=SOON) == [ALICE]
    assert await read(store) == [ALICE, BRIEF]
    assert await write(store, must_exist=(BRIEF,), now=SOON) == RelationshipsRefused("must_exist", BRIEF)
    assert await write(store, (), (BRIEF,), now=SOON) == RelationshipsRefused("missing", BRIEF)
    lasting = msgspec.structs.replace(BRIEF, expires_at=EpochSeconds(0))
    assert await write(store, (lasting,)) == RelationshipsRefused("duplicate", lasting)
    assert await write(store, (lasting,), now=SOON, must_not_exist=(BRIEF,)) == RelationshipsWritten(4)
    assert await store.read(relationship_changes("acme", "shop", 2)) == [
        RelationshipChange(3, "delete", BRIEF, SOON),
        RelationshipChange(4, "write", lasting, SOON),
    ]
    assert await read(store, now=SOON) == [ALICE, lasting]


async def test_the_sweeper_deletes_expired_tuples_and_tells_the_feed(store: Store) -> None:
    """As ordinary deletes, in bounded steps; who follows the feed has nothing to know about it."""
    many = tuple(msgspec.structs.replace(BRIEF, user=f"user:{number:02}") for number in range(12))
    await write(store, (*many, CONDITIONAL, ALICE))
    await write(store, many[:1], store="other")
    assert await store.sweep(EpochSeconds(SOON - 1)) == 0
    assert [await store.sweep(SOON, 5) for _ in range(4)] == [5, 5, 3, 0]
    assert await read(store) == [ALICE, CONDITIONAL]
    told = await store.read(relationship_changes("acme", "shop", 14))
    assert [(change.operation, change.relationship.user) for change in told] == [("delete", each.user) for each in many]
    assert await store.read(relationship_revision("acme", "other")) == 2


async def test_the_time_a_tuple_was_written_is_told(store: Store) -> None:
    """And never goes back from one change to the next, whatever the clocks of several processes say."""
    await write(store, (ALICE,))
    await write(store, (BOB,), now=SOON)
    await write(store, (CAROL,))
    wanted = ReadRelationships("acme", "shop")
    assert await store.read(stored_relationships(wanted)) == [
        StoredRelationship(ALICE, NOW),
        StoredRelationship(BOB, SOON),
        StoredRelationship(CAROL, SOON),
    ]
    assert [change.at for change in await store.read(relationship_changes("acme", "shop"))] == [NOW, SOON, SOON]
    assert await feed(store) == FeedView(3, 0, SOON)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"user": "user:bob"}, [BOB]),
        ({"object": "order:", "user": "user:carol"}, [CAROL]),
        ({"object": "orders:", "user": "user:carol"}, []),
        ({"user": "group:staff#member", "after": CAROL}, [GROUP]),
        ({"user": "user:carol", "after": Relationship("order:2", "viewer", "user:a")}, [CAROL]),
        ({"user": "user:carol", "after": CAROL}, []),
    ],
)
async def test_reading_by_user(store: Store, wanted: dict[str, object], expected: list[Relationship]) -> None:
    """Over all objects or those of a type, page by page."""
    await write(store, (ALICE, BOB, CAROL, GROUP))
    assert await read(store, **wanted) == expected


async def test_changes_by_type_and_from_a_time(store: Store) -> None:
    """Only objects of one type, only from a time on, and both, page by page."""
    for number, each in enumerate((ALICE, GROUP, BOB, CAROL)):
        await write(store, (each,), now=EpochSeconds(NOW + number))
    for wanted, expected in (
        ({"type": "order"}, [1, 3, 4]),
        ({"type": "orders"}, [2]),
        ({"type": "orde"}, []),
        ({"since": NOW}, [1, 2, 3, 4]),
        ({"since": EpochSeconds(NOW + 2)}, [3, 4]),
        ({"since": EpochSeconds(NOW + 9)}, []),
        ({"type": "order", "since": EpochSeconds(NOW + 1), "limit": 1}, [3]),
        ({"type": "order", "since": EpochSeconds(NOW + 1), "after": 3}, [4]),
    ):
        found = await store.read(relationship_changes("acme", "shop", **wanted))
        assert [change.revision for change in found] == expected


async def test_old_changes_are_trimmed_and_the_feed_says_so(store: Store) -> None:
    """What stands is untouched; the feed tells from where on it is whole."""
    await write(store, (ALICE, BOB))
    await write(store, (CAROL,), now=SOON)
    assert await store.sweep(EpochSeconds(NOW + CHANGES_KEPT - 1)) == 0
    assert await store.sweep(EpochSeconds(NOW + CHANGES_KEPT), 1) == 1
    assert await feed(store) == FeedView(3, 1, SOON)
    assert await store.sweep(EpochSeconds(NOW + CHANGES_KEPT)) == 1
    assert await feed(store) == FeedView(3, 2, SOON)
    assert [change.revision for change in await store.read(relationship_changes("acme", "shop"))] == [3]
    assert await store.sweep(EpochSeconds(SOON + CHANGES_KEPT)) == 1
    assert await feed(store) == FeedView(3, 3, SOON)
    assert await read(store) == [ALICE, BOB, CAROL]
    assert await write(store, (GROUP,)) == RelationshipsWritten(4)


async def test_a_store_is_dropped_in_bounded_steps(store: Store) -> None:
    """Tuples first, then the feed; other stores stay, and the numbers go on."""
    await write(store, (ALICE, BOB, CAROL))
    await write(store, (ALICE,), store="other")
    gone = [await store.write(partial(drop_relationships, "acme", "shop", 2)) for _ in range(5)]
    assert gone == [2, 1, 2, 1, 0]
    assert await read(store) == []
    assert await store.read(relationship_changes("acme", "shop")) == []
    view = await feed(store)
    assert view.revision == view.trimmed == 5
    assert await read(store, store="other") == [ALICE]
    assert await write(store, (ALICE,)) == RelationshipsWritten(6)


async def test_rows_are_loaded_in_pages_by_key_and_by_type(store: Store) -> None:
    """Every tuple once, whatever the size of the pages."""
    everything = tuple(
        Relationship(f"{kind}:{number}", "viewer", f"user:{user}")
        for kind in ("doc", "docs", "team")
        for number in range(3)
        for user in range(30)
    )
    await write(store, everything)
    for type, expected in (("", everything), ("doc", everything[:90]), ("nothing", ())):
        for limit in (BULK_PAGE, 7):
            seen: list[Relationship] = []
            after = ("", "", "")
            while rows := await store.read(load_relationships(LoadRelationships("acme", "shop", type, after, limit))):
                seen += [Relationship(*row) for row in rows]
                after = rows[-1][0], rows[-1][1], rows[-1][2]
            assert seen == sorted(expected)
