"""SQLite when things go wrong: full disks, locks, and what durability rests on."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from keystead.core.errors import StorageUnavailable
from keystead.storage.ports import (
    Read,
    Redeemable,
    Redeemed,
    Write,
    claim,
    get,
    offer,
    peek,
    put,
    redeem,
)
from keystead.storage.sqlite import SqliteStore, open_store
from tests.contract.kinds import LATER, NOW, Plain, Setting
from tests.contract.processes import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the database is."""
    return tmp_path / "keystead.db"


@pytest.fixture
async def sqlite(path: Path) -> AsyncIterator[SqliteStore]:
    """A store that waits 0.3 s for locks."""
    opened = open_store(str(path), lock_seconds=0.3)
    yield opened
    await opened.close()


FILLER = """
import asyncio, json, resource, sys
from functools import partial
from keystead.core.errors import StorageUnavailable
from keystead.storage.ports import offer, peek
from keystead.storage.sqlite import open_store

async def main(path):
    store = open_store(path)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    acknowledged, refused = [], []

    async def write(key):
        try:
            await store.write(partial(offer, "acme", "code", key, b"x" * 2000, 10**10))
            acknowledged.append(key)
        except StorageUnavailable as error:
            assert "nothing was written" in str(error), error
            refused.append(key)

    for round in range(40):
        await asyncio.gather(*(write(f"{round}:{number}") for number in range(16)))
    readable = await store.read(peek("acme", "code", acknowledged[0], 1)) is not None
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    before = len(refused)
    await asyncio.gather(*(write(f"late:{number}") for number in range(16)))
    print(json.dumps([acknowledged, refused, readable, len(refused) - before]))
    await store.close()

asyncio.run(main(sys.argv[1]))
"""


async def test_a_full_disk_acknowledges_nothing_and_recovers(path: Path) -> None:
    """Every refused write left no trace, every acknowledged one is there; with room again it goes on by itself."""
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", FILLER, str(path)], capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr
    acknowledged, refused, readable, refused_late = json.loads(run.stdout)
    assert acknowledged
    assert refused
    assert readable
    assert refused_late == 0
    store = open_store(str(path))
    for key in acknowledged:
        assert await store.read(peek("acme", "code", key, NOW)) is not None
    for key in refused:
        assert await store.read(peek("acme", "code", key, NOW)) is None
    await store.close()


async def test_a_lock_held_too_long(sqlite: SqliteStore, path: Path) -> None:
    """Writes fail after their patience, reads go on, and both work when the lock is gone."""
    await sqlite.write(partial(offer, "acme", "code", "k", b"", LATER))
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    attempts = [asyncio.create_task(sqlite.write(partial(redeem, "acme", "code", "k", NOW))) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert await sqlite.read(peek("acme", "code", "k", NOW)) == Redeemable(b"")
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert all(isinstance(result, StorageUnavailable) and "locked" in str(result) for result in results)
    raw.execute("COMMIT")
    raw.close()
    assert await sqlite.write(partial(redeem, "acme", "code", "k", NOW)) == Redeemed(b"")


async def test_a_short_lock_is_waited_for(path: Path) -> None:
    """Another process's transaction only delays."""
    sqlite = open_store(str(path))
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    attempt = asyncio.create_task(sqlite.write(partial(offer, "acme", "code", "k", b"", LATER)))
    await asyncio.sleep(0.1)
    assert not attempt.done()
    raw.execute("COMMIT")
    raw.close()
    await attempt
    await sqlite.close()


async def test_a_value_sqlite_cannot_hold_harms_only_its_own_transaction(sqlite: SqliteStore) -> None:
    """A number beyond 64 bits, half a surrogate: the neighbours in the batch are written."""
    results = await asyncio.gather(
        sqlite.write(partial(offer, "acme", "code", "before", b"", LATER)),
        sqlite.write(partial(claim, "acme", "jti", "j", 2**70, NOW)),  # type: ignore[arg-type]
        sqlite.write(partial(redeem, "acme", "code", "\ud800", NOW)),
        sqlite.write(partial(offer, "acme", "code", "after", b"", LATER)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), OverflowError, UnicodeEncodeError, type(None)]
    for key in ("before", "after"):
        assert await sqlite.read(peek("acme", "code", key, NOW)) == Redeemable(b"")


async def test_a_read_transaction_sees_one_snapshot(sqlite: SqliteStore, path: Path) -> None:
    """What others commit while it runs is for the next one; and nothing is held when it ends, well or badly."""
    await sqlite.write(partial(put, Setting(realm="acme", id="x", value=1), NOW))
    await sqlite.write(partial(offer, "acme", "code", "k", b"old", LATER))
    raw = sqlite3.connect(path, isolation_level=None)

    def look(error: Exception | None = None) -> Read[list[Any]]:
        first = yield from get(Plain, "acme", "unknown", NOW)
        raw.execute("UPDATE one_time SET payload = x'00'")
        raw.execute("UPDATE records SET document = ?", (b'{"realm":"acme","id":"x","version":1,"value":2}',))
        raw.execute("UPDATE cache_revision SET revision = revision + 1")
        if error:
            raise error
        setting = yield from get(Setting, "acme", "x", NOW)
        code = yield from peek("acme", "code", "k", NOW)
        return [first, setting and setting.value, code]

    assert await sqlite.read(look()) == [None, 1, Redeemable(b"old")]
    assert raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    with pytest.raises(LookupError):
        await sqlite.read(look(LookupError()))
    assert raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    setting = await sqlite.read(get(Setting, "acme", "x", NOW))
    assert setting is not None
    assert setting.value == 2
    raw.close()


async def test_a_held_snapshot_ends_with_release_a_write_or_the_next_hold(sqlite: SqliteStore, path: Path) -> None:
    """What others commit shows only after; and nothing of it stays behind that would keep the log from its end."""
    raw = sqlite3.connect(path, isolation_level=None)

    async def value() -> int:
        setting = await sqlite.read(get(Setting, "acme", "x", NOW))
        return -1 if setting is None else setting.value

    def others_write(number: int) -> None:
        document = b'{"realm":"acme","id":"x","version":1,"value":%d}' % number
        raw.execute("UPDATE records SET document = ?", (document,))
        raw.execute("UPDATE cache_revision SET revision = revision + 1")

    await sqlite.write(partial(put, Setting(realm="acme", id="x", value=1), NOW))
    code = partial(offer, "acme", "code", "k", b"", LATER)
    ends: tuple[Callable[[], Any], ...] = (sqlite.release, sqlite.hold, partial(sqlite.write, code))
    for number, end in enumerate(ends, start=2):
        sqlite.hold()
        assert await value() == number - 1
        others_write(number)
        assert await value() == number - 1
        ended = end()
        if ended is not None:
            await ended
        assert await value() == number
        sqlite.release()
    others_write(9)
    assert await value() == 9
    assert raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    raw.close()


async def test_concurrent_writes_share_a_commit(sqlite: SqliteStore, path: Path) -> None:
    """64 transactions that wait together take one or two commits, counted in the log."""
    before = commits(path)
    await asyncio.gather(*(sqlite.write(partial(offer, "acme", "code", str(n), b"", LATER)) for n in range(64)))
    assert 1 <= commits(path) - before <= 3


def commits(path: Path) -> int:
    """Count commit frames in the write-ahead log: those that carry the size of the database."""
    log = path.with_name(path.name + "-wal").read_bytes()
    page = struct.unpack(">I", log[8:12])[0]
    salt = log[16:24]
    frames = (log[at : at + 24] for at in range(32, len(log), page + 24))
    return sum(1 for frame in frames if frame[8:16] == salt and struct.unpack(">I", frame[4:8])[0])


async def test_a_commit_is_on_the_disk_before_it_is_answered(sqlite: SqliteStore) -> None:
    """WAL and synchronous=FULL, on the connection that writes: NORMAL would lose the last commits in a power cut."""
    connection = sqlite._writer._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


async def test_a_long_transaction_of_many_writes(sqlite: SqliteStore) -> None:
    """Ten thousand rows in one transaction."""

    def fill() -> Write[None]:
        for number in range(10_000):
            yield from offer("acme", "code", str(number), b"", LATER)

    await sqlite.write(fill)
    assert await sqlite.read(peek("acme", "code", "9999", NOW)) == Redeemable(b"")


def test_a_store_outlives_an_event_loop(path: Path) -> None:
    """Opened before any loop, used from one after the other."""
    store = open_store(str(path))
    asyncio.run(store.write(partial(offer, "acme", "code", "k", b"", LATER)))
    assert asyncio.run(store.read(peek("acme", "code", "k", NOW))) == Redeemable(b"")

    async def leave_a_write_behind() -> None:
        for number in range(100):
            task = asyncio.create_task(store.write(partial(offer, "acme", "code", str(number), b"", LATER)))
            await asyncio.sleep(0.0001)
            task.cancel()

    asyncio.run(leave_a_write_behind())
    assert asyncio.run(store.write(partial(redeem, "acme", "code", "k", NOW))) == Redeemed(b"")
    asyncio.run(store.close())


async def test_a_store_refuses_a_second_running_loop(sqlite: SqliteStore) -> None:
    """One loop at a time: two would tear each other's transactions."""
    await sqlite.write(partial(offer, "acme", "code", "k", b"", LATER))

    def elsewhere() -> None:
        asyncio.run(sqlite.write(partial(redeem, "acme", "code", "k", NOW)))

    with pytest.raises(RuntimeError, match="one event loop"):
        await asyncio.to_thread(elsewhere)
