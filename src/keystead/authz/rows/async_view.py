"""The view over rows for an event loop: every question runs whole inside the session, as plain code does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from keystead.authz.decisions import AuthorizationDecision
from keystead.authz.pending import to_be_awaited
from keystead.authz.rows.view import Question, RowView
from keystead.authz.writes import TupleLike

T = TypeVar("T")


class Ask(Protocol):
    """Puts a question to the plain view, inside the session."""

    async def __call__(self, question: Any) -> Any:
        """Answer it."""


class AsyncRowView:
    """`RowView`, awaited; see there for what each does and raises."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    @to_be_awaited
    async def check(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Mapping[str, object] | None = None,
    ) -> AuthorizationDecision:
        """Decide, with the path that proves a yes or the reason for a no."""

        def question(view: RowView) -> AuthorizationDecision:
            return view.check(user, relation, object, tuples=tuples, context=context)

        decision: AuthorizationDecision = await self._ask(question)
        return decision

    @to_be_awaited
    async def explain(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Mapping[str, object] | None = None,
    ) -> AuthorizationDecision:
        """Decide and tell why: what `check` does."""
        return await self.check(user, relation, object, tuples=tuples, context=context)

    async def check_many(
        self,
        questions: Sequence[Question],
        *,
        tuples: Iterable[TupleLike] = (),
        context: Mapping[str, object] | None = None,
    ) -> list[AuthorizationDecision]:
        """Decide many together, without paths."""

        def question(view: RowView) -> list[AuthorizationDecision]:
            return view.check_many(questions, tuples=tuples, context=context)

        decisions: list[AuthorizationDecision] = await self._ask(question)
        return decisions

    async def list_objects(
        self,
        type: str,
        relation: str,
        user: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Mapping[str, object] | None = None,
    ) -> list[str]:
        """Return every object of a type to which the user has the relation, in order; never cut."""

        def question(view: RowView) -> list[str]:
            return view.list_objects(type, relation, user, tuples=tuples, context=context)

        objects: list[str] = await self._ask(question)
        return objects

    async def list_users(
        self,
        object: str,
        relation: str,
        filter: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Mapping[str, object] | None = None,
    ) -> list[str]:
        """Return, in order, every user of a type or userset that has the relation."""

        def question(view: RowView) -> list[str]:
            return view.list_users(object, relation, filter, tuples=tuples, context=context)

        users: list[str] = await self._ask(question)
        return users
