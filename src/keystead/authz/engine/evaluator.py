"""The engine's front: questions in names, answers as decisions, over one graph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from keystead.authz.decisions import Allowed, AuthorizationDecision, Denied
from keystead.authz.engine.graph import UNKNOWN, Graph
from keystead.authz.engine.proof import explain
from keystead.authz.engine.question import Question, ask, known
from keystead.authz.engine.reach import reaches
from keystead.authz.engine.solver import Solver
from keystead.authz.engine.trace import trace
from keystead.authz.engine.vertex import Value

END_OF_TIME: Final = math.inf


class Evaluator:
    """Answers from the graph as it is at the moment of asking. Pure: no I/O, no clock.

    `now` decides which expiring tuples still count (left out: none does), `context` has the parameters of conditions.
    `maximum_depth` bounds how many usersets and parents stand between object and user, 0: no bound.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        now: float = END_OF_TIME,
        context: Mapping[str, object] | None = None,
        maximum_depth: int = 0,
    ) -> None:
        self.graph = graph
        self.now = now
        self.context: Mapping[str, object] = context or {}
        self.maximum_depth = maximum_depth

    def holds(self, user: str, relation: str, object: str) -> bool:
        """Decide without saying why. Raises: InvalidQuery."""
        graph = self.graph
        quick = known(graph, user, relation, object)
        if quick is not None and graph.plan.shortcuts.has[quick[2]] and not graph.qualified_below(quick[2]):
            return reaches(graph, quick[0], quick[1], quick[3])
        question = ask(graph, user, relation, object)
        if self._has_shortcut(question):
            return reaches(graph, question.user, question.everybody, question.node)
        return Solver(graph, question).decide().value is Value.TRUE

    def decide(self, user: str, relation: str, object: str) -> AuthorizationDecision:
        """Decide, with the slug of a no but without a path. Raises: InvalidQuery."""
        if self.holds(user, relation, object):
            return Allowed(revision=self.graph.revision)
        return Denied("authz.no_path", f"{user} is not {object}#{relation}", revision=self.graph.revision)

    def explain(self, user: str, relation: str, object: str) -> AuthorizationDecision:
        """Decide, with the path that proves a yes or the reason for a no. Raises: InvalidQuery."""
        question = ask(self.graph, user, relation, object)
        decision = trace(self.graph, question) if self._has_shortcut(question) else None
        if decision is None:
            solver = Solver(self.graph, question)
            decision = explain(solver, solver.decide())
        return decision

    def _has_shortcut(self, question: Question) -> bool:
        graph, slot = self.graph, question.slot
        return question.userset == UNKNOWN and graph.plan.shortcuts.has[slot] and not graph.qualified_below(slot)
