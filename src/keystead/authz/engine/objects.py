"""The question turned round: to which objects of a type has the user the relation?"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from itertools import islice

import msgspec

from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import UNKNOWN, Graph
from keystead.authz.engine.question import Question, ask, unknown_relation
from keystead.authz.errors import InvalidQuery


class Candidates(msgspec.Struct, frozen=True):
    """What can be in a list, in bytewise order. `certain`: it is; else each is to be asked about."""

    names: list[str]
    certain: bool


def list_objects(
    evaluator: Evaluator, type: str, relation: str, user: str, *, after: str = "", limit: int = 0
) -> list[str]:
    """Return the objects of `type` for which the check says yes, in bytewise order, from the one following `after` on.

    With a `limit` at most so many: ask again with the last as `after`. Without one, all: never truncated.
    Time grows with what the user can reach, not with what is stored.
    Raises: InvalidQuery; Undecided when one of the answers is conditional.
    """
    found = candidates(evaluator, type, relation, user, after)
    if not found.certain:
        return list(islice((name for name in found.names if has(evaluator, user, relation, name)), limit or None))
    return found.names[:limit] if limit else found.names


def candidates(evaluator: Evaluator, type: str, relation: str, user: str, after: str = "") -> Candidates:
    """Return every object that can be in a list, from the one following `after` on. Raises: InvalidQuery."""
    graph = evaluator.graph
    slot = graph.plan.slots.get((type, relation))
    if slot is None:
        raise InvalidQuery(unknown_relation(graph, type, relation))
    asking, userset, _ = user.partition("#")
    own = userset and asking.partition(":")[0] == type
    question = ask(graph, user, relation, asking if own else f"{type}:-")
    names = _candidates(graph, question)
    names.sort()
    if own and asking not in names:
        insort(names, asking)
    if after:
        names = names[bisect_right(names, after) :]
    return Candidates(names, graph.plan.shortcuts.has[slot] and not userset and not graph.qualified_below(slot))


def has(evaluator: Evaluator, user: str, relation: str, name: str) -> bool:
    """Tell whether a candidate is in the list. Raises: Undecided, OutOfTime."""
    evaluator.judge.spend()
    return evaluator.certain(user, relation, name)


def _candidates(graph: Graph, question: Question) -> list[str]:
    """Return every object the user may have the relation to: certainly so where only unions lie between."""
    kind, shift = graph.plan.layout.kinds[graph.plan.names[question.slot][0]], graph.numbering.shift
    if question.userset != UNKNOWN:
        nodes: Iterable[int] = (question.userset,)
        users = []
    else:
        nodes = graph.closures.of(question.user, question.everybody) or ()
        users = [user for user in (question.user, question.everybody) if user != UNKNOWN]
    found = graph.reverse().having(question.slot, users, nodes)
    names = graph.numbering.names[kind]
    if question.userset != UNKNOWN:  # it may be one that no tuple mentions
        found = {number for number in found if number >> shift < len(names)}
    return [names[number >> shift] for number in found]
