"""Where a row says which object or user it means: a column, a stored tuple's text, or always the same one."""

from __future__ import annotations

import msgspec

from keystead.authz.rows import keys
from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.sql import Bound, Sql, quoted, sql, text, typed
from keystead.authz.rows.tables import Column


class InColumn(msgspec.Struct, frozen=True):
    """An id in a column of its own."""

    column: Column
    type: str
    kind: Kind

    def read(self, alias: str) -> Sql:
        """Write what a loader reads: the column as it is."""
        return (f"{alias}.{quoted(self.column.name)}",)

    def as_kind(self, alias: str, kind: Kind) -> Sql:
        """Write the id as one of a kind."""
        return keys.converted(keys.of(alias, self.column), self.kind, kind)

    def is_id(self, alias: str, kind: Kind) -> list[Sql]:
        """Demand that it is an id that an object may be called by."""
        demands: list[Sql] = []
        if self.column.nullable or kind not in (self.kind, Kind.TEXT):
            demands.append(sql(self.as_kind(alias, kind), " IS NOT NULL"))
        if self.kind is Kind.TEXT:
            demands.append(keys.nameable(keys.of(alias, self.column), self.type))
        return demands

    def is_known(self, alias: str) -> list[Sql]:
        """Demand that it is not NULL, where it may be."""
        return [sql(keys.of(alias, self.column), " IS NOT NULL")] if self.column.nullable else []

    def equals_value(self, alias: str, id: str) -> Sql | None:
        """Compare with an id. None: the column never holds it."""
        value = self.kind.parse(id)
        return None if value is None else sql(keys.of(alias, self.column), " = ", Bound(value, self.kind))

    def equals(self, alias: str, other: Sql, kind: Kind) -> Sql:
        """Compare with an id in the query."""
        both = self.kind if kind is self.kind else Kind.TEXT
        return sql(self.as_kind(alias, both), " = ", keys.converted(other, kind, both))

    def within(self, alias: str, ids: Sql, kind: Kind) -> Sql:
        """Look for it in a query of ids."""
        if kind is self.kind:
            return sql(keys.of(alias, self.column), " IN (", ids, ")")
        as_text = keys.converted(("w.id",), kind, Kind.TEXT)
        return sql(self.as_kind(alias, Kind.TEXT), " IN (SELECT ", as_text, " FROM (", ids, ") w)")


class InTuple(msgspec.Struct, frozen=True):
    """A name in a stored tuple: `order:17` or `team:staff#member`, in the column `field`."""

    field: str
    type: str
    relation: str = ""

    def read(self, alias: str) -> Sql:
        """Write what a loader reads: the id alone."""
        return self._id(alias)

    def as_kind(self, alias: str, kind: Kind) -> Sql:
        """Write the id as one of a kind."""
        return keys.converted(self._id(alias), Kind.TEXT, kind)

    def is_id(self, alias: str, kind: Kind) -> list[Sql]:
        """Demand that it is an id of the kind; what is stored has been held to the rules for names."""
        return [] if kind is Kind.TEXT else [sql(self.as_kind(alias, kind), " IS NOT NULL")]

    def equals_value(self, alias: str, id: str) -> Sql | None:
        """Compare with an id."""
        return sql(f"{alias}.{quoted(self.field)} = ", Bound(f"{self.type}:{id}{self._suffix}"))

    def equals(self, alias: str, other: Sql, kind: Kind) -> Sql:
        """Compare with an id in the query, by building the name, so that an index on names serves."""
        return sql(f"{alias}.{quoted(self.field)} = ", self._name(other, kind))

    def within(self, alias: str, ids: Sql, kind: Kind) -> Sql:
        """Look for it in a query of ids."""
        return sql(f"{alias}.{quoted(self.field)} IN (SELECT ", self._name(("w.id",), kind), " FROM (", ids, ") w)")

    @property
    def _suffix(self) -> str:
        return f"#{self.relation}" if self.relation else ""

    def _name(self, id: Sql, kind: Kind) -> Sql:
        end = sql(" || ", text(self._suffix)) if self.relation else ()
        return sql("(", text(f"{self.type}:"), " || ", keys.converted(id, kind, Kind.TEXT), end, ")")

    def _id(self, alias: str) -> Sql:
        name, start = f"{alias}.{quoted(self.field)}", len(self.type) + 2
        if not self.relation:
            return (f"substr({name}, {start})",)
        return (f"substr({name}, {start}, length({name}) - {start - 1 + len(self._suffix)})",)


class Fixed(msgspec.Struct, frozen=True):
    """Always the same id, `*` for everybody."""

    id: str
    type: str

    def read(self, alias: str) -> Sql:
        """Write what a loader reads."""
        return text(self.id)

    def as_kind(self, alias: str, kind: Kind) -> Sql:
        """Write the id as one of a kind."""
        value = kind.parse(self.id)
        return ("NULL",) if value is None else typed(Bound(value, kind), kind)

    def is_id(self, alias: str, kind: Kind) -> list[Sql]:
        """Demand nothing: it was checked when it was declared."""
        return []

    def equals_value(self, alias: str, id: str) -> Sql | None:
        """Compare with an id."""
        return ("(1 = 1)",) if id == self.id else None

    def equals(self, alias: str, other: Sql, kind: Kind) -> Sql:
        """Compare with an id in the query."""
        value = kind.parse(self.id)
        return ("(1 = 0)",) if value is None else sql(other, " = ", Bound(value, kind))

    def within(self, alias: str, ids: Sql, kind: Kind) -> Sql:
        """Look for it in a query of ids."""
        value = kind.parse(self.id)
        return ("(1 = 0)",) if value is None else sql(typed(Bound(value, kind), kind), " IN (", ids, ")")


Identity = InColumn | InTuple | Fixed
