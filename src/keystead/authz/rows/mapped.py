"""The mapping once it has been held against the model: for every relation, the rows that are its tuples."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from keystead.authz.engine.plan import Plan
from keystead.authz.model import AuthorizationModel
from keystead.authz.names import WILDCARD, parse_user
from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.mapping import StoredTuples
from keystead.authz.rows.problems import MappingError
from keystead.authz.rows.tables import Column, Table
from keystead.authz.rows.tuple_rows import Slot, TupleRows
from keystead.storage.ports import Relationship


class TypeRows(msgspec.Struct, frozen=True):
    """The table of one type's objects."""

    entity: object
    table: Table
    id: Column


class RowMapping(msgspec.Struct, frozen=True):
    """What `map_rows` answers. Immutable; share one between threads.

    `kinds`: type -> the kind its ids are compared in. `sources`: relation -> its rows, stored tuples among them.
    `stored_slots`: the relations whose stored tuples count; `conditioned`: those whose tuples may have a condition.
    """

    model: AuthorizationModel
    tables: Mapping[str, TypeRows]
    kinds: Mapping[str, Kind]
    sources: Mapping[Slot, tuple[TupleRows, ...]]
    stored: StoredTuples | None
    stored_slots: frozenset[Slot]
    conditioned: frozenset[Slot]
    plan: Plan
    clock: Callable[[], float]

    def rows_of(self, slot: Slot) -> tuple[TupleRows, ...]:
        """Return where the tuples of a relation are."""
        return self.sources.get(slot, ())

    def kind(self, type: str) -> Kind:
        """Return how ids of a type are compared."""
        return self.kinds.get(type, Kind.TEXT)

    def type_of(self, table: Table) -> str:
        """Find the type whose objects are the rows of a table. Raises: MappingError."""
        types = [type for type, rows in self.tables.items() if rows.table == table]
        if len(types) == 1:
            return types[0]
        if types:
            raise MappingError([f"{table}: its rows are objects of several types, {', '.join(types)}; map views of it"])
        raise MappingError([f"{table}: no `Rows(table=...)` maps the rows of this table to objects"])

    def exists(self, type: str, id: str) -> bool:
        """Tell whether an object of a type could have this id: a type with a table has its rows' ids only."""
        return type not in self.tables or self.kind(type).parse(id) is not None

    def holds_names_of(self, tuple: Relationship) -> bool:
        """Tell whether both the object and the user of a tuple could exist."""
        object, user = parse_user(tuple.object), parse_user(tuple.user)
        return self.exists(object.type, object.id) and (user.id == WILDCARD or self.exists(user.type, user.id))
