"""Transactions: all or nothing, one snapshot, reads that cannot write."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from keystead.core.errors import StorageUnavailable
from keystead.storage.ports import (
    Conflict,
    Read,
    ReadRelationships,
    Redeemable,
    Redeemed,
    Relationship,
    Rotate,
    StartFamily,
    Store,
    Stored,
    Write,
    WriteRelationships,
    claim,
    emit,
    find,
    get,
    look_at_family,
    offer,
    peek,
    put,
    read_outbox,
    read_relationships,
    redeem,
    remove,
    revoke_family,
    rotate,
    start_family,
    write_relationships,
)
from tests.contract.kinds import LATER, NOW, Person, Setting


class Regret(Exception):
    """What a transaction raises to be undone."""


def everything(name: str) -> Write[None]:
    """Change something through every port."""
    yield from put(Person(realm="acme", id=name, name=name, town="london"), NOW)
    yield from put(Setting(realm="acme", id=name), NOW)
    yield from offer("acme", "code", name, b"", LATER)
    yield from claim("acme", "jti", name, LATER, NOW)
    yield from start_family(StartFamily("acme", name, "d", "b", LATER, NOW))
    yield from write_relationships(
        WriteRelationships("acme", "shop", (Relationship(f"doc:{name}", "owner", "user:x"),), (), NOW)
    )
    yield from emit("acme", "topic", name.encode(), NOW, LATER)


async def snapshot(store: Store) -> list[Any]:
    """Read what `everything` may have changed."""

    def look() -> Read[list[Any]]:
        return [
            (yield from find(Person, "acme", NOW)),
            (yield from find(Person, "acme", NOW, index="town", value="london")),
            (yield from find(Setting, "acme", NOW)),
            (yield from peek("acme", "code", "old", NOW)),
            (yield from peek("acme", "code", "new", NOW)),
            (yield from peek("acme", "jti", "new", NOW)),
            (yield from look_at_family("acme", "old", NOW)),
            (yield from look_at_family("acme", "new", NOW)),
            (yield from read_relationships(ReadRelationships("acme", "shop"))),
            (yield from read_outbox()),
        ]

    return await store.read(look())


async def test_an_exception_undoes_the_transaction_and_reaches_its_caller(store: Store) -> None:
    """New rows, changed rows and deleted rows of all four ports, and only of this transaction."""

    def regretted() -> Write[None]:
        yield from everything("new")
        yield from redeem("acme", "code", "old", NOW)
        yield from remove(Person, "acme", "old")
        yield from rotate(Rotate("acme", "old", 1, "d", "e", "b", NOW, LATER, NOW))  # type: ignore[arg-type]
        yield from revoke_family("acme", "old", NOW)
        yield from write_relationships(
            WriteRelationships("acme", "shop", (), (Relationship("doc:old", "owner", "user:x"),), NOW)
        )
        raise Regret

    await store.write(partial(everything, "old"))
    before = await snapshot(store)
    results = await asyncio.gather(
        store.write(partial(offer, "acme", "code", "neighbour 1", b"", LATER)),
        store.write(regretted),
        store.write(partial(offer, "acme", "code", "neighbour 2", b"", LATER)),
        return_exceptions=True,
    )
    assert isinstance(results[1], Regret)
    assert (results[0], results[2]) == (None, None)
    assert await snapshot(store) == before
    for key in ("neighbour 1", "neighbour 2"):
        assert await store.read(peek("acme", "code", key, NOW)) == Redeemable(b"")
    await store.write(partial(everything, "new"))


async def test_a_transaction_sees_its_own_writes(store: Store) -> None:
    """At once, through every way of looking."""

    def busy() -> Write[None]:
        stored = yield from put(Setting(realm="acme", id="x", value=1), NOW)
        assert isinstance(stored, Stored)
        assert (yield from get(Setting, "acme", "x", NOW)) == stored.record
        assert (yield from put(Setting(realm="acme", id="x"), NOW)) == Conflict()
        yield from everything("new")
        assert len((yield from find(Person, "acme", NOW, index="town", value="london"))) == 1
        assert (yield from redeem("acme", "code", "new", NOW)) == Redeemed(b"")
        assert (yield from read_outbox())[-1].payload == b"new"
        assert len((yield from read_relationships(ReadRelationships("acme", "shop")))) == 1

    await store.write(busy)


@pytest.mark.parametrize(
    "transaction",
    [
        partial(put, Person(realm="acme", id="x"), NOW),
        partial(remove, Person, "acme", "x"),
        partial(offer, "acme", "code", "x", b"", LATER),
        partial(redeem, "acme", "code", "x", NOW),
        partial(claim, "acme", "jti", "x", LATER, NOW),
        partial(start_family, StartFamily("acme", "f", "d", "b", LATER, NOW)),
        partial(revoke_family, "acme", "f", NOW),
        partial(write_relationships, WriteRelationships("acme", "shop", (), (), NOW)),
        partial(emit, "acme", "topic", b"", NOW, LATER),
    ],
)
async def test_a_read_transaction_cannot_write(store: Store, transaction: partial[Any]) -> None:
    """The type checker refuses it; who silences the type checker is refused at run time."""
    before = await snapshot(store)
    with pytest.raises(TypeError, match=r"Store\.write"):
        await store.read(transaction())
    assert await snapshot(store) == before


async def test_reads_see_what_was_acknowledged(store: Store) -> None:
    """A read begun after a write was answered sees it, also through what the process keeps in memory."""
    record = Setting(realm="acme", id="x", group="g")
    for value in range(50):
        outcome = await store.write(partial(put, record, NOW))
        assert isinstance(outcome, Stored)
        record = outcome.record
        assert await store.read(get(Setting, "acme", "x", NOW)) == record
        assert await store.read(find(Setting, "acme", NOW, index="group", value="g")) == [record]
        record = Setting(realm="acme", id="x", group="g", value=value, version=record.version)
    assert await store.write(partial(remove, Setting, "acme", "x"))
    assert await store.read(get(Setting, "acme", "x", NOW)) is None
    assert await store.read(find(Setting, "acme", NOW)) == []


async def test_a_cancelled_caller_harms_nobody(store: Store) -> None:
    """The others of its batch are answered."""
    tasks = [
        asyncio.create_task(store.write(partial(offer, "acme", "code", str(number), b"", LATER)))
        for number in range(20)
    ]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
    for number in range(1, 20, 2):
        assert await store.read(peek("acme", "code", str(number), NOW)) == Redeemable(b"")


async def test_a_closed_store_says_so(store: Store) -> None:
    """Queued writes are finished, later ones refused."""
    last = asyncio.create_task(store.write(partial(everything, "last")))
    await asyncio.sleep(0)
    await store.close()
    await last
    with pytest.raises(StorageUnavailable, match="closed"):
        await store.write(partial(everything, "too late"))
    with pytest.raises(StorageUnavailable, match="closed"):
        await store.read(peek("acme", "code", "x", NOW))
    await store.close()
