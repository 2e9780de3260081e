"""The engine over rows as they are: the same questions, no copy, inside the caller's transaction.

from keystead.authz.rows.sqlalchemy import over

with Session(engine) as session:
    session.add(Order(id=17, owner_id="alice"))
    print(over(authz, session).check("user:alice", "viewer", "order:17"))     # sees what is not committed yet
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from keystead.authz.decisions import AuthorizationDecision
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.overlay import overlaid
from keystead.authz.engine.question import ask
from keystead.authz.names import parse_object
from keystead.authz.rows.asking import involved
from keystead.authz.rows.loading import MAX_LOADED, Loader, Place
from keystead.authz.rows.mapped import RowMapping
from keystead.authz.rows.reading import Run
from keystead.authz.writes import TupleLike, accepted_tuples

Question = tuple[str, str, str]
"""(user, relation, object)"""


class RowView:
    """Answers from rows, loaded question by question. Made by `over`. As safe for threads as the session is.

    Does not: remember anything between questions; each reads what it needs anew.
    """

    def __init__(self, mapping: RowMapping, run: Run, *, most: int = MAX_LOADED) -> None:
        self.mapping = mapping
        self._run = run
        self._most = most

    def check(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Mapping[str, object] | None = None,
    ) -> AuthorizationDecision:
        """Decide, with the path that proves a yes or the reason for a no.

        Raises: InvalidQuery, InvalidRelationship; TooMuch when it would have to load more than `most` tuples.
        """
        evaluator = self._evaluator([(user, relation, object)], tuples, context)
        return evaluator.explain(user, relation, object)

    def check_many(
        self,
        questions: Sequence[Question],
        *,
        tuples: Iterable[TupleLike] = (),
        context: Mapping[str, object] | None = None,
    ) -> list[AuthorizationDecision]:
        """Decide many together, without paths: as many queries as the hardest of them needs, not as all of them."""
        evaluator = self._evaluator(questions, tuples, context)
        return [evaluator.decide(*question) for question in questions]

    def explain(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Mapping[str, object] | None = None,
    ) -> AuthorizationDecision:
        """Decide and tell why: what `check` does. `print()` the answer."""
        return self.check(user, relation, object, tuples=tuples, context=context)

    def list_objects(
        self,
        type: str,
        relation: str,
        user: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Mapping[str, object] | None = None,
    ) -> list[str]:
        """Return every object of a type to which the user has the relation, in order; never cut.

        Does not: look at the type's own table: an object that only a link names is listed too. For rows, filter.
        """
        extra = accepted_tuples(self.mapping.plan, tuples)
        loader = Loader(self.mapping, self._run, extra, self._most)
        ask(loader.graph, user, relation, f"{type}:-")
        slot = (type, relation)
        reached = loader.backwards(user, involved(self.mapping, slot))
        if not self._is_union(loader, slot):  # the way back finds who may qualify; what may take it away lies forwards
            loader.forwards([place for place in reached if place[0] == slot], [user])
        return list_objects(self._over(loader, context), type, relation, user)

    def list_users(
        self,
        object: str,
        relation: str,
        filter: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Mapping[str, object] | None = None,
    ) -> list[str]:
        """Return, in order, every user of a type (`user`) or userset (`team#member`) that has the relation."""
        extra = accepted_tuples(self.mapping.plan, tuples)
        loader = Loader(self.mapping, self._run, extra, self._most)
        loader.forwards([_place(object, relation)], None)
        return self._over(loader, context).list_users(object, relation, filter)

    def _evaluator(
        self, questions: Sequence[Question], tuples: Iterable[TupleLike], context: Mapping[str, object] | None
    ) -> Evaluator:
        loader = Loader(self.mapping, self._run, accepted_tuples(self.mapping.plan, tuples), self._most)
        for question in questions:
            ask(loader.graph, *question)
        places = [_place(object, relation) for _, relation, object in questions]
        loader.forwards(places, sorted({user for user, _, _ in questions}))
        return self._over(loader, context)

    def _is_union(self, loader: Loader, slot: tuple[str, str]) -> bool:
        number = self.mapping.plan.slots[slot]
        return self.mapping.plan.shortcuts.has[number] and not loader.graph.qualified_below(number)

    def _over(self, loader: Loader, context: Mapping[str, object] | None) -> Evaluator:
        graph = overlaid(loader.graph, loader.extra)
        return Evaluator(graph, now=self.mapping.clock(), context=context)


def _place(object: str, relation: str) -> Place:
    type, id = parse_object(object)
    return (type, relation), id
