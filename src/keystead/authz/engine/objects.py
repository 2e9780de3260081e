"""The question turned round: to which objects of a type has the user the relation?"""

from __future__ import annotations

from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import UNKNOWN
from keystead.authz.engine.question import Question, ask, unknown_relation
from keystead.authz.errors import InvalidQuery
from keystead.authz.names import WILDCARD


def list_objects(evaluator: Evaluator, type: str, relation: str, user: str) -> list[str]:
    """Return every object of `type` for which the check says yes, in bytewise order.

    Time grows with what the user can reach, not with what is stored.
    Does not: truncate. Raises: InvalidQuery; Undecided when one of the answers is conditional.
    """
    graph = evaluator.graph
    slot = graph.plan.slots.get((type, relation))
    if slot is None:
        raise InvalidQuery(unknown_relation(graph, type, relation))
    asking, userset, _ = user.partition("#")
    own = userset and asking.partition(":")[0] == type
    question = ask(graph, user, relation, asking if own else f"{type}:-")
    names = {
        graph.names[node // graph.plan.width] for node in _candidates(evaluator, question) if _is(node, slot, evaluator)
    }
    if own:
        names.add(asking)
    names.discard(f"{type}:{WILDCARD}")
    certain = graph.plan.shortcuts.has[slot] and not userset and not graph.qualified_below(slot)
    return sorted(names if certain else (name for name in names if evaluator.certain(user, relation, name)))


def _is(node: int, slot: int, evaluator: Evaluator) -> bool:
    width = evaluator.graph.plan.width
    return node % width == slot and node // width < len(evaluator.graph.names)


def _candidates(evaluator: Evaluator, question: Question) -> list[int]:
    """Return every node the user may have: start from the tuples that name it and follow the rules backwards."""
    graph = evaluator.graph
    graph.index_backwards()
    plan, width = graph.plan, graph.plan.width
    found = {node for who in (question.user, question.everybody) for node in graph.named_in.at(who)}
    if question.userset != UNKNOWN:
        found.add(question.userset)
    walk = list(found)
    for node in walk:
        object, slot = divmod(node, width)
        gained = [node - slot + other for other in plan.backward.also[slot]]
        gained += graph.userset_in.at(node)
        if plan.backward.through[slot]:
            for over in graph.named_in.at(object):
                gained += [
                    over - over % width + other
                    for tupleset, other in plan.backward.through[slot]
                    if over % width == tupleset
                ]
        for each in gained:
            if each not in found:
                found.add(each)
                walk.append(each)
    return walk
