"""Several processes on one database: every promise holds across them."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import pytest

from keystead.storage.ports import (
    Read,
    Redeemable,
    Replayed,
    StartFamily,
    Store,
    Stored,
    Write,
    find,
    look_at_family,
    offer,
    peek,
    put,
    read_outbox,
    remove,
    start_family,
)
from tests.contract.backends import BACKENDS, SHARED, location
from tests.contract.kinds import LATER, NOW, Person, Setting
from tests.contract.processes import KEYS, end, hear, race, start, tell

EVERY_KEY: Final = list(range(KEYS))

shared = pytest.mark.parametrize("backend", SHARED)


def prepare_keys() -> Write[None]:
    """Offer every key and start every family."""
    for key in EVERY_KEY:
        yield from offer("acme", "code", str(key), b"", LATER)
        yield from start_family(StartFamily("acme", str(key), "first", "b", LATER, NOW))


@shared
async def test_each_key_is_redeemed_once_by_four_processes(backend: str, tmp_path: Path) -> None:
    """3,200 redemptions of 100 keys: each key has one winner."""
    store = BACKENDS[backend](location(tmp_path))
    await store.write(prepare_keys)
    results = race("redeemer", backend, location(tmp_path))
    assert sorted(key for won in results for key in won) == EVERY_KEY
    for key in EVERY_KEY:
        assert isinstance(await store.read(peek("acme", "code", str(key), NOW)), Replayed)
    await store.close()


@shared
async def test_each_name_goes_to_one_of_four_processes(backend: str, tmp_path: Path) -> None:
    """A unique index is unique in the database, not in a process."""
    results = race("namer", backend, location(tmp_path))
    assert sorted(key for won in results for key in won) == EVERY_KEY
    store = BACKENDS[backend](location(tmp_path))
    assert sorted(int(person.name) for person in await store.read(find(Person, "acme", NOW))) == EVERY_KEY
    await store.close()


@shared
async def test_each_family_has_one_live_member_after_four_processes(backend: str, tmp_path: Path) -> None:
    """One rotates, the others replace; what lives is the successor of one of them, and no family forks."""
    store = BACKENDS[backend](location(tmp_path))
    await store.write(prepare_keys)
    results = race("rotator", backend, location(tmp_path))
    assert sorted(key for rotated, _ in results for key in rotated) == EVERY_KEY
    for key in EVERY_KEY:
        family = await store.read(look_at_family("acme", str(key), NOW))
        assert family is not None
        assert (family.generation, family.revoked) == (2, False)
        assert family.digest in {successors.get(str(key)) for _, successors in results}
    await store.close()


@shared
async def test_outbox_numbers_grow_in_commit_order_across_processes(backend: str, tmp_path: Path) -> None:
    """Who follows the outbox by its last number misses nothing and sees each writer's events in its order."""
    store = BACKENDS[backend](location(tmp_path))
    following = asyncio.create_task(follow(store, 4 * KEYS))
    await asyncio.to_thread(race, "emitter", backend, location(tmp_path))
    seen = await following
    assert len(seen) == len(set(seen)) == 4 * KEYS
    last: dict[str, int] = {}
    for payload in seen:
        writer, _, number = payload.rpartition(":")
        assert int(number) == last.get(writer, -1) + 1
        last[writer] = int(number)
    await store.close()


async def follow(store: Store, count: int) -> list[str]:
    """Read the outbox as it grows, never looking back."""
    position, seen = 0, list[str]()
    while len(seen) < count:
        await store.changed(position, 5)
        for event in await store.read(read_outbox(after=position)):
            assert event.sequence > position
            position = event.sequence
            seen.append(event.payload.decode())
    return seen


@shared
async def test_changed_hears_other_processes(backend: str, tmp_path: Path) -> None:
    """Within a poll or two, not only at the time-out."""
    store = BACKENDS[backend](location(tmp_path))
    other = start("crier", backend, location(tmp_path))
    delays: list[float] = []
    try:
        assert hear(other) == "ready"
        tell(other)
        for _ in range(5):
            before = await store.changed(0, 0)
            tell(other)
            assert await store.changed(before, 20) > before
            heard = time.monotonic()
            delays.append(heard - hear(other))
    finally:
        end(other)
    assert min(delays) < 5, "long before the time-out"
    await store.close()


@shared
async def test_what_a_process_keeps_in_memory_is_never_stale(backend: str, tmp_path: Path) -> None:
    """A read of another process, begun after a write was acknowledged here, sees it."""
    store = BACKENDS[backend](location(tmp_path))
    other = start("watcher", backend, location(tmp_path))
    try:
        assert hear(other) == "ready"
        tell(other)
        setting = Setting(realm="acme", id="x", group="g")
        for value in range(30):
            stored = await store.write(partial(put, msgspec.structs.replace(setting, value=value), NOW))
            assert isinstance(stored, Stored)
            setting = stored.record
            for _ in range(2):
                tell(other)
                assert hear(other) == [value, [value]]
        await store.write(partial(remove, Setting, "acme", "x"))
        tell(other)
        assert hear(other) == [None, []]
    finally:
        end(other)
    await store.close()


@shared
async def test_processes_that_open_a_new_database_together(backend: str, tmp_path: Path) -> None:
    """One makes it, the others wait; all of them work."""
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        assert race("opener", backend, location(folder), 6) == ["done"] * 6
        store = BACKENDS[backend](location(folder))
        for number in range(6):
            assert await store.read(peek("acme", "opened", str(number), NOW)) == Redeemable(b"")
        await store.close()


@shared
@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_killed_writers_lose_nothing_acknowledged(backend: str, tmp_path: Path, kills: int) -> None:
    """After kill -9 every acknowledged transaction is there, and no transaction is there by half."""
    acknowledged: list[str] = []
    for attempt in range(kills):
        process = start("writer", backend, location(tmp_path), str(attempt))
        try:
            assert hear(process) == "ready"
            tell(process)
            acknowledged += [hear(process) for _ in range(11)]
            await asyncio.sleep(0.05 + 0.01 * (attempt % 20))
            process.send_signal(signal.SIGKILL)
            assert process.stdout is not None
            lines = process.stdout.read().split("\n")
            acknowledged += [json.loads(line) for line in lines[:-1]]
        finally:
            end(process)
    assert len(acknowledged) > kills
    store = BACKENDS[backend](location(tmp_path))
    for first in range(0, len(acknowledged), 200):
        found = await asyncio.gather(*(store.read(both(key)) for key in acknowledged[first : first + 200]))
        assert all(pair == [Redeemable(b"")] * 2 for pair in found)
    for key in acknowledged:
        task, _, number = key.rpartition(":")
        left, right = await store.read(both(f"{task}:{int(number) + 1}"))
        assert left == right
    await store.close()


def both(key: str) -> Read[list[object]]:
    """Look at the two rows of a transaction."""
    left = yield from peek("acme", "left", key, NOW)
    right = yield from peek("acme", "right", key, NOW)
    return [left, right]
