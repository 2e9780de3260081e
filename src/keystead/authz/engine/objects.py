"""The question turned round: to which objects of a type has the user the relation?"""

from __future__ import annotations

from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.question import unknown_relation
from keystead.authz.errors import InvalidQuery
from keystead.authz.names import WILDCARD


def list_objects(evaluator: Evaluator, type: str, relation: str, user: str) -> list[str]:
    """Return every object of `type` for which the check says yes, in bytewise order. Raises: InvalidQuery.

    Does not: truncate. Each object a tuple mentions is checked, so the time grows with their number.
    """
    graph = evaluator.graph
    if (type, relation) not in graph.plan.slots:
        raise InvalidQuery(unknown_relation(graph, type, relation))
    evaluator.holds(user, relation, f"{type}:-")  # a malformed user is refused even when there is nothing to list
    candidates = {name for name, of in zip(graph.names, graph.types, strict=True) if of == type}
    candidates.discard(f"{type}:{WILDCARD}")
    asking, mark, _ = user.partition("#")
    if mark and asking.partition(":")[0] == type:
        candidates.add(asking)
    return sorted(name for name in candidates if evaluator.holds(user, relation, name))
