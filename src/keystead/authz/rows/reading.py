"""Single queries of the stepwise loading: the tuples of one relation, of some objects or naming some users."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from keystead.authz.names import WILDCARD, parse_user
from keystead.authz.rows.identities import Fixed, Identity, InColumn
from keystead.authz.rows.mapped import RowMapping
from keystead.authz.rows.sql import Bound, Sql, all_of, any_of, joined, quoted, sql, table_name, where
from keystead.authz.rows.tables import Table
from keystead.authz.rows.tuple_rows import Slot, TupleRows, TupleTable
from keystead.storage.ports import Relationship

Run = Callable[[Sql], Sequence[Sequence[Any]]]
"""Executes a query in the caller's transaction."""

BATCH: Final = 500
"""How many names one query asks for."""


class Reader:
    """Reads tuples from rows. Whatever no object can be called is left out."""

    def __init__(self, mapping: RowMapping, run: Run) -> None:
        self.mapping = mapping
        self._run = run

    def of_objects(self, slot: Slot, ids: Sequence[str], users: Sequence[str] | None) -> Iterator[Relationship]:
        """Read the tuples of a relation of some objects. `users`: of those that name no userset, only theirs."""
        for batch in _batches(ids):
            for rows in self._mapped(slot):
                yield from self._existing(self._columns(slot, rows, _among(rows.object, batch), _only(rows, users)))
            if slot in self.mapping.stored_slots and self.mapping.stored:
                objects = _named("object", [f"{slot[0]}:{id}" for id in batch])
                yield from self._existing(self._stored(slot, [objects, *_only_stored(users)]))

    def naming(self, slot: Slot, subject: Slot, ids: Sequence[str]) -> Iterator[Relationship]:
        """Read the tuples of a relation that name some users of a type, or some usersets; `*` is everybody."""
        suffix = f"#{subject[1]}" if subject[1] else ""
        for batch in _batches(ids):
            for rows in self._mapped(slot):
                if rows.subject == subject and (not rows.wildcard or WILDCARD in batch):
                    yield from self._existing(self._columns(slot, rows, _among(rows.user, batch)))
            if slot in self.mapping.stored_slots and self.mapping.stored:
                names = _named("user", [f"{subject[0]}:{id}{suffix}" for id in batch])
                yield from self._existing(self._stored(slot, [names]))

    def _mapped(self, slot: Slot) -> Iterator[TupleRows]:
        return (rows for rows in self.mapping.rows_of(slot) if not isinstance(rows.place, TupleTable))

    def _existing(self, tuples: Iterator[Relationship]) -> Iterator[Relationship]:
        """Leave out what names a row that the type's table could not hold."""
        return filter(self.mapping.holds_names_of, tuples)

    def _columns(self, slot: Slot, rows: TupleRows, *conditions: Sql | None) -> Iterator[Relationship]:
        if None in conditions:
            return
        demands = [*(each for each in conditions if each), *rows.place.demands("k")]
        columns = sql(rows.object.read("k"), ", ", rows.user.read("k"))
        query = sql("SELECT ", columns, " FROM ", rows.place.source("k"), where(demands))
        type, relation = rows.subject
        for object, user in self._run(query):
            object_id, user_id = _written(rows.object, object), _written(rows.user, user)
            if object_id is not None and user_id is not None:
                name = f"{type}:{user_id}#{relation}" if relation else f"{type}:{user_id}"
                yield Relationship(f"{slot[0]}:{object_id}", slot[1], name)

    def _stored(self, slot: Slot, conditions: list[Sql]) -> Iterator[Relationship]:
        stored = self.mapping.stored
        if stored is None:
            return
        place = TupleTable(Table(stored.table, stored.schema), stored.realm, stored.store, slot)
        names = ("object", "relation", "user", "condition", "context", "expires_at")
        columns = joined(", ", ((f"k.{quoted(name)}",) for name in names))
        query = sql("SELECT ", columns, f" FROM {table_name(place.table)} k", where([*place.demands("k"), *conditions]))
        for row in self._run(query):
            yield Relationship(*row)


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    listed = sorted(ids)
    return (listed[start : start + BATCH] for start in range(0, len(listed), BATCH))


def _among(identity: Identity, ids: Sequence[str]) -> Sql | None:
    """Demand one of some ids. None: it never is one."""
    if isinstance(identity, Fixed):
        return all_of(()) if identity.id in ids else None
    if not isinstance(identity, InColumn):
        return None
    values = [identity.kind.parse(id) for id in ids]
    bound = [(Bound(value, identity.kind),) for value in values if value is not None]
    return sql(identity.as_kind("k", identity.kind), " IN (", joined(", ", bound), ")") if bound else None


def _only(rows: TupleRows, users: Sequence[str] | None) -> Sql | None:
    if users is None or rows.subject[1] or rows.wildcard:
        return all_of(())
    asking = [parse_user(user) for user in users]
    return _among(rows.user, [each.id for each in asking if (each.type, each.relation) == rows.subject])


def _only_stored(users: Sequence[str] | None) -> list[Sql]:
    if users is None:
        return []
    return [any_of([_named("user", users), ("k.\"user\" LIKE '%#%'",), ("k.\"user\" LIKE '%:*'",)])]


def _named(column: str, names: Sequence[str]) -> Sql:
    return sql(f"k.{quoted(column)} IN (", joined(", ", ((Bound(name),) for name in names)), ")")


def _written(identity: Identity, value: object) -> str | None:
    """Write what a row holds as an id."""
    if isinstance(identity, InColumn):
        return identity.kind.write(value, identity.type)
    return str(value)
