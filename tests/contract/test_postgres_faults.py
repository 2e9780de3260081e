"""PostgreSQL when things go wrong: killed servers, lost replies, frozen peers, standbys, locks nobody lets go of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from keystead.core.errors import ConfigurationError, StorageUnavailable
from keystead.storage.ports import Redeemable, Redeemed, Replayed, Store, Write, get, offer, peek, put, redeem
from tests.contract.backends import BACKENDS, location
from tests.contract.kinds import LATER, NOW, Plain, Setting
from tests.contract.wire import WRITE, Wire, store_at
from tests.harness.postgres import PostgresServer, schema_for


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own, which writes through to the disk."""
    made = PostgresServer()
    made.make()
    made.start()
    yield made
    made.remove()


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[Store]:
    """A store in the shared server."""
    opened = BACKENDS["postgres"](location(tmp_path))
    yield opened
    await opened.close()


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    """A proxy in front of the shared server."""
    made = Wire(schema_for(location(tmp_path)))
    yield made
    await made.close()


@pytest.mark.attack("F5")
async def test_a_lost_confirmation_is_no_success_and_is_not_tried_again(postgres: Store, wire: Wire) -> None:
    """The write is there, and nobody was told that it succeeded: the code is spent, and nothing was given for it."""
    await postgres.write(partial(offer, "acme", "code", "x", b"", LATER))
    async with store_at(await wire.open()) as store:
        await store.read(peek("acme", "code", "x", NOW))
        wire.lose_reply = True
        with pytest.raises(StorageUnavailable, match="did not confirm"):
            await store.write(partial(redeem, "acme", "code", "x", NOW))
        assert wire.commits == 1
    assert isinstance(await postgres.write(partial(redeem, "acme", "code", "x", NOW)), Replayed)


@pytest.mark.attack("F5")
async def test_a_lost_commit_is_no_success_either(postgres: Store, wire: Wire) -> None:
    """Nothing was written, and the code is still good for one redemption."""
    await postgres.write(partial(offer, "acme", "code", "x", b"", LATER))
    async with store_at(await wire.open()) as store:
        await store.read(peek("acme", "code", "x", NOW))
        wire.lose_commit = True
        with pytest.raises(StorageUnavailable, match="did not confirm"):
            await store.write(partial(redeem, "acme", "code", "x", NOW))
    assert isinstance(await postgres.write(partial(redeem, "acme", "code", "x", NOW)), Redeemed)


async def test_what_is_lost_before_the_commit_is_carried_out_again(postgres: Store, wire: Wire) -> None:
    """Once, by a new connection, unseen by the caller."""
    async with store_at(await wire.open()) as store:
        await store.write(partial(offer, "acme", "code", "x", b"", LATER))
        wire.cut_at = WRITE
        assert isinstance(await store.write(partial(redeem, "acme", "code", "x", NOW)), Redeemed)
    assert isinstance(await postgres.write(partial(redeem, "acme", "code", "x", NOW)), Replayed)


async def test_a_frozen_server_hangs_nobody(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads and writes fail when a round trip takes too long, and work again when the server does."""
    monkeypatch.setattr("keystead.storage.postgres.link.ROUND_TRIP_SECONDS", 2.0)
    monkeypatch.setattr("keystead.storage.postgres.connecting.CONNECT_SECONDS", 2.0)
    async with store_at(await wire.open()) as store:
        await store.write(partial(offer, "acme", "code", "x", b"", LATER))
        wire.frozen = True
        outcomes = await asyncio.wait_for(
            asyncio.gather(
                store.read(peek("acme", "code", "x", NOW)),
                store.write(partial(redeem, "acme", "code", "x", NOW)),
                return_exceptions=True,
            ),
            30,
        )
        assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 2
        wire.frozen = False
        assert await store.read(peek("acme", "code", "x", NOW)) == Redeemable(b"")


async def test_a_server_that_hung_up_while_nobody_asked_is_not_noticed(server: PostgresServer) -> None:
    """An idle connection that the server closed is replaced before anybody is answered."""
    async with store_at(server.url) as store:
        await store.write(partial(put, Setting(realm="acme", id="idle"), NOW))
        await store.read(get(Setting, "acme", "idle", NOW))
        for _ in range(3):
            text = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'keystead'"
            await asyncio.to_thread(server.sql, text)
            assert await store.read(get(Setting, "acme", "idle", NOW)) is not None
            await store.write(partial(offer, "acme", "idle", "x", b"", LATER))
            assert isinstance(await store.write(partial(redeem, "acme", "idle", "x", NOW)), Redeemed)
            await store.sweep(LATER)


@pytest.mark.attack("F5")
@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_a_killed_server_loses_nothing_acknowledged(server: PostgresServer, kills: int) -> None:
    """kill -9 of all its processes under load; who was told of success finds it, everybody else was told."""
    acknowledged: list[str] = []
    refused = 0
    stopping = False

    def pair(key: str) -> Write[None]:
        yield from offer("acme", "left", key, b"", LATER)
        yield from offer("acme", "right", key, b"", LATER)

    async def write_on(store: Store, writer: int) -> None:
        nonlocal refused
        number = 0
        while not stopping:
            key = f"{kills}:{writer}:{number}"
            number += 1
            try:
                await store.write(partial(pair, key))
            except StorageUnavailable:
                refused += 1
                await asyncio.sleep(0.02)
            else:
                acknowledged.append(key)

    async with store_at(server.url) as here, store_at(server.url) as there:
        await here.read(peek("acme", "left", "x", NOW))
        writers = [asyncio.create_task(write_on((here, there)[number % 2], number)) for number in range(24)]
        for _ in range(kills):
            await asyncio.sleep(0.3)
            before = len(acknowledged)
            await asyncio.to_thread(server.kill)
            await server.start_in_background()
            while len(acknowledged) == before:
                await asyncio.sleep(0.01)
        stopping = True
        await asyncio.gather(*writers)
        assert refused
        for key in acknowledged:
            assert await here.read(peek("acme", "left", key, NOW)) == Redeemable(b"")
            assert await there.read(peek("acme", "right", key, NOW)) == Redeemable(b"")


async def test_while_it_is_gone_everybody_is_told_and_nobody_waits(server: PostgresServer) -> None:
    """At once, with a remedy in sight and no password; and everything works again by itself."""
    secret = "a-password-nobody-may-see"
    async with store_at(server.url.replace("postgres@", f"postgres:{secret}@")) as store:
        await store.write(partial(put, Plain(realm="acme", id="x"), NOW))
        await asyncio.to_thread(server.stop)
        try:
            for _ in range(3):
                with pytest.raises(StorageUnavailable) as reading:
                    await asyncio.wait_for(store.read(get(Plain, "acme", "x", NOW)), 30)
                with pytest.raises(StorageUnavailable) as writing:
                    await asyncio.wait_for(store.write(partial(put, Plain(realm="acme", id="y"), NOW)), 30)
                with pytest.raises(StorageUnavailable):
                    await asyncio.wait_for(store.changed(0, 20), 30)
                assert secret not in f"{reading.value!r}{writing.value!r}"
        finally:
            await server.start_in_background()
        assert await store.read(get(Plain, "acme", "x", NOW)) is not None
        assert await store.read(get(Plain, "acme", "y", NOW)) is None


async def test_a_lock_that_is_not_let_go_of_is_not_waited_for_long(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another node stalls in its transaction: writers are told, readers notice nothing."""
    from keystead.storage.postgres import connecting, schema

    monkeypatch.setattr(connecting, "SESSION", connecting.SESSION.replace("lock_timeout = '5s'", "lock_timeout = 200"))
    async with store_at(server.url) as stalled, store_at(server.url) as store:
        await store.write(partial(put, Plain(realm="acme", id="z"), NOW))
        link = await stalled._writer._connector.connect()  # type: ignore[attr-defined]  # a node that does not go on
        await link.script(schema.BEGIN)
        with pytest.raises(StorageUnavailable, match="nothing was written"):
            await store.write(partial(put, Plain(realm="acme", id="z2"), NOW))
        assert await store.read(get(Plain, "acme", "z", NOW)) is not None
        await link.close()
        await store.write(partial(put, Plain(realm="acme", id="z2"), NOW))


async def test_a_server_that_only_reads_is_no_database(server: PostgresServer) -> None:
    """A standby, or one that was set so, is refused before anything is read from it."""
    async with store_at(f"{server.url}?default_transaction_read_only=on") as store:
        with pytest.raises(StorageUnavailable, match="only reads"):
            await store.read(get(Plain, "acme", "x", NOW))


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (("/postgres", "/nowhere"), "create the role and the database"),
        (("/postgres", "/postgres?search_path=nowhere"), "create it"),
        (("/postgres", "/latin"), "UTF8"),
    ],
)
async def test_a_database_that_is_not_fit_is_refused_with_a_remedy(
    server: PostgresServer, change: tuple[str, str], remedy: str
) -> None:
    if "latin" in change[1]:
        server.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    async with store_at(server.url.removesuffix("/postgres") + change[1]) as store:
        with pytest.raises(ConfigurationError, match=remedy):
            await store.read(get(Plain, "acme", "x", NOW))


async def test_a_schema_of_another_program_is_left_alone(server: PostgresServer) -> None:
    server.sql("CREATE SCHEMA theirs; CREATE TABLE theirs.records (what TEXT)")
    async with store_at(f"{server.url}?search_path=theirs") as store:
        with pytest.raises(ConfigurationError, match="another program"):
            await store.read(get(Plain, "acme", "x", NOW))
    assert server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'theirs'").strip() == "1"


async def test_a_newer_database_is_refused(server: PostgresServer) -> None:
    server.sql("CREATE SCHEMA newer")
    async with store_at(f"{server.url}?search_path=newer") as store:
        await store.read(get(Plain, "acme", "x", NOW))
    server.sql("INSERT INTO newer.migrations (number, name, checksum) VALUES (9999, '9999_from_tomorrow', '')")
    async with store_at(f"{server.url}?search_path=newer") as store:
        with pytest.raises(ConfigurationError, match="newer Keystead"):
            await store.read(get(Plain, "acme", "x", NOW))
