"""The question from the other side: who has a relation to an object?

Everything that can be reached from the object is looked at once and turned into a circuit; `masks` decides it for all
candidates together. Those are whoever a tuple on the way names; for usersets, whatever usersets are met.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from keystead.authz.decisions import Conditional
from keystead.authz.engine.allowance import Spend
from keystead.authz.engine.depth import nodes_within
from keystead.authz.engine.doubt import Doubt, Judge
from keystead.authz.engine.graph import UNKNOWN, Graph
from keystead.authz.engine.masks import STRANGER, Either, Every, Formula, Leaf, Without, named, solve, targets_of
from keystead.authz.engine.plan import Plan
from keystead.authz.engine.qualified import Qualifier
from keystead.authz.engine.question import unknown_relation
from keystead.authz.engine.rules import AllOf, Also, AnyOf, ButNot, Named, Rule, Through
from keystead.authz.engine.solver import TOO_DEEP
from keystead.authz.errors import InvalidQuery, InvalidRelationship, Undecided
from keystead.authz.names import WILDCARD, parse_object

if TYPE_CHECKING:
    from keystead.authz.engine.evaluator import Evaluator


class Sought(msgspec.Struct, frozen=True):
    """Who is looked for: everybody of a type, or the usersets of a slot (else UNKNOWN)."""

    type: str
    slot: int = UNKNOWN


def list_users(evaluator: Evaluator, object: str, relation: str, filter: str) -> list[str]:
    """Return, in order, every user of a type (`user`) or userset (`group#member`) for which the check says yes.

    If everybody has the relation the list has the wildcard, `user:*`, and those who are named in their own right.
    Does not: truncate. Raises: InvalidQuery; Undecided when a condition anywhere below cannot be evaluated.
    """
    graph = evaluator.graph
    number, slot, sought = _ask(graph, object, relation, filter)
    if not _can_lead(graph.plan, slot, sought, evaluator.judge.spend):
        return []
    walk = _Walk(evaluator, graph.node(number, slot), sought)
    spend = evaluator.judge.spend
    certain = solve(walk.formulas, walk.itself, spend)
    found = certain[walk.start]
    everybody = bool(found & STRANGER)
    if everybody:
        found = named(walk.formulas, walk.itself, certain, spend)[walk.start]
    listed = [walk.name(who, object) for who, bit in walk.bits.items() if found & bit]
    return sorted([*listed, f"{sought.type}:{WILDCARD}"] if everybody else listed)


def _ask(graph: Graph, object: str, relation: str, filter: str) -> tuple[int, int, Sought]:
    try:
        type, _ = parse_object(object)
    except InvalidRelationship as malformed:
        raise InvalidQuery(str(malformed)) from malformed
    slots, (sought_type, _, sought_relation) = graph.plan.slots, filter.partition("#")
    for asked_type, asked_relation in ((type, relation), (sought_type, sought_relation)):
        unknown = asked_type not in graph.plan.types
        if unknown or (asked_relation and (asked_type, asked_relation) not in slots):
            raise InvalidQuery(unknown_relation(graph, asked_type, asked_relation))
    if not relation:
        raise InvalidQuery(unknown_relation(graph, type, relation))
    number = graph.number(object)
    sought = Sought(sought_type, slots[sought_type, sought_relation] if sought_relation else UNKNOWN)
    return len(graph.names) if number == UNKNOWN else number, slots[type, relation], sought


def _can_lead(plan: Plan, slot: int, sought: Sought, spend: Spend) -> bool:
    """Tell whether the model lets anybody who is sought have this slot: under `and`, every part must."""
    below = [each for each in range(plan.width) if plan.reachable[slot] >> each & 1]
    able: set[int] = {sought.slot}
    while slot not in able:
        known = len(able)
        for each in reversed(below):  # mostly what a relation is made of comes after it
            if each not in able and _may(plan, plan.rules[each], sought, able):
                able.add(each)
        if len(able) == known:
            return False
        spend()
    return True


def _may(plan: Plan, rule: Rule, sought: Sought, able: Container[int]) -> bool:
    match rule:
        case Named(slot):
            accepts = plan.accepts[slot]
            named = sought.slot == UNKNOWN and sought.type in accepts.types | accepts.wildcards
            return named or any(userset in able for userset in accepts.usersets.values())
        case Also(slot):
            return slot in able
        case Through(_, targets):
            return any(target in able for target in targets.values())
        case AnyOf(parts):
            return any(_may(plan, part, sought, able) for part in parts)
        case AllOf(parts):
            return all(_may(plan, part, sought, able) for part in parts)
        case ButNot(base, _):
            return _may(plan, base, sought, able)


class _Walk:
    """Everything below one node, as formulas, innermost first. `bits` numbers the candidates."""

    def __init__(self, evaluator: Evaluator, start: int, sought: Sought) -> None:
        self.graph: Graph = evaluator.graph
        self.judge: Judge = evaluator.judge
        self.start = start
        self.sought = sought
        self.bits: dict[int, int] = {}
        """Number of a user, or node of a userset -> its bit."""
        self.itself: dict[int, int] = {}
        self._parts: dict[int, Formula] = {}
        """What a `but not` takes away, under numbers below zero: nodes of their own, as in the solver."""
        limit = evaluator.maximum_depth
        self.within = nodes_within(self.graph, self.judge, start, limit) if limit else None
        self.formulas = self._all_below(start)

    def name(self, who: int, object: str) -> str:
        """Name a candidate; `object` is the one asked about, which perhaps no tuple names."""
        names, width = self.graph.names, self.graph.plan.width
        if self.sought.slot == UNKNOWN:
            return names[who]
        number = who // width
        return f"{names[number] if number < len(names) else object}#{self.graph.plan.names[who % width][1]}"

    def _all_below(self, start: int) -> dict[int, Formula]:
        done: dict[int, Formula] = {}
        met = {start: self._formula(start)}
        walk = [(start, iter(targets_of(met[start])))]
        while walk:
            node, ahead = walk[-1]
            target = next(ahead, None)
            if target is None:
                walk.pop()
                done[node] = met[node]
            elif target not in met:
                if self.within is not None and target >= 0 and target not in self.within:
                    raise Undecided(Conditional(TOO_DEEP.reason, TOO_DEEP.detail, revision=self.graph.revision))
                met[target] = self._formula(target)
                walk.append((target, iter(targets_of(met[target]))))
        return done

    def _formula(self, node: int) -> Formula:
        self.judge.spend()
        if node < 0:
            return self._parts[node]
        object, slot = divmod(node, self.graph.plan.width)
        if slot == self.sought.slot:
            self.itself[node] = self._bit(node)
        return self._compile(object, self.graph.plan.rules[slot])

    def _compile(self, object: int, rule: Rule) -> Formula:
        match rule:
            case Named(slot):
                return self._named(self.graph.node(object, slot))
            case Also(slot):
                return Leaf(0, False, (self.graph.node(object, slot),))
            case Through(tupleset, targets):
                return Leaf(0, False, tuple(self._parents(self.graph.node(object, tupleset), targets)))
            case AnyOf(parts):
                return Either(tuple(self._compile(object, part) for part in parts))
            case AllOf(parts):
                return Every(tuple(self._compile(object, part) for part in parts))
            case ButNot(base, subtract):
                taken = self._compile(object, subtract)
                if not isinstance(taken, Leaf):
                    number = -1 - len(self._parts)
                    self._parts[number] = taken
                    taken = Leaf(0, False, (number,))
                return Without(self._compile(object, base), taken)

    def _named(self, node: int) -> Leaf:
        graph, type = self.graph, self.sought.type
        users = [*graph.users.at(node), *self._counting(graph.qualified_users.at(node))]
        usersets = (*graph.usersets.at(node), *self._counting(graph.qualified_usersets.at(node)))
        if self.sought.slot != UNKNOWN:
            return Leaf(0, False, usersets)
        everybody, mask = graph.everybody.get(type, UNKNOWN), 0
        for user in users:
            if graph.types[user] == type and user != everybody:
                mask |= self._bit(user)
        return Leaf(mask, everybody in users, usersets)

    def _parents(self, node: int, targets: Mapping[str, int]) -> Iterator[int]:
        graph = self.graph
        for parent in (*graph.users.at(node), *self._counting(graph.qualified_users.at(node))):
            slot = targets.get(graph.types[parent])
            if slot is not None:
                yield graph.node(parent, slot)

    def _counting(self, qualified: Mapping[int, Qualifier]) -> Iterator[int]:
        for who, qualifier in qualified.items():
            verdict = self.judge.counts(qualifier)
            if isinstance(verdict, Doubt):
                raise Undecided(Conditional(verdict.reason, verdict.detail, (), self.graph.revision, verdict.missing))
            if verdict:
                yield who

    def _bit(self, who: int) -> int:
        return self.bits.setdefault(who, STRANGER << len(self.bits) + 1)
