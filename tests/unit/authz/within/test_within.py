"""Tuples in the caller's transaction: committed with its rows or not at all, seen by everybody after, never before."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import asyncpg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from keystead.authz import (
    AuthorizationEngine,
    InvalidRelationship,
    Preconditions,
    WriteRefused,
    open,
    open_sync,
    table_definitions,
)
from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship
from tests.harness.postgres import schema_for
from tests.unit.authz.test_embedded import MODEL
from tests.unit.authz.within.libraries import (
    ASYNCHRONOUS,
    SYNCHRONOUS,
    backend_of,
    prepare,
    rows_and_tuples,
    transaction,
)

LIBRARIES: Final = (*SYNCHRONOUS, *ASYNCHRONOUS)


class TakenBack(Exception):
    """Rolls a transaction back."""


def database(backend: str, folder: Path) -> str:
    """Return a service's database with its own table and ours."""
    server = backend == "postgres"
    url = in_words_of_libpq(schema_for(str(folder))) if server else f"sqlite:///{folder}/shop.db"
    prepare(url)
    return url


def in_words_of_libpq(url: str) -> str:
    """Return a URL that says its schema as every library understands it."""
    return url.replace("?search_path=", "?options=-csearch_path%3D")


def engine_over(url: str) -> AuthorizationEngine:
    """Open an engine over the service's database."""
    return open(url, model=MODEL, tables="keystead_", maximum_lag=0)


async def write(engine: AuthorizationEngine, library: str, connection: Any, *arguments: Any, **more: Any) -> int:
    """Write through whichever kind of connection it is."""
    if library in ASYNCHRONOUS:
        return await engine.within_async(connection).write(*arguments, **more)
    return engine.within(connection).write(*arguments, **more)


async def read(engine: AuthorizationEngine, library: str, connection: Any) -> list[Relationship]:
    """Read likewise."""
    if library in ASYNCHRONOUS:
        return await engine.within_async(connection).read("order:")
    return engine.within(connection).read("order:")


async def take_back(engine: AuthorizationEngine, library: str, url: str) -> None:
    """Write a row and a tuple, take a tuple away, and roll back."""
    async with transaction(library, url) as (connection, add_row):
        await add_row("2")
        await write(engine, library, connection, ["order:2#owner@user:alice"], ["order:1#owner@user:alice"])
        raise TakenBack


@pytest.mark.parametrize("library", LIBRARIES)
async def test_committed_and_rolled_back_together(library: str, tmp_path: Path) -> None:
    """The engine sees a write after the commit and never before, in this process and in another's engine."""
    url = database(backend_of(library), tmp_path)
    async with engine_over(url) as engine, engine_over(url) as elsewhere:
        async with transaction(library, url) as (connection, add_row):
            await add_row("1")
            revision = await write(engine, library, connection, ["order:1#owner@user:alice"])
            assert [each.object for each in await read(engine, library, connection)] == ["order:1"]
            for each in (engine, elsewhere):
                assert not await each.check("user:alice", "viewer", "order:1")
        for each in (engine, elsewhere):
            assert await each.check("user:alice", "viewer", "order:1", at_least=revision)
        with pytest.raises(TakenBack):
            await take_back(engine, library, url)
        for each in (engine, elsewhere):
            assert await each.check("user:alice", "viewer", "order:1")
            assert not await each.check("user:alice", "viewer", "order:2")
        assert rows_and_tuples(url) == ({"1"}, {"1"})


@pytest.mark.parametrize("library", LIBRARIES)
async def test_a_refused_write_leaves_the_transaction_usable(library: str, tmp_path: Path) -> None:
    """A duplicate or a precondition refuses the tuples and nothing else; the caller decides about its rows."""
    url = database(backend_of(library), tmp_path)
    async with engine_over(url) as engine:
        async with transaction(library, url) as (connection, add_row):
            await write(engine, library, connection, ["order:1#owner@user:alice"])
            with pytest.raises(WriteRefused, match="duplicate"):
                await write(engine, library, connection, ["order:2#owner@user:bob", "order:1#owner@user:alice"])
            handover = Preconditions(must_not_exist=("order:1#owner@user:alice",))
            with pytest.raises(WriteRefused, match="must_not_exist"):
                await write(engine, library, connection, ["order:3#owner@user:bob"], preconditions=handover)
            with pytest.raises(InvalidRelationship, match="no `seller`"):
                await write(engine, library, connection, ["order:3#seller@user:bob"])
            await add_row("1")
        assert rows_and_tuples(url) == ({"1"}, {"1"})


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
async def test_the_engine_over_a_services_tables_does_all_an_engine_does(backend: str, tmp_path: Path) -> None:
    """Own writes, reading, watching, expiry and sweeping."""
    url = database(backend, tmp_path)
    now = [1_000.0]
    async with open(url, model=MODEL, tables="keystead_", maximum_lag=0, clock=lambda: now[0]) as engine:
        brief = Relationship("order:1", "owner", "user:alice", expires_at=EpochSeconds(1_010))
        assert await engine.write([brief, "order:2#owner@user:alice"]) == 2
        assert await engine.list_objects("order", "viewer", "user:alice") == ["order:1", "order:2"]
        now[0] = 1_010
        assert await engine.list_objects("order", "viewer", "user:alice") == ["order:2"]
        assert [await engine.sweep(), await engine.sweep()] == [1, 0]
        changes = [change async for change in engine.watch(0, idle=0)]
        assert [change.operation for change in changes] == ["write", "write", "delete"]
        assert [each.object for each in await engine.read()] == ["order:2"]
        with pytest.raises(WriteRefused):
            await engine.write(["order:2#owner@user:alice"])
        assert await engine.check("user:alice", "viewer", "order:2")


def test_the_blocking_engine_writes_within_too(tmp_path: Path) -> None:
    url = database("sqlite", tmp_path)
    with open_sync(url, model=MODEL, tables="keystead_") as engine:
        for number in range(3):
            with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
                revision = engine.within(connection).write([f"order:{number}#owner@user:alice"])
                assert not engine.check("user:alice", "viewer", f"order:{number}")
            assert engine.check("user:alice", "viewer", f"order:{number}", at_least=revision)
        assert engine.sweep() == 0


@pytest.mark.parametrize("library", ["asyncpg", "sqlalchemy async session, asyncpg", "psycopg async"])
async def test_overlapping_transactions_get_numbers_in_the_order_they_commit(library: str, tmp_path: Path) -> None:
    """Who writes second waits for who wrote first; nobody that follows the feed misses the one that came late."""
    url = database("postgres", tmp_path)
    async with engine_over(url) as engine, engine_over(url) as follower:
        assert not await follower.check("user:alice", "viewer", "order:0")

        async def one(number: int) -> int:
            async with transaction(library, url) as (connection, add_row):
                await add_row(str(number))
                revision = await write(engine, library, connection, [f"order:{number}#owner@user:alice"])
                await asyncio.sleep(0.01 * (number % 3))
            assert await follower.check("user:alice", "viewer", f"order:{number}", at_least=revision)
            return revision

        revisions = await asyncio.gather(*(one(number) for number in range(12)))
        assert sorted(revisions) == list(range(1, 13))
        assert len(await follower.list_objects("order", "viewer", "user:alice")) == 12


async def test_two_who_write_the_same_tuple_are_told_apart(tmp_path: Path) -> None:
    """One writes it, the other hears that it is there, and its transaction is still good for something else."""
    url = database("postgres", tmp_path)
    async with engine_over(url) as engine:

        async def one(number: int) -> bool:
            async with transaction("asyncpg", url) as (connection, add_row):
                await add_row(str(number))
                try:
                    await write(engine, "asyncpg", connection, ["order:1#owner@user:alice"])
                except WriteRefused:
                    return False
                return True

        assert sorted(await asyncio.gather(*(one(number) for number in range(8)))) == [False] * 7 + [True]
        assert len(rows_and_tuples(url)[0]) == 8


async def test_no_open_transaction_is_refused(tmp_path: Path) -> None:
    """Whoever commits each statement by itself would commit rows and tuples apart."""
    (tmp_path / "file").mkdir()
    file, server = database("sqlite", tmp_path / "file"), database("postgres", tmp_path)
    async with engine_over(file) as engine:
        alone = sqlite3.connect(tmp_path / "file" / "shop.db", isolation_level=None)
        with closing(alone), pytest.raises(ConfigurationError, match="begin one first"):
            engine.within(alone).write(["order:1#owner@user:alice"])
        autocommit = sqlalchemy.create_engine(file, isolation_level="AUTOCOMMIT")
        with autocommit.connect() as alone_too, pytest.raises(ConfigurationError, match="without AUTOCOMMIT"):
            engine.within(alone_too).write(["order:1#owner@user:alice"])
        autocommit.dispose()
        for stranger in (object(), "connection", None):
            with pytest.raises(ConfigurationError, match="is no connection of sqlite3, psycopg"):
                engine.within(stranger).write(["order:1#owner@user:alice"])
    async with engine_over(server) as engine:
        there = psycopg.connect(server, autocommit=True)
        with there, pytest.raises(ConfigurationError, match="begin one first"):
            engine.within(there).write(["order:1#owner@user:alice"])
        connection = await asyncpg.connect(server)
        with pytest.raises(ConfigurationError, match="begin one first"):
            await engine.within_async(connection).write(["order:1#owner@user:alice"])
        await connection.close()
        for driver in ("psycopg", "asyncpg"):
            address = server.replace("postgresql:", f"postgresql+{driver}:")
            if driver == "psycopg":
                apart = sqlalchemy.create_engine(address, isolation_level="AUTOCOMMIT")
                with apart.connect() as alone_too, pytest.raises(ConfigurationError, match="without AUTOCOMMIT"):
                    engine.within(alone_too).write(["order:1#owner@user:alice"])
                apart.dispose()
            else:
                later = create_async_engine(address.partition("?")[0], isolation_level="AUTOCOMMIT")
                async with later.connect() as alone_later:
                    with pytest.raises(ConfigurationError, match="without AUTOCOMMIT"):
                        await engine.within_async(alone_later).write(["order:1#owner@user:alice"])
                await later.dispose()
        with pytest.raises(ConfigurationError, match="is no connection of asyncpg"):
            await engine.within_async(object()).write(["order:1#owner@user:alice"])


async def test_what_is_missing_is_said(tmp_path: Path) -> None:
    """No tables, no file, no such dialect, no such prefix; an engine with a database of its own."""
    url = f"sqlite:///{tmp_path}/shop.db"
    with pytest.raises(ConfigurationError, match="there is no such database"):
        engine_over(url)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as file:
        file.execute("CREATE TABLE orders (id TEXT)")
        file.commit()
    with pytest.raises(ConfigurationError, match="no table keystead_relationships"):
        engine_over(url)
    async with engine_over(schema_for(str(tmp_path))) as engine:
        with pytest.raises(ConfigurationError, match="no table keystead_relationships"):
            await engine.check("user:alice", "viewer", "order:1")
    with pytest.raises(ConfigurationError, match="`mysql`"):
        table_definitions("mysql")
    for prefix in ("Keystead_", 'x"; --', "1_", "x" * 40):
        with pytest.raises(ConfigurationError, match="cannot begin the names of tables"):
            table_definitions("sqlite", prefix)
    async with open("memory://", model=MODEL) as engine:
        with pytest.raises(ConfigurationError, match="tables='keystead_'"):
            engine.within(None)


WRITER: Final = """
    import asyncio, sqlite3, sys
    from keystead.authz import open_sync
    url, model = sys.argv[1:3]
    engine = open_sync(url, model=model, tables="keystead_")
    number = 0
    def connect():
        if url.startswith("sqlite"):
            return sqlite3.connect(url.removeprefix("sqlite:///"))
        import psycopg
        return psycopg.connect(url)
    connection = connect()
    while True:
        number += 1
        connection.execute(f"INSERT INTO orders (id) VALUES ('{number}')")
        engine.within(connection).write([f"order:{number}#owner@user:alice"])
        connection.commit()
        print(number, flush=True)
"""


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
async def test_kill_9_leaves_both_or_neither(backend: str, tmp_path: Path) -> None:
    """Whatever moment a service dies at, each row has its tuple and each tuple its row."""
    url = database(backend, tmp_path)
    script = textwrap.dedent(WRITER).replace("number = 0", "number = int(sys.argv[3])", 1)
    acknowledged = 0
    async with engine_over(url) as engine:
        for turn in range(3):
            writer = subprocess.Popen(
                [sys.executable, "-c", script, url, MODEL, str(turn * 1_000_000)], stdout=subprocess.PIPE, text=True
            )
            assert writer.stdout is not None
            for _ in range(7 + turn * 5):
                acknowledged = int(writer.stdout.readline())
            assert await engine.check("user:alice", "viewer", f"order:{acknowledged}")
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
            writer.stdout.close()
            rows, tuples = rows_and_tuples(url)
            assert rows == tuples
            assert str(acknowledged) in rows
            objects = await engine.list_objects("order", "viewer", "user:alice")
            assert {object.removeprefix("order:") for object in objects} == rows


DJANGO: Final = """
    import sys, django
    from django.conf import settings
    engine_name, name, host, port, user, options = sys.argv[3:9]
    settings.configure(DATABASES={"default": {"ENGINE": engine_name, "NAME": name, "HOST": host, "PORT": port,
        "USER": user, "OPTIONS": {"options": options} if options else {}}}, USE_TZ=True)
    django.setup()
    from django.db import connection, transaction
    from keystead.authz import open_sync
    from keystead.core.errors import ConfigurationError
    with open_sync(sys.argv[1], model=sys.argv[2], tables="keystead_", maximum_lag=0) as engine:
        try:
            engine.within(connection).write(["order:0#owner@user:alice"])
        except ConfigurationError as error:
            print("refused" if "atomic" in str(error) else error)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO orders (id) VALUES ('1')")
            revision = engine.within(connection).write(["order:1#owner@user:alice"])
            print(bool(engine.check("user:alice", "viewer", "order:1")))
            print(len(engine.within(connection).read("order:")))
        print(bool(engine.check("user:alice", "viewer", "order:1", at_least=revision)))
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("INSERT INTO orders (id) VALUES ('2')")
                engine.within(connection).write(["order:2#owner@user:alice"])
                raise KeyError
        except KeyError:
            print(bool(engine.check("user:alice", "viewer", "order:2")))
    connection.close()
"""


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_django(backend: str, tmp_path: Path) -> None:
    """Inside `transaction.atomic()`, in a process of its own, since Django's settings are global."""
    url = database(backend, tmp_path)
    if backend == "sqlite":
        where = ["django.db.backends.sqlite3", str(tmp_path / "shop.db"), "", "", "", ""]
    else:
        parts = psycopg.conninfo.conninfo_to_dict(url)
        named = [str(parts.get(name) or "") for name in ("dbname", "host", "port", "user", "options")]
        where = ["django.db.backends.postgresql", *named]
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(DJANGO), url, MODEL, *where]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["refused", "False", "1", "True", "False"], done.stderr
    assert rows_and_tuples(url) == ({"1"}, {"1"})
