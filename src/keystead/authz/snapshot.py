"""Questions at one state of the tuples: plain methods, nothing to wait for, the quickest way to ask.

    now = await engine.snapshot()
    visible = [row for row in rows if now.allows("user:alice", "viewer", f"order:{row.id}")]

Does not: see what is written later. Let go of it soon: a snapshot that is still held when tuples change makes the
engine copy them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from threading import RLock
from typing import TYPE_CHECKING

from keystead.authz.decisions import AuthorizationDecision
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.expansion import Expansion
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.overlay import overlaid
from keystead.authz.errors import InvalidQuery
from keystead.authz.writes import TupleLike, accepted_tuples

if TYPE_CHECKING:
    from keystead.authz.shared import Trust

Question = tuple[str, str, str]
"""(user, relation, object): `("user:alice", "viewer", "order:17")`."""

Context = Mapping[str, object]
"""Values for the parameters of conditions."""


class Snapshot:
    """What an engine knows at `revision`. Made by `AuthorizationEngine.snapshot`; safe for threads.

    Everywhere `tuples` count for this question only and `context` has the parameters of conditions. Tuples that
    expire are judged by the time the snapshot was taken.
    """

    def __init__(self, graph: Graph, now: float, lock: RLock, trust: Trust | None = None) -> None:
        self.graph = graph
        self.now = now
        self._lock = lock
        self._trust = trust
        self._evaluator = Evaluator(graph, now=now)

    @property
    def revision(self) -> int:
        """The state of the tuples."""
        return self.graph.revision

    def allows(self, user: str, relation: str, object: str) -> bool:
        """Decide, and say nothing but yes or no. The quickest question. Raises: InvalidQuery."""
        if self._trust is not None and self._trust.refusal(relation, object) is not None:
            return False
        with self._lock:
            return self._evaluator.holds(user, relation, object)

    def check(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
    ) -> AuthorizationDecision:
        """Decide, with the path that proves a yes or the reason for a no.

        Raises: InvalidQuery, InvalidRelationship.
        """
        refusal = self._trust.refusal(relation, object) if self._trust is not None else None
        if refusal is not None:
            return refusal
        with self._lock:
            return self._asked(tuples, context).explain(user, relation, object)

    def check_many(
        self, questions: Sequence[Question], *, tuples: Iterable[TupleLike] = (), context: Context | None = None
    ) -> list[AuthorizationDecision]:
        """Decide many, without paths. Raises: InvalidQuery if any makes no sense; InvalidRelationship."""
        with self._lock:
            evaluator = self._asked(tuples, context)
            if self._trust is None:
                return [evaluator.decide(*question) for question in questions]
            refusals = (self._trust.refusal(*question[1:]) for question in questions)
            return [
                evaluator.decide(*question) if refusal is None else refusal
                for question, refusal in zip(questions, refusals, strict=True)
            ]

    def explain(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
    ) -> AuthorizationDecision:
        """Decide and tell why: what `check` does, under the name people look for."""
        return self.check(user, relation, object, tuples=tuples, context=context)

    def list_objects(
        self,
        type: str,
        relation: str,
        user: str,
        *,
        after: str = "",
        limit: int = 0,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
    ) -> list[str]:
        """Return the objects of a type to which the user has the relation, in order: all, or a page.

        A page has the first `limit` that come `after` an object; it is the last one when it is shorter than that.
        Raises: InvalidQuery, InvalidRelationship, Undecided, StaleFacts.
        """
        if self._trust is not None:
            self._trust.require(relation, type)
        with self._lock:
            return list_objects(self._asked(tuples, context), type, relation, user, after=after, limit=limit)

    def list_users(
        self,
        object: str,
        relation: str,
        filter: str,
        *,
        after: str = "",
        limit: int = 0,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
    ) -> list[str]:
        """Return, in order, every user of a type (`user`) or userset (`group#member`) that has the relation.

        All, or a page; `user:*` stands for everybody. Raises: InvalidQuery, InvalidRelationship, Undecided.
        """
        if self._trust is not None:
            self._trust.require(relation, object)
        with self._lock:
            return self._asked(tuples, context).list_users(object, relation, filter, after=after, limit=limit)

    def expand(self, object: str, relation: str, *, tuples: Iterable[TupleLike] = ()) -> Expansion:
        """Return one level of what gives a relation. Raises: InvalidQuery, InvalidRelationship."""
        with self._lock:
            return self._asked(tuples, None).expand(object, relation)

    def _asked(self, tuples: Iterable[TupleLike], context: Context | None) -> Evaluator:
        """Return who answers a question that brings its own facts."""
        extra = accepted_tuples(self.graph.plan, tuples)
        if not extra and not context:
            return self._evaluator
        if context is not None and not isinstance(context, Mapping):
            raise InvalidQuery(f'`context` is parameters by name, such as {{"hour": 10}}, not {context!r:.100}')
        graph = overlaid(self.graph, extra) if extra else self.graph
        return Evaluator(graph, now=self.now, context=context)
