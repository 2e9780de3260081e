"""Filters for Django: a `Q` for `.filter(...)`, and the engine over the rows of a database.

from keystead.authz.rows.django import filter_for, over

Order.objects.filter(filter_for(authz, "user:alice", "viewer", Order), open=True).order_by("placed_at")[:20]
over(authz).check("user:alice", "viewer", "order:17")
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression, F
from django.db.models.sql.compiler import SQLCompiler

from keystead.authz.rows.asking import condition_for
from keystead.authz.rows.django_tables import table
from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.loading import MAX_LOADED
from keystead.authz.rows.mapped import RowMapping
from keystead.authz.rows.problems import MappingError
from keystead.authz.rows.sql import Bound, Differs, Outer, Sql, rendered
from keystead.authz.rows.view import RowView
from keystead.authz.writes import TupleLike

__all__ = ["filter_for", "over"]


class RowsFilter(Expression):
    """A condition on rows, in the words of the database that the query is compiled for."""

    def __init__(self, pieces: Sql) -> None:
        super().__init__(output_field=models.BooleanField())
        self.pieces = pieces
        self.attributes = tuple(dict.fromkeys(_attributes(pieces)))
        self.columns: list[Any] = [F(name) for name in self.attributes]

    def get_source_expressions(self) -> list[Any]:
        """Hand out the columns of the row, for Django to find them in the query."""
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        """Take the columns as Django found them."""
        self.columns = list(exprs)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:  # type: ignore[override]  # its stub wants kwargs that nobody passes
        """Write it for one database."""
        columns = {name: compiler.compile(each) for name, each in zip(self.attributes, self.columns, strict=True)}
        return _written(self.pieces, connection, columns)


def filter_for(
    mapping: RowMapping,
    user: str,
    relation: str,
    model: type[models.Model],
    *,
    tuples: Iterable[TupleLike] = (),
    few: bool = False,
) -> models.Q:
    """Return the condition that holds for exactly the rows of `model` to which the user has the relation.

    Shape: `Order.objects.filter(filter_for(authz, "user:alice", "viewer", Order))`; it goes together with other
    conditions, ordering, slices, `count()`, `exists()`, `update()` and `delete()`. `tuples` count for this query only.
    `few=True` lets the database start from the user, not from the rows: for people who may see little of a large
    table, where PostgreSQL would otherwise look at every row.
    Does not: run a query, or say more than one.
    Raises: InvalidQuery for what the model lacks; MappingError when no rows of that model are mapped;
    NotExpressible when one query cannot say it; TooMuch.
    """
    type = mapping.type_of(table(model))
    return models.Q(RowsFilter(condition_for(mapping, user, relation, type, tuples=tuples, few=few)))


def over(mapping: RowMapping, using: str = DEFAULT_DB_ALIAS, *, most: int = MAX_LOADED) -> RowView:
    """Ask the engine about the rows as this thread's connection sees them, inside `transaction.atomic` or not."""

    def run(query: Sql) -> Sequence[Sequence[Any]]:
        connection = connections[using]
        text, values = _written(query, connection, {})
        with connection.cursor() as cursor:
            cursor.execute(text, values)
            rows: Sequence[Sequence[Any]] = cursor.fetchall()
            return rows

    return RowView(mapping, run, most=most)


def _attributes(pieces: Sql) -> Iterable[str]:
    for piece in pieces:
        if isinstance(piece, Outer):
            yield piece.column.attribute
        elif isinstance(piece, Differs):
            yield from _attributes(piece.sqlite)


def _written(
    pieces: Sql, connection: BaseDatabaseWrapper, columns: dict[str, tuple[str, Any]]
) -> tuple[str, list[Any]]:
    if connection.vendor not in ("sqlite", "postgresql"):
        raise MappingError([f"filters over rows speak to SQLite and PostgreSQL, not to {connection.vendor}"])
    words: list[str] = []
    values: list[Any] = []
    for piece in rendered(pieces, connection.vendor):
        if isinstance(piece, str):
            words.append(piece.replace("%", "%%"))
        elif isinstance(piece, Outer):
            text, more = columns[piece.column.attribute]
            words.append(text)
            values += more
        else:
            words.append("%s")
            values.append(_value(piece, connection))
    return "".join(words), values


def _value(piece: Bound, connection: BaseDatabaseWrapper) -> Any:
    field = piece.column.native if piece.column else None
    if not isinstance(field, models.Field):
        field = models.UUIDField() if piece.kind is Kind.UUID else None
    return piece.value if field is None else field.get_db_prep_value(piece.value, connection)
