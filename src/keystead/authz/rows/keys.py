"""Ids inside SQL: compared bytewise, told apart from what is no id, and turned from one kind into another."""

from __future__ import annotations

from typing import Final

from keystead.authz.names import WILDCARD
from keystead.authz.rows.kinds import UNNAMEABLE, Kind, longest
from keystead.authz.rows.sql import Outer, Sql, differs, joined, quoted, sql, text
from keystead.authz.rows.tables import Column

_HEX: Final = "[0-9a-f]"
_GROUPS: Final = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
_UUID_GLOB: Final = "-".join(_HEX * length for _, length in _GROUPS)
_UUID_PATTERN: Final = "^" + "-".join(f"{_HEX}{{{length}}}" for _, length in _GROUPS) + "$"
_INTEGER_PATTERN: Final = "^(0|-?[1-9][0-9]{0,18})$"


OUTER: Final = ""
"""Instead of an alias: the row that the caller's own query is looking at."""


def of(alias: str, column: Column) -> Sql:
    """Write a column of a table that is called `alias`, compared bytewise."""
    plain: Sql = (f"{alias}.{quoted(column.name)}",) if alias else (Outer(column),)
    return bytewise(plain, column)


def bytewise(expression: Sql, column: Column) -> Sql:
    """Compare texts as they are: `alice` is not `Alice`, whatever the column's collation says."""
    if column.kind is not Kind.TEXT:
        return expression
    plain = expression if not column.collation else sql("(", expression, ' COLLATE "C")')
    return differs(sql("(", expression, " COLLATE BINARY)"), plain)


def nameable(expression: Sql, type: str) -> Sql:
    """Demand of a text that an object may be called so: see `keystead.authz.rows.kinds.nameable`."""
    matches = differs(
        sql(expression, " NOT GLOB ", text(f"*[{UNNAMEABLE}]*")), sql(expression, " !~ ", text(f"[{UNNAMEABLE}]"))
    )
    rest = (f" NOT IN ('', '{WILDCARD}') AND length(", *expression, f") <= {longest(type)})")
    return sql("(", matches, " AND ", expression, rest)


def converted(expression: Sql, have: Kind, want: Kind) -> Sql:
    """Turn an id into another kind: NULL where that kind has no such id."""
    if have is want:
        return expression
    as_text = _as_text(expression, have)
    if want is Kind.TEXT:
        return as_text
    return _integer(as_text) if want is Kind.INTEGER else _uuid(as_text)


def _as_text(expression: Sql, have: Kind) -> Sql:
    plain = sql("CAST(", expression, " AS TEXT)")
    if have is Kind.TEXT:
        return expression
    if have is Kind.INTEGER:
        return plain
    groups = (sql("substr(", expression, f", {start}, {length})") for start, length in _GROUPS)
    return differs(sql("lower(", joined(" || '-' || ", groups), ")"), plain)


def _integer(as_text: Sql) -> Sql:
    number = sql("CAST(", as_text, " AS INTEGER)")
    sqlite = sql("CASE WHEN CAST(", number, " AS TEXT) = ", as_text, " THEN ", number, " END")
    wide = sql("CAST(", as_text, " AS NUMERIC)")
    fits = sql(wide, " BETWEEN -9223372036854775808 AND 9223372036854775807")
    inner = sql("CASE WHEN ", fits, " THEN CAST(", as_text, " AS BIGINT) END")
    postgresql = sql("CASE WHEN ", as_text, f" ~ '{_INTEGER_PATTERN}' THEN ", inner, " END")
    return differs(sql("(", sqlite, ")"), sql("(", postgresql, ")"))


def _uuid(as_text: Sql) -> Sql:
    sqlite = sql("(CASE WHEN ", as_text, f" GLOB '{_UUID_GLOB}' THEN replace(", as_text, ", '-', '') END)")
    postgresql = sql("(CASE WHEN ", as_text, f" ~ '{_UUID_PATTERN}' THEN CAST(", as_text, " AS UUID) END)")
    return differs(sqlite, postgresql)
