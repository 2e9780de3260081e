"""Tuples written in the caller's own transaction: committed with its rows, or rolled back with them.

    with sqlite3.connect("shop.db") as connection:
        connection.execute("INSERT INTO orders (id, owner) VALUES (17, 'alice')")
        engine.within(connection).write(["order:17#owner@user:alice"])

Does not: commit; the caller does. Nor are questions to the engine answered by what is not committed yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from keystead.authz.errors import InvalidQuery, InvalidRelationship
from keystead.authz.names import parse_object, parse_relation, parse_user
from keystead.authz.writes import NO_PRECONDITIONS, Preconditions, Target, TupleLike, refused, to_write
from keystead.core.values import EpochSeconds
from keystead.storage.guest.drivers import Run, perform, perform_later, run_later_on, run_on
from keystead.storage.guest.operations import write_alone
from keystead.storage.guest.tables import PREFIX, Tables
from keystead.storage.ports import ReadRelationships, Relationship, RelationshipsRefused
from keystead.storage.sql.relationships import read_relationships
from keystead.storage.sql.statement import Steps

T = TypeVar("T")


def table_definitions(dialect: str, prefix: str = PREFIX) -> tuple[str, ...]:
    """Return the statements that make our tables inside a service's database, for its own migrations to execute.

    `dialect`: `sqlite` or `postgresql`.
    """
    return Tables(prefix).definitions(dialect)


class Within:
    """Tuples through a connection of the caller: sqlite3, psycopg, SQLAlchemy Connection or Session, Django."""

    def __init__(self, target: Target, tables: Tables, connection: object) -> None:
        self._target = target
        self._tables = tables
        self._connection = connection

    def write(
        self,
        writes: Iterable[TupleLike] = (),
        deletes: Iterable[TupleLike] = (),
        preconditions: Preconditions = NO_PRECONDITIONS,
        *,
        ignore_duplicates: bool = False,
        ignore_missing: bool = False,
    ) -> int:
        """Delete, then write, tuples, in the transaction that is open. Answer: their revision, once it is committed.

        Other writers of the same store wait from here to the end of the transaction: write tuples last.
        Raises: InvalidRelationship; WriteRefused, and nothing was written: go on or roll back; whatever the
        connection raises.
        """
        operation = to_write(
            self._target,
            writes,
            deletes,
            preconditions,
            ignore_duplicates=ignore_duplicates,
            ignore_missing=ignore_missing,
        )
        outcome = self._perform(write_alone(operation))
        if isinstance(outcome, RelationshipsRefused):
            raise refused(outcome)
        return outcome.revision

    def read(
        self, object: str = "", relation: str = "", user: str = "", after: Relationship | None = None
    ) -> list[Relationship]:
        """List up to 1,000 tuples as this transaction sees them. Arguments and errors as `AuthorizationEngine.read`."""
        return self._perform(read_relationships(to_read(self._target, object, relation, user, after)))

    def _perform(self, steps: Steps[T]) -> T:
        return perform(steps, run_on(self._connection), self._tables.named)


class WithinAsync:
    """The same through asyncpg, psycopg's AsyncConnection, SQLAlchemy's AsyncConnection or AsyncSession."""

    def __init__(self, target: Target, tables: Tables, connection: Any) -> None:
        self._target = target
        self._tables = tables
        self._connection = connection

    async def write(
        self,
        writes: Iterable[TupleLike] = (),
        deletes: Iterable[TupleLike] = (),
        preconditions: Preconditions = NO_PRECONDITIONS,
        *,
        ignore_duplicates: bool = False,
        ignore_missing: bool = False,
    ) -> int:
        """Delete, then write, tuples, in the transaction that is open; see `Within.write`."""
        operation = to_write(
            self._target,
            writes,
            deletes,
            preconditions,
            ignore_duplicates=ignore_duplicates,
            ignore_missing=ignore_missing,
        )
        outcome = await self._perform(lambda: write_alone(operation))
        if isinstance(outcome, RelationshipsRefused):
            raise refused(outcome)
        return outcome.revision

    async def read(
        self, object: str = "", relation: str = "", user: str = "", after: Relationship | None = None
    ) -> list[Relationship]:
        """List up to 1,000 tuples as this transaction sees them. Arguments and errors as `AuthorizationEngine.read`."""
        wanted = to_read(self._target, object, relation, user, after)
        return await self._perform(lambda: read_relationships(wanted))

    async def _perform(self, begin: Callable[[], Steps[T]]) -> T:
        run, named = run_later_on(self._connection), self._tables.named
        if run is not None:
            return await perform_later(begin(), run, named)

        def inside(connection: object) -> T:
            on: Run = run_on(connection)
            return perform(begin(), on, named)

        answer: T = await self._connection.run_sync(inside)
        return answer


def to_read(target: Target, object: str, relation: str, user: str, after: Relationship | None) -> ReadRelationships:
    """Return the operation that lists tuples. Raises: InvalidQuery for a filter that no tuple could ever match."""
    try:
        if object:
            parse_object(f"{object}any" if str(object).endswith(":") else object)
        if relation:
            parse_relation(relation)
        if user:
            parse_user(user)
    except InvalidRelationship as malformed:
        raise InvalidQuery(f"{malformed} (for every object of a type `order:`, for all leave it out)") from None
    now = EpochSeconds(int(target.clock()))
    return ReadRelationships(target.realm, target.store, object, relation, user, after, now=now)
