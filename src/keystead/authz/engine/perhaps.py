"""The short cut where some tuples count only sometimes: unions of anything, for a user that is no userset.

First along what certainly counts; if that does not reach the user, on along what perhaps does. Says only how it ends:
for the reasons of a doubt, and for a proof, ask the solver.
"""

from __future__ import annotations

from collections.abc import Iterator

from keystead.authz.engine.allowance import EVERY
from keystead.authz.engine.doubt import Doubt, Judge
from keystead.authz.engine.graph import UNKNOWN, Graph
from keystead.authz.engine.question import Question


def perhaps_reaches(graph: Graph, judge: Judge, question: Question) -> bool | None:
    """Tell whether a user is reached from a node whose slot has a short cut. None: nobody knows."""
    walk, seen, doubtful = [question.node], {question.node}, list[int]()
    named = False
    for certain in (True, False):
        for steps, node in enumerate(walk):
            if steps % EVERY == EVERY - 1:
                judge.spend()
            verdict = _names(graph, judge, question, node)
            if verdict is True:
                return True if certain else None
            named = named or verdict is None
            for target, counts in _targets(graph, judge, node):
                if not counts and certain:
                    doubtful.append(target)
                elif target not in seen:
                    seen.add(target)
                    walk.append(target)
        if named:
            return None
        walk = [node for node in dict.fromkeys(doubtful) if node not in seen]
        seen.update(walk)
    return False


def _names(graph: Graph, judge: Judge, question: Question, node: int) -> bool | None:
    """Tell whether tuples of a node name the user, or everybody of its type."""
    user, everybody, answer = question.user, question.everybody, False
    doubt = False
    for offset in graph.plan.shortcuts.steps[node % graph.plan.width][0]:
        named = graph.users.at(node + offset)
        if user in named or everybody in named:
            return True
        qualified = graph.qualified_users.at(node + offset)
        for who in (user, everybody):
            verdict = judge.counts(qualified[who]) if who in qualified else False
            answer = answer or verdict is True
            doubt = doubt or isinstance(verdict, Doubt)
    return answer or (None if doubt else False)


def _targets(graph: Graph, judge: Judge, node: int) -> Iterator[tuple[int, bool]]:
    """Yield where tuples of a node lead, and whether they certainly count; not those that do not."""
    plan, types = graph.plan, graph.types
    _, sets, arrows = plan.shortcuts.steps[node % plan.width]
    for offset in sets:
        for userset in graph.usersets.at(node + offset):
            yield userset, True
        for userset, qualifier in graph.qualified_usersets.at(node + offset).items():
            verdict = judge.counts(qualifier)
            if verdict is not False:
                yield userset, verdict is True
    for offset, only_target, targets in arrows:
        counting = [(parent, True) for parent in graph.users.at(node + offset)]
        for parent, qualifier in graph.qualified_users.at(node + offset).items():
            verdict = judge.counts(qualifier)
            if verdict is not False:
                counting.append((parent, verdict is True))
        for parent, certain in counting:
            slot = only_target if only_target >= 0 else targets.get(types[parent], UNKNOWN)
            if slot >= 0:
                yield parent * plan.width + slot, certain
