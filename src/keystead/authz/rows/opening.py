"""`map_rows`: declarations in, a checked mapping out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from keystead.authz.engine.plan import compile_model
from keystead.authz.language import read_model
from keystead.authz.model import AuthorizationModel, Restriction
from keystead.authz.names import WILDCARD
from keystead.authz.rows.checking import Checker, kinds_of
from keystead.authz.rows.identities import Fixed, InTuple
from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.mapped import RowMapping, TypeRows
from keystead.authz.rows.mapping import Rows, StoredTuples
from keystead.authz.rows.problems import MappingError
from keystead.authz.rows.tables import Table
from keystead.authz.rows.tuple_rows import Slot, TupleRows, TupleTable


def map_rows(
    model: str | AuthorizationModel,
    rows: Sequence[Rows] = (),
    *,
    stored: StoredTuples | None = None,
    clock: Callable[[], float] = time.time,
) -> RowMapping:
    """Check a mapping against a model, once, when the service starts.

    `stored`: where tuples are that no row stands for. Relations that are not mapped are answered from them; a mapped
    relation only where `stored()` is among its sources. `clock` decides which stored tuples have expired.
    Raises: ModelError; MappingError with every problem and its remedy.
    """
    read = read_model(model) if isinstance(model, str) else model
    checker = Checker(read, stored)
    checker.types(rows)
    declared = {each.slot: each for entry in rows for each in checker.relations(entry)}
    slots = [
        (definition.name, relation.name)
        for definition in read.types
        for relation in definition.relations
        if relation.restrictions
    ]
    stored_slots = frozenset(slot for slot in slots if slot not in declared or declared[slot].stored)
    if stored is None:
        checker.problems += [_unmapped(slot) for slot in slots if slot in stored_slots and slot not in declared]
    if checker.problems:
        raise MappingError(checker.problems)
    kinds = kinds_of(read, checker.ids, [each for entry in declared.values() for each in entry.rows])
    for type in _named_in_tuples(read, stored_slots) - set(checker.ids):
        kinds[type] = Kind.TEXT
    sources = {slot: declared[slot].rows if slot in declared else () for slot in slots}
    for slot in stored_slots if stored else ():
        definition = read.relation(*slot)
        if stored and definition:
            sources[slot] += tuple(_stored(definition.restrictions, stored, clock, slot))
    tables = {
        entry.type: TypeRows(entry.table, checker.ids[entry.type].table, checker.ids[entry.type]) for entry in rows
    }
    conditioned = frozenset(slot for slot in stored_slots if _has_conditions(read, slot))
    return RowMapping(read, tables, kinds, sources, stored, stored_slots, conditioned, compile_model(read), clock)


def _has_conditions(model: AuthorizationModel, slot: Slot) -> bool:
    definition = model.relation(*slot)
    return definition is not None and any(each.condition for each in definition.restrictions)


def _unmapped(slot: Slot) -> str:
    type, relation = slot
    return (
        f"{type}#{relation}: nothing says which rows these tuples are; map it in `Rows(type={type!r}, ...)`, map it to "
        "an empty list, or pass `stored=StoredTuples(...)`"
    )


def _named_in_tuples(model: AuthorizationModel, slots: frozenset[Slot]) -> set[str]:
    """Return the types whose ids stored tuples hold: any text, whatever columns hold elsewhere."""
    named = {type for type, _ in slots}
    for type, relation in slots:
        definition = model.relation(type, relation)
        named |= {each.type for each in definition.restrictions} if definition else set()
    return named


def _stored(
    restrictions: tuple[Restriction, ...], stored: StoredTuples, clock: Callable[[], float], slot: Slot
) -> Iterator[TupleRows]:
    """Return the stored tuples of a relation, one entry for each kind of subject that needs no condition."""
    return (_tuple_rows(stored, clock, slot, each) for each in restrictions if not each.condition)


def _tuple_rows(stored: StoredTuples, clock: Callable[[], float], slot: Slot, who: Restriction) -> TupleRows:
    table = Table(stored.table, stored.schema)
    object = InTuple("object", slot[0])
    subject = (who.type, who.relation)
    if who.wildcard:
        everybody = TupleTable(table, stored.realm, stored.store, slot, f"{who.type}:{WILDCARD}", clock)
        return TupleRows(everybody, object, Fixed(WILDCARD, who.type), subject, wildcard=True)
    place = TupleTable(table, stored.realm, stored.store, slot, clock=clock)
    return TupleRows(place, object, InTuple("user", *subject), subject)
