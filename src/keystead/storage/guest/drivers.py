"""Our portable SQL on a connection that is the service's: one small driver per library.

Shape: a driver runs one statement and answers its rows. It demands that a transaction is open, or opens with the
statement, since tuples and the service's rows must be committed together.
Does not: import a library. Who has a connection has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from keystead.core.errors import ConfigurationError
from keystead.storage.sql.statement import Row, SqlValue, Steps

T = TypeVar("T")

Run = Callable[[str, Sequence[SqlValue]], list[Row]]
RunLater = Callable[[str, Sequence[SqlValue]], Awaitable[list[Row]]]

KNOWN: Final = (
    "sqlite3, psycopg, SQLAlchemy (Connection, Session) or Django; connections that are awaited go to `within_async`"
)
KNOWN_LATER: Final = (
    "asyncpg, psycopg (AsyncConnection) or SQLAlchemy (AsyncConnection, AsyncSession); others go to `within`"
)

BEGIN_FIRST: Final = (
    "no transaction is open on the connection, so that tuples and rows would be committed apart; "
    "begin one first ({how})"
)


def perform(steps: Steps[T], run: Run, named: Callable[[str], str]) -> T:
    """Run the statements of an operation one after another and return its answer."""
    try:
        text, values = next(steps)
        while True:
            text, values = steps.send(run(named(text), values))
    except StopIteration as end:
        answer: T = end.value
        return answer


async def perform_later(steps: Steps[T], run: RunLater, named: Callable[[str], str]) -> T:
    """Do the same on a connection that must be awaited."""
    try:
        text, values = next(steps)
        while True:
            text, values = steps.send(await run(named(text), values))
    except StopIteration as end:
        answer: T = end.value
        return answer


def run_on(connection: Any) -> Run:
    """Return what runs a statement on a connection of one of the known libraries.

    Raises: ConfigurationError for a connection we do not know, or one on which no transaction is open.
    """
    if _is(connection, "sqlite3", "Connection"):
        return _sqlite3(connection)
    if _is(connection, "psycopg", "Connection"):
        return _psycopg(connection)
    if _is(connection, "sqlalchemy.orm", "Session") or _is(connection, "sqlalchemy.orm", "scoped_session"):
        return _sqlalchemy(connection.connection())
    if _is(connection, "sqlalchemy.engine", "Connection"):
        return _sqlalchemy(connection)
    if _is(connection, "django.db.backends.base.base", "BaseDatabaseWrapper") or _is(
        connection, "django.utils.connection", "ConnectionProxy"
    ):
        return _django(connection)
    raise ConfigurationError(f"{type(connection).__qualname__} is no connection of {KNOWN}")


def run_later_on(connection: Any) -> RunLater | None:
    """Return what runs a statement on an asynchronous connection; None for SQLAlchemy's, which wrap a synchronous one.

    Raises: ConfigurationError as `run_on`.
    """
    if _is(connection, "asyncpg", "Connection") or _is(connection, "asyncpg.pool", "PoolConnectionProxy"):
        return _asyncpg(connection)
    if _is(connection, "psycopg", "AsyncConnection"):
        return _psycopg_later(connection)
    if _is(connection, "sqlalchemy.ext.asyncio", "AsyncSession") or _is(
        connection, "sqlalchemy.ext.asyncio", "AsyncConnection"
    ):
        return None
    raise ConfigurationError(f"{type(connection).__qualname__} is no connection of {KNOWN_LATER}")


def formatted(text: str) -> str:
    """Return a statement with `%s` for placeholders. No text of ours holds a percent sign."""
    return text.replace("?", "%s")


def dollars(text: str) -> str:
    """Return a statement with `$1`, `$2` for placeholders. No text of ours holds a question mark otherwise."""
    first, *others = text.split("?")
    return first + "".join(f"${number}{other}" for number, other in enumerate(others, 1))


def _is(connection: object, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(connection, kind)


def _require(open: bool, how: str) -> None:
    if not open:
        raise ConfigurationError(BEGIN_FIRST.format(how=how))


def _sqlite3(connection: Any) -> Run:
    by_itself = connection.isolation_level is not None or getattr(connection, "autocommit", None) is False
    _require(by_itself or connection.in_transaction, "execute BEGIN")

    def run(text: str, values: Sequence[SqlValue]) -> list[Row]:
        cursor = connection.cursor()
        cursor.row_factory = None
        rows: list[Row] = cursor.execute(text, values).fetchall()
        return rows

    return run


def _psycopg(connection: Any) -> Run:
    _require(not connection.autocommit or _has_begun(connection), "with connection.transaction():")

    def run(text: str, values: Sequence[SqlValue]) -> list[Row]:
        from psycopg.rows import tuple_row

        with connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(formatted(text), values)
            return list(cursor.fetchall()) if cursor.description else []

    return run


def _psycopg_later(connection: Any) -> RunLater:
    _require(not connection.autocommit or _has_begun(connection), "async with connection.transaction():")

    async def run(text: str, values: Sequence[SqlValue]) -> list[Row]:
        from psycopg.rows import tuple_row

        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(formatted(text), values)
            return list(await cursor.fetchall()) if cursor.description else []

    return run


def _has_begun(connection: Any) -> bool:
    return connection.info.transaction_status.name in ("INTRANS", "ACTIVE")


def _asyncpg(connection: Any) -> RunLater:
    _require(connection.is_in_transaction(), "async with connection.transaction():")

    async def run(text: str, values: Sequence[SqlValue]) -> list[Row]:
        rows = await connection.fetch(dollars(text), *values)
        return [tuple(row) for row in rows]

    return run


def _sqlalchemy(connection: Any) -> Run:
    _require(not _commits_each(connection.connection.dbapi_connection), "use a connection without AUTOCOMMIT")
    styles: dict[str, Callable[[str], str]] = {
        "qmark": str,
        "format": formatted,
        "pyformat": formatted,
        "numeric_dollar": dollars,
    }
    translate = styles.get(connection.dialect.paramstyle)
    if translate is None or connection.dialect.name not in ("sqlite", "postgresql"):
        raise ConfigurationError(f"tuples cannot be kept through SQLAlchemy's {connection.dialect.name} dialect")

    def run(text: str, values: Sequence[SqlValue]) -> list[Row]:
        result = connection.exec_driver_sql(translate(text), tuple(values))
        return [tuple(row) for row in result] if result.returns_rows else []

    return run


def _commits_each(driver: Any) -> bool:
    """Whether what SQLAlchemy talks to commits every statement by itself."""
    if _is(driver, "sqlite3", "Connection"):
        return driver.isolation_level is None and not driver.in_transaction
    autocommit, level = getattr(driver, "autocommit", False), getattr(driver, "isolation_level", None)
    return autocommit is True or (isinstance(level, str) and level.lower() == "autocommit")


def _django(connection: Any) -> Run:
    _require(connection.in_atomic_block, "with transaction.atomic():")
    if connection.vendor not in ("sqlite", "postgresql"):
        raise ConfigurationError(f"tuples cannot be kept in {connection.vendor} through Django")

    def run(text: str, values: Sequence[SqlValue]) -> list[Row]:
        with connection.cursor() as cursor:
            cursor.execute(formatted(text), values)
            return list(cursor.fetchall()) if cursor.description else []

    return run
