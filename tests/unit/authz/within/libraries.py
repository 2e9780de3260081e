"""The libraries a service may reach its database with: for each, a transaction that writes a row and lends itself.

Shape: `with library(url) as (connection, add_row)`: committed at the end, rolled back when the block raises.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from typing import Any, Final

import asyncpg
import psycopg
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from keystead.authz import table_definitions

ROWS: Final = "CREATE TABLE orders (id TEXT PRIMARY KEY)"
INSERT: Final = "INSERT INTO orders (id) VALUES ('{}')"

AddRow = Callable[[str], Awaitable[object]]
Transaction = AbstractAsyncContextManager[tuple[Any, AddRow]]


def prepare(url: str) -> None:
    """Make the service's table and ours."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file, file:
            for text in (ROWS, *table_definitions("sqlite")):
                file.execute(text)
    else:
        with psycopg.connect(url) as server:
            for text in (ROWS, *table_definitions("postgresql")):
                server.execute(text)


def rows_and_tuples(url: str) -> tuple[set[str], set[str]]:
    """Return the ids of the rows, and of the objects that have tuples, as anybody may see them."""
    texts = ("SELECT id FROM orders", "SELECT object FROM keystead_relationships")
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            found = [[row[0] for row in file.execute(text)] for text in texts]
    else:
        with psycopg.connect(url) as server:
            found = [[row[0] for row in server.execute(text)] for text in texts]
    return set(found[0]), {object.removeprefix("order:") for object in found[1]}


def _awaited(work: Callable[[str], object]) -> AddRow:
    async def add(id: str) -> object:
        return work(INSERT.format(id))

    return add


def _asynchronous(work: Callable[[str], Awaitable[object]]) -> AddRow:
    async def add(id: str) -> object:
        return await work(INSERT.format(id))

    return add


@contextmanager
def _sqlite3(url: str) -> Iterator[tuple[Any, AddRow]]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        yield connection, _awaited(connection.execute)


@contextmanager
def _sqlite3_by_hand(url: str) -> Iterator[tuple[Any, AddRow]]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        try:
            yield connection, _awaited(connection.execute)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


@contextmanager
def _psycopg(url: str) -> Iterator[tuple[Any, AddRow]]:
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        yield connection, _awaited(connection.execute)


@contextmanager
def _psycopg_autocommit(url: str) -> Iterator[tuple[Any, AddRow]]:
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction():
        yield connection, _awaited(connection.execute)


@contextmanager
def _sqlalchemy_connection(url: str) -> Iterator[tuple[Any, AddRow]]:
    engine = sqlalchemy.create_engine(_dialect(url, "psycopg"))
    try:
        with engine.begin() as connection:
            yield connection, _awaited(lambda text: connection.execute(sqlalchemy.text(text)))
    finally:
        engine.dispose()


@contextmanager
def _sqlalchemy_session(url: str) -> Iterator[tuple[Any, AddRow]]:
    engine = sqlalchemy.create_engine(_dialect(url, "psycopg"))
    try:
        with Session(engine) as session, session.begin():
            yield session, _awaited(lambda text: session.execute(sqlalchemy.text(text)))
    finally:
        engine.dispose()


@asynccontextmanager
async def _asyncpg(url: str) -> AsyncIterator[tuple[Any, AddRow]]:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            yield connection, _asynchronous(connection.execute)
    finally:
        await connection.close()


@asynccontextmanager
async def _asyncpg_pool(url: str) -> AsyncIterator[tuple[Any, AddRow]]:
    pool = asyncpg.create_pool(url, min_size=1, max_size=1)
    async with pool, pool.acquire() as connection, connection.transaction():
        yield connection, _asynchronous(connection.execute)


@asynccontextmanager
async def _psycopg_async(url: str) -> AsyncIterator[tuple[Any, AddRow]]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        yield connection, _asynchronous(connection.execute)


@asynccontextmanager
async def _sqlalchemy_async_connection(url: str) -> AsyncIterator[tuple[Any, AddRow]]:
    engine = create_async_engine(_dialect(url, "asyncpg"), connect_args=_schema(url))
    try:
        async with engine.begin() as connection:
            yield connection, _asynchronous(lambda text: connection.execute(sqlalchemy.text(text)))
    finally:
        await engine.dispose()


@asynccontextmanager
async def _sqlalchemy_async_session(url: str) -> AsyncIterator[tuple[Any, AddRow]]:
    engine = create_async_engine(_dialect(url, "asyncpg"), connect_args=_schema(url))
    try:
        async with AsyncSession(engine) as session, session.begin():
            yield session, _asynchronous(lambda text: session.execute(sqlalchemy.text(text)))
    finally:
        await engine.dispose()


def _dialect(url: str, driver: str) -> str:
    if url.startswith("sqlite"):
        return url
    address = url if driver == "psycopg" else url.partition("?")[0]
    return address.replace("postgresql://", f"postgresql+{driver}://")


def _schema(url: str) -> dict[str, Any]:
    """Return what says to asyncpg which schema is meant, as the URL's parameters do to the others."""
    from urllib.parse import parse_qs, urlsplit

    options = parse_qs(urlsplit(url).query)
    settings = {}
    if "search_path" in options:
        settings["search_path"] = options["search_path"][0]
    if "options" in options:
        settings["search_path"] = options["options"][0].partition("search_path=")[2]
    return {"server_settings": settings}


SYNCHRONOUS: Final = {
    "sqlite3": ("sqlite", _sqlite3),
    "sqlite3 by hand": ("sqlite", _sqlite3_by_hand),
    "sqlalchemy connection, sqlite": ("sqlite", _sqlalchemy_connection),
    "sqlalchemy session, sqlite": ("sqlite", _sqlalchemy_session),
    "psycopg": ("postgres", _psycopg),
    "psycopg autocommit": ("postgres", _psycopg_autocommit),
    "sqlalchemy connection, psycopg": ("postgres", _sqlalchemy_connection),
    "sqlalchemy session, psycopg": ("postgres", _sqlalchemy_session),
}
ASYNCHRONOUS: Final = {
    "asyncpg": ("postgres", _asyncpg),
    "asyncpg pool": ("postgres", _asyncpg_pool),
    "psycopg async": ("postgres", _psycopg_async),
    "sqlalchemy async connection, asyncpg": ("postgres", _sqlalchemy_async_connection),
    "sqlalchemy async session, asyncpg": ("postgres", _sqlalchemy_async_session),
}


def backend_of(library: str) -> str:
    """Return which database a library is tried with."""
    return (SYNCHRONOUS.get(library) or ASYNCHRONOUS[library])[0]


@asynccontextmanager
async def transaction(library: str, url: str) -> AsyncIterator[tuple[Any, AddRow]]:
    """Open a transaction with a library."""
    if library in ASYNCHRONOUS:
        async with ASYNCHRONOUS[library][1](url) as lent:
            yield lent
    else:
        with SYNCHRONOUS[library][1](url) as lent:
            yield lent
            await asyncio.sleep(0)
