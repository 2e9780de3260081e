"""Filters for SQLAlchemy: a condition for `select(...).where(...)`, of Core or ORM, with or without aliases.

from keystead.authz.rows.sqlalchemy import filter_for

session.scalars(select(Order).where(filter_for(authz, "user:alice", "viewer", Order)).order_by(Order.placed_at))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy
from sqlalchemy import types
from sqlalchemy.exc import CompileError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql import ClauseElement, ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseList
from sqlalchemy.sql.visitors import InternalTraversal

from keystead.authz.rows.asking import condition_for
from keystead.authz.rows.async_view import AsyncRowView
from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.loading import MAX_LOADED
from keystead.authz.rows.mapped import RowMapping
from keystead.authz.rows.problems import MappingError
from keystead.authz.rows.sql import Bound, Outer, Rendered, Sql, rendered
from keystead.authz.rows.sqlalchemy_tables import table
from keystead.authz.rows.tables import Column
from keystead.authz.rows.view import RowView
from keystead.authz.writes import TupleLike

if TYPE_CHECKING:  # at run time it wants greenlet, which only asynchronous services have
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

T = TypeVar("T")

__all__ = ["filter_for", "over", "over_async"]

_TYPES: dict[Kind, types.TypeEngine[Any]] = {
    Kind.INTEGER: types.BigInteger(),
    Kind.TEXT: types.String(),
    Kind.UUID: types.Uuid(),
}


_NO_OPERATOR: Any = None


class RowsFilter(ColumnElement[bool]):
    """A condition on rows, in the words of the database that the statement is compiled for."""

    __visit_name__ = "keystead_rows_filter"
    _traverse_internals = [
        ("sqlite", InternalTraversal.dp_clauseelement),
        ("postgresql", InternalTraversal.dp_clauseelement),
    ]
    inherit_cache = True
    type = types.Boolean()

    def __init__(self, sqlite: ClauseElement, postgresql: ClauseElement) -> None:
        self.sqlite = sqlite
        self.postgresql = postgresql

    @property
    def _from_objects(self) -> list[Any]:
        return list(self.sqlite._from_objects)

    def self_group(self, against: Any = None) -> Any:
        """Need no parentheses: it has its own."""
        return self


def filter_for(
    mapping: RowMapping, user: str, relation: str, entity: Any, *, tuples: Iterable[TupleLike] = (), few: bool = False
) -> ColumnElement[bool]:
    """Return the condition that holds for exactly the rows of `entity` to which the user has the relation.

    Shape: `select(Order).where(filter_for(authz, "user:alice", "viewer", Order), Order.open).limit(20)`; `entity` is
    a mapped class, an `aliased` one, a Table or an alias of it. `tuples` count for this query only.
    `few=True` lets the database start from the user, not from the rows: for people who may see little of a large
    table, where PostgreSQL would otherwise look at every row.
    Does not: run a query, or say more than one: everything is decided in the caller's own.
    Raises: InvalidQuery for what the model lacks; MappingError when no rows of that entity are mapped;
    NotExpressible when one query cannot say it; TooMuch.
    """
    type = type_of(mapping, entity)
    pieces = condition_for(mapping, user, relation, type, tuples=tuples, few=few)
    return RowsFilter(*(_clause(pieces, database, entity) for database in ("sqlite", "postgresql")))


def type_of(mapping: RowMapping, entity: Any) -> str:
    """Find the type whose objects are the rows of an entity. Raises: MappingError."""
    inspected = sqlalchemy.inspect(entity)
    plain = inspected.mapper.local_table if hasattr(inspected, "mapper") else inspected
    while not isinstance(plain, sqlalchemy.Table) and hasattr(plain, "element"):
        plain = plain.element
    return mapping.type_of(table(plain))


def _clause(pieces: Sql, database: str, entity: Any) -> ClauseElement:
    # Clauses one after the other, without an operator between them.
    return ClauseList._construct_raw(_NO_OPERATOR, [_element(piece, entity) for piece in rendered(pieces, database)])


def _element(piece: Rendered, entity: Any) -> ColumnElement[Any]:
    if isinstance(piece, str):
        return sqlalchemy.literal_column(piece)
    if isinstance(piece, Outer):
        return _column(entity, piece.column)
    return bind(piece)


def bind(piece: Bound, name: str | None = None) -> sqlalchemy.BindParameter[Any]:
    """Bind a value as its column would."""
    native = piece.column.native if piece.column else None
    type_ = native if isinstance(native, types.TypeEngine) else _TYPES[piece.kind]
    return sqlalchemy.bindparam(name, piece.value, type_=type_, unique=name is None)


def _column(entity: Any, column: Column) -> ColumnElement[Any]:
    inspected = sqlalchemy.inspect(entity)
    selectable = inspected.selectable if hasattr(inspected, "selectable") else inspected
    found = selectable.columns.get(column.attribute)
    if found is None:
        raise MappingError([f"{entity!r} does not have the column {column}"])
    return found  # type: ignore[no-any-return]  # an entity may be anything that SQLAlchemy inspects


@compiles(RowsFilter)
def _refuse(element: RowsFilter, compiler: SQLCompiler, **_: Any) -> str:
    raise CompileError(f"filters over rows speak to SQLite and PostgreSQL, not to {compiler.dialect.name}")


@compiles(RowsFilter, "sqlite")
def _for_sqlite(element: RowsFilter, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(element.sqlite, **options))


@compiles(RowsFilter, "postgresql")
def _for_postgresql(element: RowsFilter, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(element.postgresql, **options))


def over(mapping: RowMapping, session: Session | sqlalchemy.Connection, *, most: int = MAX_LOADED) -> RowView:
    """Ask the engine about the rows as they are in a session or connection, in its transaction.

    What a Session holds back is flushed first, as before any query of its own, unless it was made not to.
    """

    def run(query: Sql) -> Sequence[Sequence[Any]]:
        if isinstance(session, Session) and session.autoflush:
            session.flush()
        database = session.get_bind().dialect.name if isinstance(session, Session) else session.dialect.name
        return session.execute(_statement(query, database)).all()

    return RowView(mapping, run, most=most)


def over_async(mapping: RowMapping, session: AsyncSession | AsyncConnection, *, most: int = MAX_LOADED) -> AsyncRowView:
    """Do the same for an AsyncSession or AsyncConnection: the same questions, awaited."""

    async def ask(question: Callable[[RowView], T]) -> T:
        return await session.run_sync(lambda plain: question(over(mapping, plain, most=most)))

    return AsyncRowView(ask)


def _statement(query: Sql, database: str) -> sqlalchemy.TextClause:
    if database not in ("sqlite", "postgresql"):
        raise MappingError([f"views over rows speak to SQLite and PostgreSQL, not to {database}"])
    words: list[str] = []
    values: list[sqlalchemy.BindParameter[Any]] = []
    for piece in rendered(query, database):
        if isinstance(piece, str):
            words.append(piece.replace("\\", "\\\\").replace(":", "\\:"))
        elif isinstance(piece, Bound):
            name = f"value_{len(values)}"
            words.append(f":{name}")
            values.append(bind(piece, name))
    return sqlalchemy.text(" ".join(words)).bindparams(*values)
