"""The sweeper: bounded batches, only what has expired, index entries too."""

from __future__ import annotations

from functools import partial

import msgspec

from keystead.core.values import EpochSeconds
from keystead.storage.ports import (
    Redeemable,
    StartFamily,
    Store,
    Write,
    emit,
    find,
    get,
    look_at_family,
    offer,
    peek,
    put,
    read_outbox,
    start_family,
)
from tests.contract.kinds import LATER, NOW, Person

FOREVER = EpochSeconds(LATER + 1)


def fill(number: int, expires_at: EpochSeconds) -> Write[None]:
    """Store one of everything that expires."""
    person = Person(realm="acme", id=str(number), name=f"n{number}", tags=("a", "b"), expires_at=expires_at)
    yield from put(person, NOW)
    yield from offer("acme", "code", str(number), b"", expires_at)
    yield from start_family(StartFamily("acme", str(number), "d", "b", expires_at, NOW))
    yield from emit("acme", "topic", b"", NOW, expires_at)


async def test_sweeps_in_batches_until_nothing_is_left(store: Store) -> None:
    """At most `limit` rows at a time over all tables; the number tells whether to come again."""
    for number in range(10):
        await store.write(partial(fill, number, LATER if number < 8 else FOREVER))
    await store.write(lambda: put(Person(realm="acme", id="eternal"), NOW))
    assert await store.sweep(EpochSeconds(LATER - 1)) == 0
    batches = []
    while gone := await store.sweep(LATER, 5):
        batches.append(gone)
    assert sum(batches) == 8 * 4
    assert all(gone == 5 for gone in batches[:-1])
    assert len(await store.read(read_outbox())) == 2
    for number in (8, 9):
        assert await store.read(look_at_family("acme", str(number), NOW)) is not None
        assert await store.read(peek("acme", "code", str(number), NOW)) == Redeemable(b"")
    left = await store.read(find(Person, "acme", NOW, index="tags", value="a"))
    assert [person.id for person in left] == ["8", "9"]
    assert await store.read(get(Person, "acme", "eternal", FOREVER)) is not None
    await store.write(partial(fill, 0, LATER))


async def test_an_extended_record_is_not_swept(store: Store) -> None:
    """What counts is the expiry it has now."""
    outcome = await store.write(lambda: put(Person(realm="acme", id="x", expires_at=LATER), NOW))
    record = getattr(outcome, "record", None)
    assert isinstance(record, Person)
    await store.write(lambda: put(msgspec.structs.replace(record, expires_at=FOREVER), NOW))
    assert await store.sweep(LATER) == 0
    assert await store.read(get(Person, "acme", "x", LATER)) is not None
