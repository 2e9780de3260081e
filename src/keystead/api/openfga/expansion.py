"""One level of a relation as OpenFGA's UsersetTree.

Spec: openfga/v1/openfga.proto (UsersetTree).
"""

from __future__ import annotations

from keystead.authz.engine.expansion import (
    ExpandedComputed,
    ExpandedDifference,
    ExpandedIntersection,
    ExpandedParents,
    ExpandedUnion,
    ExpandedUsers,
    Expansion,
)

Node = dict[str, object]


def node_of(level: Expansion) -> Node:
    """Return the message of a node and everything below it."""
    return {"name": level.name, **_value(level)}


def _value(level: Expansion) -> Node:
    match level:
        case ExpandedUsers():
            return {"leaf": {"users": {"users": level.users}}}
        case ExpandedComputed():
            return {"leaf": {"computed": {"userset": level.userset}}}
        case ExpandedParents():
            computed = [{"userset": userset} for userset in level.usersets]
            return {"leaf": {"tupleToUserset": {"tupleset": level.tupleset, "computed": computed}}}
        case ExpandedUnion():
            return {"union": {"nodes": [node_of(each) for each in level.nodes]}}
        case ExpandedIntersection():
            return {"intersection": {"nodes": [node_of(each) for each in level.nodes]}}
        case ExpandedDifference():
            return {"difference": {"base": node_of(level.base), "subtract": node_of(level.subtract)}}
