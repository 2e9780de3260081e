"""A question for rows in SQL: who asks, for which relation, with which tuples that come along."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from keystead.authz.errors import InvalidQuery, InvalidRelationship
from keystead.authz.model import Computed, Direct, FromParent, leaves
from keystead.authz.names import WILDCARD, Subject, parse_object, parse_user, text_of
from keystead.authz.rows.condition import Condition
from keystead.authz.rows.identities import Fixed, InColumn
from keystead.authz.rows.mapped import RowMapping
from keystead.authz.rows.problems import NotExpressible, TooMuch
from keystead.authz.rows.scope import Scope
from keystead.authz.rows.sql import Bound, Sql, typed
from keystead.authz.rows.tables import Column, Table
from keystead.authz.rows.tuple_rows import Inline, Slot, TupleRows
from keystead.authz.writes import TupleLike, accepted_tuples

MAX_TUPLES: Final = 1_000
"""The most tuples that may come along with one question: each becomes two bound values of the query."""


def condition_for(
    mapping: RowMapping, user: str, relation: str, type: str, *, tuples: Iterable[TupleLike] = (), few: bool = False
) -> Sql:
    """Write the condition under which a row of a type's table is one to which the user has the relation.

    `few`: say it as a set of ids that starts from the user, not as a condition on each row's columns.
    Raises: InvalidQuery, InvalidRelationship, NotExpressible, TooMuch.
    """
    subject = _subject(mapping, user)
    slot = (type, _relation(mapping, type, relation))
    scope = Scope(mapping, subject, extra_rows(mapping, tuples))
    refuse_conditions(mapping, slot)
    condition = Condition(scope, type, mapping.tables[type].id)
    return condition.by_ids(relation) if few else condition.of(relation)


def _subject(mapping: RowMapping, user: str) -> Subject:
    try:
        subject = parse_user(user)
    except InvalidRelationship as malformed:
        raise InvalidQuery(str(malformed)) from malformed
    definition = mapping.model.type(subject.type)
    if definition is None:
        known = ", ".join(sorted(each.name for each in mapping.model.types))
        raise InvalidQuery(f"the model has no type `{subject.type}`: it has {known}")
    if subject.relation and definition.relation(subject.relation) is None:
        _relation(mapping, subject.type, subject.relation)
    return subject


def _relation(mapping: RowMapping, type: str, relation: str) -> str:
    definition = mapping.model.type(type)
    if definition is None or definition.relation(relation) is None:
        known = ", ".join(sorted(each.name for each in definition.relations)) if definition else ""
        raise InvalidQuery(f"type `{type}` has no relation `{relation}`: it has {known or 'none'}")
    return relation


def refuse_conditions(mapping: RowMapping, slot: Slot) -> None:
    """Refuse what stored tuples with conditions could decide: SQL cannot evaluate them. Raises: NotExpressible."""
    for type, relation in sorted(involved(mapping, slot) & mapping.conditioned):
        raise NotExpressible(
            f"{type}#{relation}: its stored tuples may have conditions, which SQL cannot evaluate; ask the view over "
            "the rows (`check`, `list_objects`), or map this relation to rows with the condition in `where`"
        )


def extra_rows(mapping: RowMapping, tuples: Iterable[TupleLike]) -> dict[Slot, tuple[TupleRows, ...]]:
    """Turn tuples that come along into rows that are bound one by one. Raises: InvalidRelationship, TooMuch."""
    accepted = accepted_tuples(mapping.plan, tuples)
    if len(accepted) > MAX_TUPLES:
        raise TooMuch(f"{len(accepted):,} tuples came along; a query takes {MAX_TUPLES:,}: store them instead")
    pairs: dict[tuple[Slot, Slot, bool], list[tuple[Sql, Sql]]] = {}
    for each in accepted:
        if each.condition or each.expires_at:
            raise NotExpressible(f"{text_of(each)}: a tuple that has a condition or expires cannot be part of a query")
        object_type, object_id = parse_object(each.object)
        user = parse_user(each.user)
        object, who = _bound(mapping, object_type, object_id), _bound(mapping, user.type, user.id)
        wildcard = user.id == WILDCARD
        if object is not None and (wildcard or who is not None):
            key = ((object_type, each.relation), (user.type, user.relation), wildcard)
            pairs.setdefault(key, []).append((object, who or ("NULL",)))
    found: dict[Slot, tuple[TupleRows, ...]] = {}
    for (slot, subject, wildcard), listed in pairs.items():
        named = Fixed(WILDCARD, subject[0]) if wildcard else _column(mapping, "u", subject[0])
        rows = TupleRows(Inline(tuple(listed)), _column(mapping, "o", slot[0]), named, subject, wildcard)
        found[slot] = (*found.get(slot, ()), rows)
    return found


def involved(mapping: RowMapping, slot: Slot) -> set[Slot]:
    """Return every relation that the model lets matter for one, whoever asks."""
    found, walk = {slot}, [slot]
    while walk:
        definition = mapping.model.relation(*walk[-1])
        type = walk.pop()[0]
        for leaf in leaves(definition.rewrite) if definition else ():
            for other in _next(mapping, type, leaf):
                if other not in found and mapping.model.relation(*other):
                    found.add(other)
                    walk.append(other)
    return found


def _next(mapping: RowMapping, type: str, leaf: Direct | Computed | FromParent) -> list[Slot]:
    if isinstance(leaf, Direct):
        return [(each.type, each.relation) for each in leaf.restrictions if each.relation]
    if isinstance(leaf, Computed):
        return [(type, leaf.relation)]
    tupleset = mapping.model.relation(type, leaf.tupleset)
    parents = [(each.type, leaf.relation) for each in tupleset.restrictions] if tupleset else []
    return [(type, leaf.tupleset), *parents]


def _bound(mapping: RowMapping, type: str, id: str) -> Sql | None:
    kind = mapping.kind(type)
    value = kind.parse(id)
    return None if value is None else typed(Bound(value, kind), kind)


def _column(mapping: RowMapping, name: str, type: str) -> InColumn:
    kind = mapping.kind(type)
    return InColumn(Column(Table("tuples"), name, name, kind, nullable=False), type, kind)
