"""One level of what gives a relation to an object: its rule as a tree, with the tuples filled in at the leaves.

Shape: the tree of OpenFGA's `expand`. Every node is named by what was asked, `object#relation`. To go on, expand
the usersets that the leaves name.
Does not: evaluate conditions; a tuple under a condition is shown like any other, an expired one is not.
"""

from __future__ import annotations

import msgspec

from keystead.authz.engine.doubt import Judge
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.question import unknown_relation
from keystead.authz.errors import InvalidQuery, InvalidRelationship
from keystead.authz.model import Computed, Direct, Exclusion, FromParent, Intersection, Rewrite, Union
from keystead.authz.names import parse_object


class ExpandedUsers(msgspec.Struct, frozen=True):
    """Whom tuples name: users, wildcards and usersets, in order."""

    name: str
    users: tuple[str, ...]


class ExpandedComputed(msgspec.Struct, frozen=True):
    """Whoever has `userset`, another relation of the same object."""

    name: str
    userset: str


class ExpandedParents(msgspec.Struct, frozen=True):
    """Whoever has one of `usersets`: a relation of the objects that the tuples of `tupleset` name."""

    name: str
    tupleset: str
    usersets: tuple[str, ...]


class ExpandedUnion(msgspec.Struct, frozen=True):
    """At least one."""

    name: str
    nodes: tuple[Expansion, ...]


class ExpandedIntersection(msgspec.Struct, frozen=True):
    """Every one."""

    name: str
    nodes: tuple[Expansion, ...]


class ExpandedDifference(msgspec.Struct, frozen=True):
    """The base and not the other."""

    name: str
    base: Expansion
    subtract: Expansion


Expansion = (
    ExpandedUsers | ExpandedComputed | ExpandedParents | ExpandedUnion | ExpandedIntersection | ExpandedDifference
)


def expand(graph: Graph, judge: Judge, object: str, relation: str) -> Expansion:
    """Return one level. Raises: InvalidQuery."""
    try:
        type, _ = parse_object(object)
    except InvalidRelationship as malformed:
        raise InvalidQuery(str(malformed)) from malformed
    definition = graph.plan.model.relation(type, relation)
    if definition is None:
        raise InvalidQuery(unknown_relation(graph, type, relation))
    return _Expander(graph, judge, object, relation).expand(definition.rewrite)


class _Expander:
    """Fills one rule."""

    def __init__(self, graph: Graph, judge: Judge, object: str, relation: str) -> None:
        self.graph = graph
        self.judge = judge
        self.object = object
        self.relation = relation
        self.name = f"{object}#{relation}"

    def expand(self, rewrite: Rewrite) -> Expansion:
        """Turn a rewrite into a tree."""
        match rewrite:
            case Direct():
                return ExpandedUsers(self.name, self._named(self.relation))
            case Computed(relation):
                return ExpandedComputed(self.name, f"{self.object}#{relation}")
            case FromParent(relation, tupleset):
                parents = tuple(f"{parent}#{relation}" for parent in self._named(tupleset))
                return ExpandedParents(self.name, f"{self.object}#{tupleset}", parents)
            case Exclusion(base, subtract):
                return ExpandedDifference(self.name, self.expand(base), self.expand(subtract))
            case Union(children):
                return ExpandedUnion(self.name, tuple(self.expand(child) for child in children))
            case Intersection(children):
                return ExpandedIntersection(self.name, tuple(self.expand(child) for child in children))

    def _named(self, relation: str) -> tuple[str, ...]:
        """Return whom the tuples of a relation of the object name, sorted."""
        graph, plan = self.graph, self.graph.plan
        node = graph.node(graph.number(self.object), plan.slots[self.object.partition(":")[0], relation])
        if node < 0:
            return ()
        users, usersets = graph.qualified_users.at(node), graph.qualified_usersets.at(node)
        numbers = [*graph.users.at(node), *(each for each, when in users.items() if not self.judge.has_expired(when))]
        nodes = [
            *graph.usersets.at(node),
            *(each for each, when in usersets.items() if not self.judge.has_expired(when)),
        ]
        named = [graph.names[number] for number in numbers]
        for each in nodes:
            number, slot = divmod(each, plan.width)
            named.append(f"{graph.names[number]}#{plan.names[slot][1]}")
        return tuple(sorted(named))
