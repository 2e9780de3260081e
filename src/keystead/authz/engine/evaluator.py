"""The engine's front: questions in names, answers as decisions, over one graph."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from keystead.authz.decisions import Allowed, AuthorizationDecision, Conditional, Denied
from keystead.authz.engine.allowance import OUT_OF_TIME, OutOfTime, Spend, without_limit
from keystead.authz.engine.depth import hops, nodes_within
from keystead.authz.engine.doubt import Judge
from keystead.authz.engine.expansion import Expansion, expand
from keystead.authz.engine.graph import UNKNOWN, Graph
from keystead.authz.engine.perhaps import perhaps_reaches
from keystead.authz.engine.proof import conditional, doubts_of, explain
from keystead.authz.engine.question import Question, ask
from keystead.authz.engine.reach import reaches
from keystead.authz.engine.solver import Solver
from keystead.authz.engine.trace import trace
from keystead.authz.engine.users import list_users
from keystead.authz.engine.vertex import Value, Vertex
from keystead.authz.errors import Undecided

END_OF_TIME: Final = math.inf


class Evaluator:
    """Answers from the graph as it is at the moment of asking. Pure: no I/O, no clock.

    `now` decides which expiring tuples still count (left out: none does), `context` has the parameters of conditions.
    `maximum_depth` is OpenFGA's: a yes that needs what lies that many usersets and parents away is a conditional;
    0: no limit. A no is never in doubt for its sake.
    `spend` is called while it works, and stops it by raising OutOfTime: what is then not known is a conditional.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        now: float = END_OF_TIME,
        context: Mapping[str, object] | None = None,
        maximum_depth: int = 0,
        spend: Spend = without_limit,
    ) -> None:
        self.graph = graph
        self.judge = Judge(graph.plan.conditions, now, context or {}, spend)
        self.maximum_depth = maximum_depth

    def holds(self, user: str, relation: str, object: str) -> bool:
        """Decide without saying why; a conditional answer is a no. Raises: InvalidQuery."""
        graph = self.graph
        quick = graph.quick(user, relation, object)
        if quick is not None:
            return quick and (not self.maximum_depth or bool(self.explain(user, relation, object)))
        question = ask(graph, user, relation, object)
        if self._has_shortcut(question) and not self.maximum_depth:
            return reaches(graph, question.user, question.everybody, question.node)
        try:
            perhaps = self._perhaps(question)
            return self._solve(question)[1].value is Value.TRUE if perhaps is None else perhaps
        except OutOfTime:
            return False

    def decide(self, user: str, relation: str, object: str) -> AuthorizationDecision:
        """Decide, with the slug of a no but without a path. Raises: InvalidQuery."""
        revision, denied = self.graph.revision, f"{user} is not {object}#{relation}"
        quick = self.graph.quick(user, relation, object)
        if quick is not None:
            if not quick:
                return Denied("authz.no_path", denied, revision=revision)
            return self.explain(user, relation, object) if self.maximum_depth else Allowed(revision=revision)
        question = ask(self.graph, user, relation, object)
        try:
            self.judge.spend()
            return self._decide(question, denied)
        except OutOfTime as stopped:
            return replace(stopped.decision, revision=revision)

    def _decide(self, question: Question, denied: str) -> AuthorizationDecision:
        revision = self.graph.revision
        if self._has_shortcut(question) and not self.maximum_depth:
            if reaches(self.graph, question.user, question.everybody, question.node):
                return Allowed(revision=revision)
            return Denied("authz.no_path", denied, revision=revision)
        perhaps = self._perhaps(question)
        if perhaps is not None:
            return Allowed(revision=revision) if perhaps else Denied("authz.no_path", denied, revision=revision)
        solver, root = self._solve(question)
        if root.value is Value.TRUE:
            return Allowed(revision=revision)
        doubts = doubts_of(solver, root)
        return conditional(doubts, denied, (), revision) if doubts else Denied("authz.no_path", denied, (), revision)

    def certain(self, user: str, relation: str, object: str) -> bool:
        """Decide for a list: a conditional answer is neither in it nor out. Raises: Undecided, InvalidQuery."""
        decision = self.decide(user, relation, object)
        if isinstance(decision, Conditional):
            raise OutOfTime(decision.revision) if decision.reason == OUT_OF_TIME else Undecided(decision)
        return bool(decision)

    def explain(self, user: str, relation: str, object: str) -> AuthorizationDecision:
        """Decide, with the path that proves a yes or the reason for a no. Raises: InvalidQuery."""
        question = ask(self.graph, user, relation, object)
        decision = trace(self.graph, question) if self._has_shortcut(question) else None
        if decision is None or (self.maximum_depth and hops(decision) >= self.maximum_depth):
            try:
                self.judge.spend()
                return explain(*self._solve(question))
            except OutOfTime as stopped:
                return replace(stopped.decision, revision=self.graph.revision)
        return decision

    def list_users(self, object: str, relation: str, filter: str, *, after: str = "", limit: int = 0) -> list[str]:
        """Return, in order, every user of a type (`user`) or userset (`group#member`) for which the check says yes.

        Everybody comes as the wildcard, `user:*`; beside it stand those whom tuples name in their own right, each to be
        checked no more: who is taken away by a `but not` is not among them. `limit` and `after` make pages: the users
        that follow `after`, at most so many; 0: all of them.
        Raises: InvalidQuery; Undecided when a condition anywhere below the object cannot be evaluated.
        """
        users = list_users(self, object, relation, filter)
        start = bisect_right(users, after) if after else 0
        return users[start : start + limit] if limit else users[start:]

    def expand(self, object: str, relation: str) -> Expansion:
        """Return one level of what gives a relation: the rule as a tree, its leaves filled. Raises: InvalidQuery."""
        return expand(self.graph, self.judge, object, relation)

    def _perhaps(self, question: Question) -> bool | None:
        """Decide a union that some tuples make conditional. None: ask the solver."""
        if question.userset != UNKNOWN or not self.graph.plan.shortcuts.has[question.slot]:
            return None
        plainly = reaches(self.graph, question.user, question.everybody, question.node)  # the groups are remembered
        verdict = plainly or perhaps_reaches(self.graph, self.judge, question)
        return None if verdict and self.maximum_depth else verdict

    def _solve(self, question: Question) -> tuple[Solver, Vertex]:
        """Let the solver decide; again with the limit in force if it had to look beyond for a yes."""
        solver = Solver(self.graph, question, self.judge)
        root = solver.decide()
        if root.value is not Value.TRUE or solver.deepest < self.maximum_depth or not self.maximum_depth:
            return solver, root
        within = nodes_within(self.graph, self.judge, question.node, self.maximum_depth)
        solver = Solver(self.graph, question, self.judge, within)
        return solver, solver.decide()

    def _is_short(self, slot: int) -> bool:
        """Tell whether the short cut decides a slot: only unions, only plain tuples."""
        graph = self.graph
        return graph.plan.shortcuts.has[slot] and not graph.qualified_below(slot)

    def _has_shortcut(self, question: Question) -> bool:
        return question.userset == UNKNOWN and self._is_short(question.slot)
