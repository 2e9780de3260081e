"""A relation of an object as OpenFGA's UsersetTree.

Tuples with a condition count whatever the condition says: the tree is what stands there, not a decision.
"""

from __future__ import annotations

from collections.abc import Sequence

from keystead.authz.engine.graph import Graph
from keystead.authz.model import Computed, Direct, Exclusion, FromParent, Intersection, Rewrite, Union

Node = dict[str, object]


def tree_of(graph: Graph, object: str, relation: str) -> Node:
    """Return the root of the tree. The model has the relation."""
    definition = graph.plan.model.relation(object.partition(":")[0], relation)
    assert definition is not None
    return _node(graph, object, relation, definition.rewrite)


def _node(graph: Graph, object: str, relation: str, rewrite: Rewrite) -> Node:
    name = f"{object}#{relation}"

    def parts(children: Sequence[Rewrite]) -> list[Node]:
        return [_node(graph, object, relation, child) for child in children]

    match rewrite:
        case Direct():
            return {"name": name, "leaf": {"users": {"users": users_named(graph, object, relation)}}}
        case Computed():
            return {"name": name, "leaf": {"computed": {"userset": f"{object}#{rewrite.relation}"}}}
        case FromParent():
            return {"name": name, "leaf": {"tupleToUserset": _parents(graph, object, rewrite)}}
        case Union():
            return {"name": name, "union": {"nodes": parts(rewrite.children)}}
        case Intersection():
            return {"name": name, "intersection": {"nodes": parts(rewrite.children)}}
        case Exclusion():
            base, subtract = parts((rewrite.base, rewrite.subtract))
            return {"name": name, "difference": {"base": base, "subtract": subtract}}


def _parents(graph: Graph, object: str, rewrite: FromParent) -> Node:
    parents = users_named(graph, object, rewrite.tupleset)
    computed = [{"userset": f"{parent}#{rewrite.relation}"} for parent in parents]
    return {"tupleset": f"{object}#{rewrite.tupleset}", "computed": computed}


def users_named(graph: Graph, object: str, relation: str) -> list[str]:
    """Return whom the tuples of one relation of one object name, sorted."""
    number = graph.number(object)
    if number < 0:
        return []
    plan = graph.plan
    node = graph.node(number, plan.slots[object.partition(":")[0], relation])
    named = {graph.names[user] for user in (*graph.users.at(node), *graph.qualified_users.at(node))}
    for userset in (*graph.usersets.at(node), *graph.qualified_usersets.at(node)):
        group, slot = divmod(userset, plan.width)
        named.add(f"{graph.names[group]}#{plan.names[slot][1]}")
    return sorted(named)
