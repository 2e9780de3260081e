"""One connection to PostgreSQL: runs portable statements, many of one text in one round trip.

A round trip that takes too long ends the connection instead of waiting on: nothing here hangs on a dead peer. A
running COMMIT is never cancelled, for a cancelled wait for a standby would come back as if it had been confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

import asyncpg

from keystead.core.errors import StorageUnavailable
from keystead.storage.postgres.failures import ANY
from keystead.storage.sql.statement import Row, SqlValue, Statement

T = TypeVar("T")

ROUND_TRIP_SECONDS: Final = 8.0
LARGEST_INTEGER: Final = 2**63 - 1

Rows = list[Row]


class Unconfirmed(Exception):
    """COMMIT was sent, and nobody knows whether it holds."""


class Unsendable(ValueError):
    """A value PostgreSQL cannot hold was to be stored."""


class Link:
    """A connection with its prepared statements. Used by one task at a time."""

    def __init__(self, connection: asyncpg.Connection, where: str) -> None:
        self._connection = connection
        self._where = where
        self._single: dict[str, Any] = {}
        self._many: dict[str, Any] = {}
        self._warnings: list[str] = []
        connection.add_log_listener(self._hear)

    @property
    def closed(self) -> bool:
        """Whether the peer, or we, have hung up."""
        return bool(self._connection.is_closed())

    async def script(self, text: str) -> str:
        """Run statements without values in one round trip. Answer: what PostgreSQL calls the last of them."""
        return str(await self._watched(self._connection.execute(text)))

    async def long_script(self, text: str) -> None:
        """Run statements that may take as long as they need: a migration of much data."""
        await self._connection.execute(text)

    async def commit(self) -> None:
        """Make what was done durable.

        Raises: Unconfirmed, also when the server says COMMIT but warns that a standby may not have it.
        """
        self._warnings.clear()
        try:
            said = await self.script("COMMIT")
        except BaseException as error:
            raise Unconfirmed(str(error) or type(error).__name__) from error
        if said != "COMMIT" or self._warnings:
            raise Unconfirmed("; ".join([f"the server answered {said}", *self._warnings]))

    async def row(self, text: str) -> Row:
        """Run one statement that answers one row."""
        return (await self._fetch(text, ()))[0]

    async def run(self, statements: Sequence[Statement]) -> list[Rows]:
        """Run statements, those of one text together, and return the rows of each.

        Does not: keep the order between different texts; who needs one asks twice.
        """
        if len(statements) == 1:
            return [await self._fetch(*statements[0])]
        answers: list[Rows] = [[] for _ in statements]
        together: dict[str, list[int]] = {}
        for number, (text, _) in enumerate(statements):
            together.setdefault(text, []).append(number)
        for text, numbers in together.items():
            if len(numbers) == 1:
                answers[numbers[0]] = await self._fetch(*statements[numbers[0]])
            else:
                await self._several(text, [(number, statements[number][1]) for number in numbers], answers)
        return answers

    def cut(self) -> None:
        """Hang up without a word. What was under way fails; what was not committed is undone by the server."""
        self._connection.terminate()

    async def close(self) -> None:
        """Say goodbye, or hang up when that takes long."""
        try:
            await asyncio.wait_for(self._connection.close(), 2)
        except ANY:
            self.cut()

    async def _several(self, text: str, asked: list[tuple[int, Sequence[SqlValue]]], answers: list[Rows]) -> None:
        statement = self._many.get(text)
        if statement is None:
            statement = self._many[text] = await self._watched(self._connection.prepare(numbered(text)))
        if not answers_rows(text):
            await self._watched(statement.executemany([tuple(values) for _, values in asked]))
            return
        for row in await self._watched(statement.fetchmany([(*values, number) for number, values in asked])):
            answers[row[-1]].append(tuple(row)[:-1])

    async def _fetch(self, text: str, values: Sequence[SqlValue]) -> Rows:
        statement = self._single.get(text)
        if statement is None:
            statement = self._single[text] = await self._watched(self._connection.prepare(translated(text)))
        rows: Rows = await self._watched(statement.fetch(*values))
        return rows

    def _hear(self, connection: object, message: asyncpg.PostgresLogMessage) -> None:
        if message.severity_en == "WARNING":
            self._warnings.append(str(message.message))

    async def _watched(self, work: Coroutine[Any, Any, T]) -> T:
        watchdog = asyncio.get_running_loop().call_later(ROUND_TRIP_SECONDS, self._connection.terminate)
        try:
            return await work
        finally:
            watchdog.cancel()

    def unavailable(self, what: str, error: BaseException) -> StorageUnavailable:
        """Return the error that tells what became of whoever was waiting."""
        failure = StorageUnavailable(f"{self._where}: {what} ({str(error) or type(error).__name__})")
        failure.__cause__ = error
        return failure


def answers_rows(text: str) -> bool:
    """Whether a statement answers rows at all."""
    return text.lstrip().startswith("SELECT") or "RETURNING" in text


def translated(text: str) -> str:
    """Return a statement with the placeholders PostgreSQL knows. No text of ours holds a question mark otherwise."""
    first, *others = text.split("?")
    return first + "".join(f"${number}{other}" for number, other in enumerate(others, 1))


def numbered(text: str) -> str:
    """Return a statement whose every row ends with the number that was its last value."""
    number = f"${text.count('?') + 1}::bigint"
    if text.lstrip().startswith("SELECT"):
        return f"SELECT asked.*, {number} FROM ({translated(text)}) AS asked"  # noqa: S608 - our own text
    if "RETURNING" in text:
        return f"{translated(text)}, {number}"
    return translated(text)


def sendable(text: str, values: Sequence[SqlValue]) -> bool:
    """Whether every value can be sent. A text with NUL, or with half a surrogate pair, never was stored anywhere.

    Raises: Unsendable (or UnicodeEncodeError) when it was to be stored; OverflowError for a number beyond 64 bits.
    """
    for value in values:
        if isinstance(value, str):
            if "\0" not in value and (value.isascii() or _encodable(value)):
                continue
            if text.lstrip().startswith("INSERT"):
                value.encode()
                raise Unsendable("a stored text must not contain NUL")
            return False
        if isinstance(value, int) and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise OverflowError("a stored number must fit into 64 bits")
    return True


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
