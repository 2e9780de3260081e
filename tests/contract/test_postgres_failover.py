"""A primary and its synchronous standby: what was acknowledged is on both, and nothing else is acknowledged."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from functools import partial

import pytest

from keystead.core.errors import StorageUnavailable
from keystead.storage.ports import Redeemable, Store, get, offer, peek, put
from tests.contract.kinds import LATER, NOW, Setting
from tests.contract.wire import store_at
from tests.harness.postgres import PostgresServer

Pair = tuple[PostgresServer, PostgresServer]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two servers, of which the second follows the first, and the first waits for it at every commit."""
    primary, standby = PostgresServer(), PostgresServer()
    try:
        primary.make()
        primary.start()
        standby.make_standby_of(primary)
        standby.start()
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.sql("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 40
        while primary.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").strip() != "1":
            assert time.monotonic() < deadline, "the standby did not become synchronous"
            time.sleep(0.05)
        yield primary, standby
    finally:
        primary.remove()
        standby.remove()


def url_of(pair: Pair) -> str:
    """Return a URL that names both."""
    return f"postgresql://postgres@127.0.0.1:{pair[0].port},127.0.0.1:{pair[1].port}/postgres"


@pytest.mark.attack("F2")
async def test_a_failover_to_a_synchronous_standby_loses_nothing_acknowledged(pair: Pair) -> None:
    """The primary is killed under load and its standby promoted: the store finds it, with all that was told."""
    primary, standby = pair
    acknowledged: list[int] = []
    stopping = False

    async def write_on(store: Store, writer: int) -> None:
        for number in range(writer * 1_000_000, (writer + 1) * 1_000_000):
            if stopping:
                return
            try:
                await store.write(partial(offer, "acme", "code", str(number), b"", LATER))
            except StorageUnavailable:
                await asyncio.sleep(0.05)
            else:
                acknowledged.append(number)

    async with store_at(url_of(pair)) as store:
        await store.write(partial(put, Setting(realm="acme", id="x", value=1), NOW))
        assert await store.read(get(Setting, "acme", "x", NOW)) is not None
        writers = [asyncio.create_task(write_on(store, number)) for number in range(16)]
        while len(acknowledged) < 200:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(primary.kill)
        before = len(acknowledged)
        await asyncio.to_thread(standby.promote)
        while len(acknowledged) < before + 200:
            await asyncio.sleep(0.01)
        stopping = True
        await asyncio.gather(*writers)
        for number in acknowledged:
            assert await store.read(peek("acme", "code", str(number), NOW)) == Redeemable(b"")


async def test_a_commit_that_only_the_primary_has_is_not_acknowledged(pair: Pair) -> None:
    """The standby is frozen; somebody cancels the wait for it, and PostgreSQL then says COMMIT, with a warning."""
    primary, standby = pair
    assert standby.process is not None
    async with store_at(url_of(pair)) as store:
        await store.write(partial(put, Setting(realm="acme", id="x"), NOW))
        receivers = primary.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
        assert receivers.strip() == "1"
        frozen = standby.children()
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            writing = asyncio.create_task(store.write(partial(offer, "acme", "code", "x", b"", LATER)))
            text = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            while not writing.done():
                await asyncio.to_thread(primary.sql, text)
                await asyncio.sleep(0.02)
            with pytest.raises(StorageUnavailable, match="did not confirm"):
                await writing
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
