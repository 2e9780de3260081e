"""Rows that are tuples of one relation with one kind of subject: where they stand, and under which conditions."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from keystead.authz.rows import keys
from keystead.authz.rows.identities import Identity, InColumn, InTuple
from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.sql import Bound, Sql, differs, joined, quoted, sql, table_name
from keystead.authz.rows.tables import Column, Table

Slot = tuple[str, str]
"""(type, relation)"""


class Condition(msgspec.Struct, frozen=True):
    """What a row must have in a column: one of these values."""

    column: Column
    values: tuple[object, ...]

    def on(self, column: Sql) -> Sql:
        """Write it for a column expression, two-valued: what is NULL does not meet it."""
        if self.values == (None,):
            return sql(column, " IS NULL")
        if self.column.boolean and len(self.values) == 1:
            yes = bool(self.values[0])
            truth = differs(f" = {int(yes)}", f" IS {'TRUE' if yes else 'FALSE'}")
            test = sql(column, truth)
        else:
            bound = ((Bound(value, column=self.column),) for value in self.values)
            test = sql(column, " IN (", joined(", ", bound), ")")
        return sql("(", column, " IS NOT NULL AND ", test, ")") if self.column.nullable else test


class Place(msgspec.Struct, frozen=True):
    """Rows of a table, those that meet the conditions. `own`: the table of the objects themselves."""

    table: Table
    conditions: tuple[Condition, ...] = ()
    own: bool = False

    def source(self, alias: str) -> Sql:
        """Write it for a FROM."""
        return (f"{table_name(self.table)} {alias}",)

    def demands(self, alias: str) -> list[Sql]:
        """Write the conditions."""
        return [each.on(keys.of(alias, each.column)) for each in self.conditions]


class TupleTable(msgspec.Struct, frozen=True):
    """Stored tuples of one relation of one store. `clock`: only those that have no condition and have not expired."""

    table: Table
    realm: str
    store: str
    slot: Slot
    user: str = ""
    clock: Callable[[], float] | None = None
    own: bool = False

    def source(self, alias: str) -> Sql:
        """Write it for a FROM."""
        return (f"{table_name(self.table)} {alias}",)

    def demands(self, alias: str) -> list[Sql]:
        """Write which tuples are meant."""
        type, relation = self.slot
        wanted = {"realm": self.realm, "store": self.store, "relation": relation}
        if self.user:
            wanted["user"] = self.user
        if self.clock:
            wanted["condition"] = ""
        demands = [sql(f"{alias}.{quoted(name)} = ", Bound(value)) for name, value in wanted.items()]
        object = f"{alias}.{quoted('object')}"
        if self.clock:
            expires, now = f"{alias}.{quoted('expires_at')}", Bound(math.floor(self.clock()), Kind.INTEGER)
            demands.append(sql(f"({expires} = 0 OR {expires} > ", now, ")"))
        return [*demands, sql(f"{object} >= ", Bound(f"{type}:")), sql(f"{object} < ", Bound(f"{type};"))]


class Inline(msgspec.Struct, frozen=True):
    """Tuples that come with the question, as pairs of ids that are bound one by one."""

    pairs: tuple[tuple[Sql, Sql], ...]
    own: bool = False

    def source(self, alias: str) -> Sql:
        """Write it for a FROM."""
        rows = (sql("SELECT ", object, ' AS "o", ', user, ' AS "u"') for object, user in self.pairs)
        return sql("(", joined(" UNION ALL ", rows), f") {alias}")

    def demands(self, alias: str) -> list[Sql]:
        """Demand nothing more."""
        return []


class TupleRows(msgspec.Struct, frozen=True):
    """Tuples `object#relation@user` read from rows. `subject`: a type, or a type and a relation (a userset)."""

    place: Place | TupleTable | Inline
    object: InColumn | InTuple
    user: Identity
    subject: Slot
    wildcard: bool = False

    @property
    def plain(self) -> bool:
        """Whether it names objects, not usersets and not everybody."""
        return not self.subject[1] and not self.wildcard
