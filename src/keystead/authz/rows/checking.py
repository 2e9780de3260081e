"""Holds a mapping against the model and the tables: everything that is wrong, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from keystead.authz.errors import InvalidRelationship
from keystead.authz.model import AuthorizationModel, Restriction
from keystead.authz.names import WILDCARD, Subject, parse_user
from keystead.authz.rows.describing import describer_of
from keystead.authz.rows.identities import Fixed, InColumn
from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.mapping import ByColumn, ByLink, ByRow, Rows, Source, Stored, StoredTuples, Where
from keystead.authz.rows.tables import Column
from keystead.authz.rows.tuple_rows import Condition, Place, Slot, TupleRows


class Declared(msgspec.Struct, frozen=True):
    """One relation as declared, ready to be read: the rows, and whether stored tuples count beside them."""

    slot: Slot
    rows: tuple[TupleRows, ...]
    stored: bool


class Refused(Exception):
    """One declaration is wrong; the message says how to mend it."""


class Checker:
    """Reads the declarations of one mapping. `problems` collects what is wrong."""

    def __init__(self, model: AuthorizationModel, stored: StoredTuples | None) -> None:
        self.model = model
        self.stored = stored
        self.problems: list[str] = []
        self.ids: dict[str, Column] = {}

    def types(self, declared: Sequence[Rows]) -> None:
        """Read the tables and their ids."""
        for rows in declared:
            definition = self.model.type(rows.type)
            if definition is None:
                known = ", ".join(each.name for each in self.model.types)
                self.problems.append(f"{rows.type}: the model has no such type: it has {known}")
            elif rows.type in self.ids:
                self.problems.append(f"{rows.type}: mapped twice; give one `Rows` for each type")
            else:
                self._id(rows)

    def relations(self, rows: Rows) -> Iterator[Declared]:
        """Read the relations of one type."""
        definition = self.model.type(rows.type)
        for name, sources in rows.relations.items() if definition and rows.type in self.ids else ():
            relation = definition.relation(name) if definition else None
            place = f"{rows.type}#{name}"
            if relation is None:
                known = ", ".join(each.name for each in definition.relations) if definition else ""
                self.problems.append(f"{place}: type `{rows.type}` has no such relation: it has {known or 'none'}")
            elif not relation.restrictions:
                self.problems.append(f"{place}: the model computes this relation; map the relations it is made of")
            else:
                yield self._declared(rows, name, relation.restrictions, sources)

    def _id(self, rows: Rows) -> None:
        try:
            self.ids[rows.type] = _id_column(rows.table, rows.id)
        except (Refused, LookupError) as problem:
            self.problems.append(f"{rows.type}: {problem}")

    def _declared(
        self, rows: Rows, name: str, restrictions: tuple[Restriction, ...], sources: Source | Sequence[Source]
    ) -> Declared:
        listed = sources if isinstance(sources, Sequence) else (sources,)
        found: list[TupleRows] = []
        stored = False
        for number, source in enumerate(listed):
            place = f"{rows.type}#{name}" + (f"[{number}]" if len(listed) > 1 else "")
            try:
                if isinstance(source, Stored):
                    stored = True
                    self._require_stored()
                else:
                    found.append(self._rows(rows, restrictions, source))
            except (Refused, LookupError, InvalidRelationship) as problem:
                self.problems.append(f"{place}: {problem}")
        return Declared((rows.type, name), tuple(found), stored)

    def _require_stored(self) -> None:
        if self.stored is None:
            raise Refused("stored tuples are to count, but none are named; pass `stored=StoredTuples(...)`")

    def _rows(self, rows: Rows, restrictions: tuple[Restriction, ...], source: Source) -> TupleRows:
        if isinstance(source, ByRow):
            return self._by_row(rows, restrictions, source)
        if isinstance(source, ByColumn):
            return self._by_column(rows, restrictions, source)
        if isinstance(source, ByLink):
            return self._by_link(rows, restrictions, source)
        raise Refused(f"{source!r} is no source; use by_column, by_link, by_flag, always or stored")

    def _by_row(self, rows: Rows, restrictions: tuple[Restriction, ...], source: ByRow) -> TupleRows:
        id, subject = self._own_id(rows), parse_user(source.user)
        _require_allowed(restrictions, subject)
        place = Place(id.column.table, _conditions(rows.table, source.where, id.column), own=True)
        user = Fixed(subject.id, subject.type)
        return TupleRows(place, id, user, (subject.type, subject.relation), subject.id == WILDCARD)

    def _by_column(self, rows: Rows, restrictions: tuple[Restriction, ...], source: ByColumn) -> TupleRows:
        id, subject = self._own_id(rows), _subject(restrictions, source)
        column = _id_column(rows.table, source.column)
        if column.table != id.column.table:
            raise Refused(f"{column} is in another table than {id.column}; use by_link for that table")
        place = Place(id.column.table, _conditions(rows.table, source.where, id.column), own=True)
        return TupleRows(place, id, _in(column, subject.type), (subject.type, subject.relation))

    def _by_link(self, rows: Rows, restrictions: tuple[Restriction, ...], source: ByLink) -> TupleRows:
        subject = _subject(restrictions, source)
        object, user = _id_column(source.table, source.object), _id_column(source.table, source.user)
        if object.table != user.table:
            raise Refused(f"{object} and {user} are in different tables; a link has both columns in one")
        place = Place(object.table, _conditions(source.table, source.where, object))
        return TupleRows(place, _in(object, rows.type), _in(user, subject.type), (subject.type, subject.relation))

    def _own_id(self, rows: Rows) -> InColumn:
        return _in(self.ids[rows.type], rows.type)


def kinds_of(model: AuthorizationModel, ids: Mapping[str, Column], rows: Sequence[TupleRows]) -> dict[str, Kind]:
    """Choose the kind in which each type's ids are compared: that of its table, or what all columns agree on."""
    seen: dict[str, set[Kind]] = {definition.name: set() for definition in model.types}
    for each in rows:
        for identity in (each.object, each.user):
            if isinstance(identity, InColumn):
                seen[identity.type].add(identity.kind)
    kinds = {type: next(iter(each)) if len(each) == 1 else Kind.TEXT for type, each in seen.items()}
    return kinds | {type: column.kind for type, column in ids.items() if column.kind is not None}


def _subject(restrictions: tuple[Restriction, ...], source: ByColumn | ByLink) -> Subject:
    type, _, relation = source.subject.partition("#")
    if ":" in source.subject:
        raise Refused(f"{source.subject!r} is a user; name a type, as in `user` or `team#member`, or use `always`")
    subject = Subject(type, "", relation)
    _require_allowed(restrictions, subject)
    return subject


def _in(column: Column, type: str) -> InColumn:
    assert column.kind is not None
    return InColumn(column, type, column.kind)


def _id_column(table: object, column: object) -> Column:
    """Describe a column that holds ids. Raises: Refused, LookupError."""
    described = describer_of(table).column(table, column)
    if described.kind is None:
        raise Refused(f"{described} cannot hold ids: {described.why_not}")
    return described


def _conditions(table: object, where: Where, beside: Column) -> tuple[Condition, ...]:
    found = []
    for column, wanted in where.items():
        described = describer_of(table).column(table, column)
        if described.table != beside.table:
            raise Refused(f"the condition on {described} is on another table than {beside}")
        values = wanted if isinstance(wanted, tuple) else (wanted,)
        if not values or (None in values and len(values) > 1):
            raise Refused(f"the condition on {described} names no value, or None among others; give them apart")
        found.append(Condition(described, values))
    return tuple(found)


def _require_allowed(restrictions: tuple[Restriction, ...], subject: Subject) -> None:
    """Demand that the model lets the subject stand in a tuple. Raises: Refused with what it lets in."""
    wildcard = subject.id == WILDCARD
    matching = [
        each
        for each in restrictions
        if (each.type, each.relation, each.wildcard) == (subject.type, subject.relation, wildcard)
    ]
    allowed = ", ".join(str(each) for each in restrictions)
    name = f"{subject.type}:*" if wildcard else subject.type + (f"#{subject.relation}" if subject.relation else "")
    if not matching:
        raise Refused(f"the model does not allow `{name}` here: it allows [{allowed}]")
    if all(each.condition for each in matching):
        raise Refused(
            f"the model allows `{name}` only with a condition, and a row has none: allow `{name}` beside it, put the "
            "condition into `where`, or leave this relation to stored tuples"
        )
