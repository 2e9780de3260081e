"""SQLAlchemy's tables and columns, described."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy
from sqlalchemy import types
from sqlalchemy.exc import NoInspectionAvailable

from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.tables import Column, Table

_REFUSED: Final = (
    (types.Enum, "an Enum is stored under names of its own"),
    (types.CHAR, "CHAR is padded with spaces; use String"),
    (types.TypeDecorator, "what a TypeDecorator stores is not what Python sees; use a plain type"),
)


def table(entity: object) -> Table:
    """Describe the table of a mapped class or a Table. Raises: LookupError."""
    selectable = _selectable(entity)
    if not isinstance(selectable, sqlalchemy.Table):
        raise LookupError(f"{entity!r} is not one table: give a mapped class with a table of its own, or a Table")
    return Table(selectable.name, selectable.schema or "")


def column(entity: object, column: object) -> Column:
    """Describe a column, an ORM attribute, or what has that name. Raises: LookupError."""
    found = _column(entity, column)
    if not isinstance(found.table, sqlalchemy.Table):
        raise LookupError(f"{column!r} is not a column of a table")
    kind, why_not = _kind(found.type)
    boolean = isinstance(found.type, types.Boolean)
    collation = getattr(found.type, "collation", None) or ""
    described = table(found.table)
    nullable = bool(found.nullable)
    return Column(described, found.name, found.key, kind, why_not, boolean, nullable, collation, found.type)


def _selectable(entity: object) -> object:
    try:
        inspected: Any = sqlalchemy.inspect(entity)
    except NoInspectionAvailable:
        raise LookupError(f"{entity!r} is not mapped to a table") from None
    return getattr(inspected, "local_table", inspected)


def _column(entity: object, column: object) -> sqlalchemy.Column[Any]:
    if isinstance(column, str):
        selectable = _selectable(entity)
        named = selectable.columns.get(column) if isinstance(selectable, sqlalchemy.Table) else None
        attribute = named if named is not None else getattr(entity, column, None)
        if attribute is None:
            raise LookupError(f"{entity!r} has no column {column!r}")
        return _column(entity, attribute)
    element = column.__clause_element__() if hasattr(column, "__clause_element__") else column
    while not isinstance(element, sqlalchemy.Column) and hasattr(element, "_deannotate"):
        plain = element._deannotate()
        if plain is element:
            break
        element = plain
    if not isinstance(element, sqlalchemy.Column):
        raise LookupError(f"{column!r} is not a column: give `Order.owner_id`, not the relationship or an expression")
    return element


def _kind(type: types.TypeEngine[Any]) -> tuple[Kind | None, str]:
    for refused, why in _REFUSED:
        if isinstance(type, refused):
            return None, why
    if isinstance(type, types.Integer):
        return Kind.INTEGER, ""
    if type.__class__.__name__ == "CITEXT":
        return None, "CITEXT does not tell `alice` from `Alice`"
    if isinstance(type, types.String):
        return Kind.TEXT, ""
    if isinstance(type, types.Uuid):
        return (Kind.UUID, "") if type.native_uuid else (None, "write `Uuid()` without native_uuid=False")
    return None, f"ids are kept in Integer, String, Text or Uuid columns, not in {type.__class__.__name__}"
