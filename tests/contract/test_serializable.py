"""Transactions that run at once do what they would do one after another, however they touch the same things."""

from __future__ import annotations

import asyncio
import random
from functools import partial

import msgspec
import pytest

from keystead.core.errors import VersionConflict
from keystead.storage.ports import Redeemed, Store, Stored, Write, find, get, offer, peek, put, read_outbox, redeem
from keystead.storage.ports import emit as emit_event
from tests.contract.kinds import LATER, NOW, Person, Plain, Setting

PARALLEL = 48


def increment(id: str) -> Write[int]:
    """Read a number and store it one higher."""
    found = yield from get(Plain, "acme", id, NOW)
    assert found is not None
    outcome = yield from put(msgspec.structs.replace(found, value=found.value + 1), NOW)
    assert isinstance(outcome, Stored)
    return found.value


async def test_nobodys_increment_is_lost(store: Store) -> None:
    """All of one record, each sees another number: none waits for an outcome that was decided before it looked."""
    await store.write(partial(put, Plain(realm="acme", id="x"), NOW))
    seen = await asyncio.gather(*(store.write(partial(increment, "x")) for _ in range(PARALLEL)))
    assert sorted(seen) == list(range(PARALLEL))


async def test_two_that_look_at_each_others_record_do_not_both_leave(store: Store) -> None:
    """Write skew: of two on call, each may leave if the other stays."""

    def leave(me: str, other: str) -> Write[bool]:
        mine, others = (yield from get(Plain, "acme", me, NOW)), (yield from get(Plain, "acme", other, NOW))
        assert mine is not None
        assert others is not None
        if not others.value:
            return False
        yield from put(msgspec.structs.replace(mine, value=0), NOW)
        return True

    for number in range(20):
        for name in ("a", "b"):
            await store.write(partial(put, Plain(realm="acme", id=f"{name}{number}", value=1), NOW))
        left = await asyncio.gather(
            store.write(partial(leave, f"a{number}", f"b{number}")),
            store.write(partial(leave, f"b{number}", f"a{number}")),
        )
        assert sorted(left) == [False, True]


async def test_who_lists_a_kind_and_who_adds_to_it_do_not_miss_each_other(store: Store) -> None:
    """Phantoms: at most three may live in a town."""

    def settle(name: str) -> Write[bool]:
        there = yield from find(Person, "acme", NOW, index="town", value="york")
        if len(there) >= 3:
            return False
        yield from put(Person(realm="acme", id=name, name=name, town="york"), NOW)
        return True

    settled = await asyncio.gather(*(store.write(partial(settle, f"p{number}")) for number in range(PARALLEL)))
    assert sum(settled) == 3


async def test_sums_hold_in_a_crowd(store: Store) -> None:
    """Transfers between few accounts, some regretted at the end, some looking on: nobody ever sees another total."""
    chance = random.Random(7)
    for number in range(6):
        await store.write(partial(put, Plain(realm="acme", id=str(number), value=100), NOW))

    class Regret(Exception):
        pass

    def total() -> Write[int]:
        return sum(account.value for account in (yield from find(Plain, "acme", NOW)))

    def transfer(giver: str, taker: str, amount: int, *, regret: bool) -> Write[int]:
        for id, change in ((giver, -amount), (taker, amount)):
            account = yield from get(Plain, "acme", id, NOW)
            assert account is not None
            outcome = yield from put(msgspec.structs.replace(account, value=account.value + change), NOW)
            assert isinstance(outcome, Stored)
        if regret:
            raise Regret
        return 600

    for _ in range(6):
        jobs = []
        for number in range(PARALLEL):
            giver, taker = chance.sample("012345", 2)
            regret = chance.random() < 0.1
            jobs.append(
                partial(transfer, giver, taker, chance.randint(1, 9), regret=regret) if number % 4 else partial(total)
            )
        results = await asyncio.gather(*(store.write(job) for job in jobs), return_exceptions=True)
        assert {result for result in results if not isinstance(result, Regret)} == {600}
        assert await store.read(total()) == 600  # type: ignore[arg-type]  # it only looks


async def test_what_one_transaction_does_wrong_is_its_own(store: Store) -> None:
    """A key that is taken, found out by the database itself, fails its transaction and no other."""

    def offer_twice(key: str) -> Write[None]:
        yield from put(Plain(realm="acme", id=key), NOW)
        yield from offer("acme", "code", key, b"", LATER)

    await store.write(partial(offer, "acme", "code", "7", b"", LATER))
    results = await asyncio.gather(
        *(store.write(partial(offer_twice, str(number))) for number in range(PARALLEL)), return_exceptions=True
    )
    assert [type(result) for number, result in enumerate(results) if number != 7] == [type(None)] * (PARALLEL - 1)
    assert isinstance(results[7], VersionConflict)
    assert await store.read(get(Plain, "acme", "7", NOW)) is None
    assert await store.read(get(Plain, "acme", "8", NOW)) is not None


async def test_a_settings_change_in_the_crowd_is_seen_by_those_after_it(store: Store) -> None:
    """What processes keep in memory obeys the same order."""
    await store.write(partial(put, Setting(realm="acme", id="x"), NOW))

    def look() -> Write[int]:
        setting = yield from get(Setting, "acme", "x", NOW)
        assert setting is not None
        yield from emit_event("acme", "seen", str(setting.value).encode(), NOW, LATER)
        return setting.value

    def change() -> Write[int]:
        setting = yield from get(Setting, "acme", "x", NOW)
        assert setting is not None
        yield from put(msgspec.structs.replace(setting, value=setting.value + 1), NOW)
        yield from emit_event("acme", "seen", str(setting.value + 1).encode(), NOW, LATER)
        return setting.value + 1

    jobs = [store.write(change if number % 5 == 0 else look) for number in range(PARALLEL)]
    await asyncio.gather(*jobs)
    seen = [int(event.payload) for event in await store.read(read_outbox("seen"))]
    assert max(seen) == 10
    final = await store.read(get(Setting, "acme", "x", NOW))
    assert final is not None
    assert final.value == 10


@pytest.mark.parametrize("parallel", [64])
async def test_one_key_in_one_batch_is_redeemed_once(store: Store, parallel: int) -> None:
    """Exactly one of 64 that ask at once, and what it stores with it stands alone."""

    def spend(number: int) -> Write[bool]:
        if not isinstance((yield from redeem("acme", "code", "x", NOW)), Redeemed):
            return False
        yield from put(Plain(realm="acme", id=f"grant-{number}"), NOW)
        return True

    await store.write(partial(offer, "acme", "code", "x", b"", LATER))
    assert sum(await asyncio.gather(*(store.write(partial(spend, number)) for number in range(parallel)))) == 1
    assert len(await store.read(find(Plain, "acme", NOW))) == 1
    assert await store.read(peek("acme", "code", "x", NOW)) is not None
