"""The engine a service embeds: questions and tuples, over a store, for one model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from keystead.authz.decisions import AuthorizationDecision
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.overlay import overlaid
from keystead.authz.engine.plan import compile_model
from keystead.authz.model import AuthorizationModel
from keystead.authz.replica import Replica
from keystead.authz.writes import Preconditions, TupleLike, accepted_tuples, read_tuples, refused
from keystead.core.values import EpochSeconds
from keystead.storage.ports import (
    ReadRelationships,
    Relationship,
    RelationshipsRefused,
    Store,
    WriteRelationships,
    read_relationships,
    write_relationships,
)

Question = tuple[str, str, str]
"""(user, relation, object): `("user:alice", "viewer", "order:17")`."""

NO_PRECONDITIONS = Preconditions()


class AuthorizationEngine:
    """Decides who may do what to which object, from the tuples of one store. Made by `keystead.authz.open`.

    Answers hold at the store's newest revision when the question came: what another process wrote and was told is
    durable counts. Checks run in memory; only the revision is read from the store.
    Does not: work across event loops or threads; `keystead.authz.open_sync` does.
    """

    def __init__(
        self, backend: Store, model: AuthorizationModel, realm: str, store: str, clock: Callable[[], float]
    ) -> None:
        self.model = model
        self._plan = compile_model(model)
        self._backend = backend
        self._realm = realm
        self._store = store
        self._clock = clock
        self._replica = Replica(self._plan, realm, store)

    async def check(
        self, user: str, relation: str, object: str, *, tuples: Iterable[TupleLike] = ()
    ) -> AuthorizationDecision:
        """Decide, with the path that proves a yes or the reason for a no.

        Shape: `await engine.check("user:alice", "viewer", "order:17")` -> Allowed(path) | Denied(reason, looked_at);
        a decision is true or false in an `if`. `tuples` count for this question only: what a token says of a person,
        say `team:support#member@user:alice`, need not be stored.
        Raises: InvalidQuery when the model has no such type or relation; InvalidRelationship when it does not allow
        one of `tuples`; StorageUnavailable. None of them is a yes.
        """
        evaluator = await self._evaluator(accepted_tuples(self._plan, tuples))
        return evaluator.explain(user, relation, object)

    async def check_many(
        self, questions: Sequence[Question], *, tuples: Iterable[TupleLike] = ()
    ) -> list[AuthorizationDecision]:
        """Decide many at one revision, without paths. Raises: InvalidQuery if any makes no sense."""
        evaluator = await self._evaluator(accepted_tuples(self._plan, tuples))
        return [evaluator.decide(*question) for question in questions]

    async def explain(
        self, user: str, relation: str, object: str, *, tuples: Iterable[TupleLike] = ()
    ) -> AuthorizationDecision:
        """Decide and tell why: what `check` does, under the name people look for. `print()` the answer."""
        return await self.check(user, relation, object, tuples=tuples)

    async def list_objects(self, type: str, relation: str, user: str, *, tuples: Iterable[TupleLike] = ()) -> list[str]:
        """Return every object of a type to which the user has the relation, in order. Never truncated."""
        evaluator = await self._evaluator(accepted_tuples(self._plan, tuples))
        return list_objects(evaluator, type, relation, user)

    async def write(
        self,
        writes: Iterable[TupleLike] = (),
        deletes: Iterable[TupleLike] = (),
        preconditions: Preconditions = NO_PRECONDITIONS,
        *,
        ignore_duplicates: bool = False,
        ignore_missing: bool = False,
    ) -> int:
        """Delete, then write, tuples: all or nothing. Answer: the revision from which on they count.

        Shape: `await engine.write(["order:17#owner@user:alice"])`.
        Raises: InvalidRelationship when the model does not allow a tuple; WriteRefused for a duplicate, a missing
        tuple or a precondition; StorageUnavailable. In each case nothing was written.
        """
        operation = WriteRelationships(
            self._realm,
            self._store,
            accepted_tuples(self._plan, writes),
            read_tuples(deletes),
            EpochSeconds(int(self._clock())),
            ignore_duplicates,
            ignore_missing,
            read_tuples(preconditions.must_exist),
            read_tuples(preconditions.must_not_exist),
        )
        outcome = await self._backend.write(lambda: write_relationships(operation))
        if isinstance(outcome, RelationshipsRefused):
            raise refused(outcome)
        return outcome.revision

    async def read(
        self, object: str = "", relation: str = "", user: str = "", after: Relationship | None = None
    ) -> list[Relationship]:
        """List up to 1,000 stored tuples; empty arguments match all, `order:` every order. `after`: the last seen."""
        operation = ReadRelationships(self._realm, self._store, object, relation, user, after)
        return await self._backend.read(read_relationships(operation))

    async def close(self) -> None:
        """Let go of the store."""
        await self._backend.close()

    async def __aenter__(self) -> Self:
        """Use as `async with open(...) as engine`."""
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Close."""
        await self.close()

    async def _evaluator(self, extra: Iterable[Relationship]) -> Evaluator:
        return Evaluator(overlaid(await self._replica.catch_up(self._backend), extra))
