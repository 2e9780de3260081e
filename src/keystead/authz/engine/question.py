"""A question in the graph's numbers: who, and which node."""

from __future__ import annotations

import msgspec

from keystead.authz.engine.graph import UNKNOWN, Graph
from keystead.authz.errors import InvalidQuery, InvalidRelationship
from keystead.authz.names import WILDCARD, parse_object, parse_relation, parse_user


class Question(msgspec.Struct, frozen=True):
    """Has `user` the relation `slot` to `object`?

    `user` is a number (`UNKNOWN` when no tuple names it) and `everybody` the number of its type's wildcard;
    `userset` is the node when a userset asks, else `UNKNOWN`. An object without tuples gets the number after the
    last, which leads nowhere.
    """

    user: int
    everybody: int
    userset: int
    user_type: str
    object: int
    slot: int
    node: int
    user_name: str
    object_name: str


def known(graph: Graph, user: str, relation: str, object: str) -> tuple[int, int, int, int] | None:
    """Translate a question between two names that stand in tuples: (user, everybody, slot, node). None: take care."""
    number, who = graph.numbers.get(object), graph.numbers.get(user)
    if number is None or who is None or object[-2:] == ":*":
        return None
    slot = graph.plan.slots.get((graph.types[number], relation))
    if slot is None:
        return None
    return who, graph.everybody.get(graph.types[who], UNKNOWN), slot, number * graph.plan.width + slot


def ask(graph: Graph, user: str, relation: str, object: str) -> Question:
    """Translate a question. Raises: InvalidQuery when the model has no such type or relation."""
    quick = known(graph, user, relation, object)
    if quick is None:
        return _ask_carefully(graph, user, relation, object)
    who, everybody, slot, node = quick
    return Question(who, everybody, UNKNOWN, graph.types[who], node // graph.plan.width, slot, node, user, object)


def _ask_carefully(graph: Graph, user: str, relation: str, object: str) -> Question:
    try:
        object_type, _ = parse_object(object)
        subject = parse_user(user)
        parse_relation(relation)
    except InvalidRelationship as malformed:
        raise InvalidQuery(str(malformed)) from malformed
    plan = graph.plan
    slot = plan.slots.get((object_type, relation))
    if slot is None:
        raise InvalidQuery(unknown_relation(graph, object_type, relation))
    if subject.type not in plan.types:
        raise InvalidQuery(f"the model has no type `{subject.type}`: it has {', '.join(sorted(plan.types))}")
    number = _number_or_next(graph, object)
    node = graph.node(number, slot)
    if not subject.relation:
        everybody = graph.everybody.get(subject.type, UNKNOWN) if subject.id != WILDCARD else UNKNOWN
        return Question(graph.number(user), everybody, UNKNOWN, subject.type, number, slot, node, user, object)
    user_slot = plan.slots.get((subject.type, subject.relation))
    if user_slot is None:
        raise InvalidQuery(unknown_relation(graph, subject.type, subject.relation))
    userset = graph.node(_number_of_userset(graph, subject.object, object, number), user_slot)
    return Question(UNKNOWN, UNKNOWN, userset, subject.type, number, slot, node, user, object)


def unknown_relation(graph: Graph, type: str, relation: str) -> str:
    """Say that a relation does not exist, and which do."""
    if type not in graph.plan.types:
        return f"the model has no type `{type}`: it has {', '.join(sorted(graph.plan.types))}"
    known = sorted(name for known_type, name in graph.plan.slots if known_type == type)
    return f"type `{type}` has no relation `{relation}`: it has {', '.join(known) or 'none'}"


def _number_or_next(graph: Graph, name: str) -> int:
    number = graph.number(name)
    return len(graph.names) if number == UNKNOWN else number


def _number_of_userset(graph: Graph, name: str, object: str, number: int) -> int:
    """Number the asking userset's object; two unknown names must never become one."""
    if name == object:
        return number
    known = graph.number(name)
    return len(graph.names) + 1 if known == UNKNOWN else known
