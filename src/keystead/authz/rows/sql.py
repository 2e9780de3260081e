"""SQL in pieces: text that both databases read, text that differs, values to bind, columns of the caller's own query.

The frameworks' doors turn pieces into what they execute. A value is always bound, never written into the text; names
of tables and columns come from the service's own declarations and are always quoted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.tables import Column, Table


class Differs(msgspec.Struct, frozen=True):
    """What the two databases spell differently."""

    sqlite: Sql
    postgresql: Sql


class Bound(msgspec.Struct, frozen=True):
    """A value that travels beside the text: an id of a kind, or (`column`) whatever that column holds."""

    value: object
    kind: Kind = Kind.TEXT
    column: Column | None = None


class Outer(msgspec.Struct, frozen=True):
    """A column of the row that the caller's own query is looking at."""

    column: Column


Piece = str | Differs | Bound | Outer
Sql = tuple[Piece, ...]
Rendered = str | Bound | Outer

NOTHING: Sql = ()


def sql(*parts: Piece | Sql) -> Sql:
    """Put pieces one after the other."""
    pieces: list[Piece] = []
    for part in parts:
        if isinstance(part, tuple):
            pieces.extend(part)
        else:
            pieces.append(part)
    return tuple(pieces)


def joined(separator: str, parts: Iterable[Sql]) -> Sql:
    """Put something between the parts."""
    pieces: list[Piece] = []
    for part in parts:
        if pieces:
            pieces.append(separator)
        pieces.extend(part)
    return tuple(pieces)


def all_of(parts: Iterable[Sql]) -> Sql:
    """Every one; of nothing: true."""
    listed = list(parts)
    return listed[0] if len(listed) == 1 else sql("(", joined(" AND ", listed), ")") if listed else ("(1 = 1)",)


def any_of(parts: Iterable[Sql]) -> Sql:
    """At least one; of nothing: false."""
    listed = list(parts)
    return listed[0] if len(listed) == 1 else sql("(", joined(" OR ", listed), ")") if listed else ("(1 = 0)",)


def where(conditions: Iterable[Sql]) -> Sql:
    """Write the WHERE of some conditions, perhaps nothing."""
    listed = list(conditions)
    return sql(" WHERE ", joined(" AND ", listed)) if listed else ()


def quoted(name: str) -> str:
    """Quote an identifier. PostgreSQL and SQLite agree on how."""
    return '"' + name.replace('"', '""') + '"'


def table_name(table: Table) -> str:
    """Write a table's name."""
    return f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)


def differs(sqlite: Piece | Sql, postgresql: Piece | Sql) -> Sql:
    """Say it in two ways."""
    return (Differs(sql(sqlite), sql(postgresql)),)


def typed(expression: Piece | Sql, kind: Kind) -> Sql:
    """Write an id for a list of columns: PostgreSQL wants one type, and one collation, in all parts of a recursion."""
    collation = ' COLLATE "default"' if kind is Kind.TEXT else ""
    return differs(sql(expression), sql("CAST(", expression, f" AS {_POSTGRESQL_TYPES[kind]}){collation}"))


def text(value: str) -> Sql:
    """Bind a text, and tell PostgreSQL that it is one."""
    return differs(Bound(value), sql("CAST(", Bound(value), " AS TEXT)"))


def rendered(pieces: Sql, database: str) -> list[Rendered]:
    """Choose one database, `sqlite` or `postgresql`; neighbouring texts become one."""
    found: list[Rendered] = []
    for piece in _chosen(pieces, database):
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def _chosen(pieces: Sql, database: str) -> Iterator[Rendered]:
    for piece in pieces:
        if isinstance(piece, Differs):
            yield from _chosen(piece.sqlite if database == "sqlite" else piece.postgresql, database)
        else:
            yield piece


_POSTGRESQL_TYPES = {Kind.INTEGER: "BIGINT", Kind.TEXT: "TEXT", Kind.UUID: "UUID"}
