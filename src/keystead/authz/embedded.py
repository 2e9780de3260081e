"""The engine a service embeds: questions and tuples, over a store, for one model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from keystead.authz.decisions import AuthorizationDecision
from keystead.authz.engine.expansion import Expansion
from keystead.authz.engine.plan import compile_model
from keystead.authz.errors import NotThereYet
from keystead.authz.model import AuthorizationModel
from keystead.authz.pending import to_be_awaited
from keystead.authz.replica import NEWEST, Progress, Replica
from keystead.authz.snapshot import Context, Question, Snapshot
from keystead.authz.within import Within, WithinAsync, to_read
from keystead.authz.writes import NO_PRECONDITIONS, Preconditions, TupleLike, refused, to_write
from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds
from keystead.storage.guest.tables import Tables
from keystead.storage.ports import (
    Relationship,
    RelationshipChange,
    RelationshipsRefused,
    Store,
    read_relationships,
    write_relationships,
)

if TYPE_CHECKING:
    from keystead.authz.shared import Following, SharedSource, Trust

FIRST_SECONDS: Final = 5.0
"""How long the first question waits for shared facts to come."""


class AuthorizationEngine:
    """Decides who may do what to which object, from the tuples of one store. Made by `keystead.authz.open`.

    Checks run in memory. In a file or in memory, answers hold at the store's newest revision when the question came:
    what another process wrote and was told is durable counts. Over PostgreSQL they hold at a revision that was the
    newest at most `maximum_lag` seconds ago; what this engine wrote itself counts at once, and whoever passes
    `at_least=revision` (of a write, by any process) or `at_least=NEWEST` gets no less.
    Does not: work across event loops or threads; `keystead.authz.open_sync` does.
    """

    def __init__(
        self,
        backend: Store,
        model: AuthorizationModel,
        realm: str,
        store: str,
        clock: Callable[[], float],
        *,
        maximum_lag: float = 0.0,
        progress: Progress | None = None,
        tables: str = "",
        shared: SharedSource | None = None,
    ) -> None:
        self.model = model
        self.plan = compile_model(model)
        self.backend = backend
        self.realm = realm
        self.store = store
        self.clock = clock
        self.replica = Replica(self.plan, realm, store, maximum_lag=maximum_lag, progress=progress)
        self._here: Snapshot | None = None
        self._tables = Tables(tables) if tables else None
        self.shared: Following | None = None
        """The copy of shared facts: its `staleness`, its `position`, its `last_failure`."""
        self.foreign: frozenset[str] = frozenset()
        self._trust: Trust | None = None
        if shared is not None:
            self._share(shared)

    async def snapshot(self, *, at_least: int = 0) -> Snapshot:
        """Return what is known now, to be asked without waiting for anything, at one revision.

        Raises: NotThereYet, StorageUnavailable.
        """
        here = await self.current(at_least)
        snapshot = Snapshot(here.graph, self.clock(), self.replica.lock, self._trust)
        self.replica.held.add(snapshot)
        return snapshot

    @to_be_awaited
    async def check(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
        at_least: int = 0,
    ) -> AuthorizationDecision:
        """Decide, with the path that proves a yes or the reason for a no.

        Shape: `await engine.check("user:alice", "viewer", "order:17")` -> Allowed(path) | Denied(reason, looked_at) |
        Conditional(missing); a decision is true or false in an `if`. `tuples` count for this question only: what a
        token says of a person, say `team:support#member@user:alice`, need not be stored. `context` has the parameters
        of conditions.
        Raises: InvalidQuery when the model has no such type or relation; InvalidRelationship when it does not allow
        one of `tuples`; NotThereYet when `at_least` names a revision the store does not have; StorageUnavailable.
        None of them is a yes.
        """
        return (await self.current(at_least)).check(user, relation, object, tuples=tuples, context=context)

    async def check_many(
        self,
        questions: Sequence[Question],
        *,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
        at_least: int = 0,
    ) -> list[AuthorizationDecision]:
        """Decide many at one revision, without paths. Raises: InvalidQuery if any makes no sense."""
        return (await self.current(at_least)).check_many(questions, tuples=tuples, context=context)

    @to_be_awaited
    async def explain(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
        at_least: int = 0,
    ) -> AuthorizationDecision:
        """Decide and tell why: what `check` does, under the name people look for. `print()` the answer."""
        return await self.check(user, relation, object, tuples=tuples, context=context, at_least=at_least)

    async def list_objects(
        self,
        type: str,
        relation: str,
        user: str,
        *,
        after: str = "",
        limit: int = 0,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
        at_least: int = 0,
    ) -> list[str]:
        """Return the objects of a type to which the user has the relation, in order: all of them, never truncated.

        With `limit`, a page: the first so many that come `after` an object.
        """
        now = await self.current(at_least)
        return now.list_objects(type, relation, user, after=after, limit=limit, tuples=tuples, context=context)

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
        operation = to_write(
            self, writes, deletes, preconditions, ignore_duplicates=ignore_duplicates, ignore_missing=ignore_missing
        )
        outcome = await self.backend.write(lambda: write_relationships(operation))
        if isinstance(outcome, RelationshipsRefused):
            raise refused(outcome)
        self.replica.wanted = max(self.replica.wanted, outcome.revision)
        return outcome.revision

    async def list_users(
        self,
        object: str,
        relation: str,
        filter: str,
        *,
        after: str = "",
        limit: int = 0,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
        at_least: int = 0,
    ) -> list[str]:
        """Return, in order, every user of a type (`user`) or userset (`group#member`) that has the relation: all.

        With `limit`, a page. `user:*` stands for everybody. Raises: also Undecided, when a condition hangs in the air.
        """
        now = await self.current(at_least)
        return now.list_users(object, relation, filter, after=after, limit=limit, tuples=tuples, context=context)

    async def expand(
        self, object: str, relation: str, *, tuples: Iterable[TupleLike] = (), at_least: int = 0
    ) -> Expansion:
        """Return one level of what gives a relation: the rule as a tree, its leaves filled with tuples."""
        return (await self.current(at_least)).expand(object, relation, tuples=tuples)

    def within(self, connection: object) -> Within:
        """Write and read tuples through the caller's connection, in its transaction. Needs `open(..., tables=...)`.

        Takes a connection of sqlite3, psycopg, SQLAlchemy (Connection, Session) or Django.
        """
        return Within(self, self._own_tables(), connection)

    def within_async(self, connection: object) -> WithinAsync:
        """Do the same through asyncpg, psycopg's AsyncConnection, SQLAlchemy's AsyncConnection or AsyncSession."""
        return WithinAsync(self, self._own_tables(), connection)

    async def sweep(self, limit: int = 500) -> int:
        """Delete some of the tuples that have expired, and old changes. Answer: how many; 0 when all is done.

        Expired tuples count no longer anyway; call this now and then to get the room back.
        """
        return await self.backend.sweep(EpochSeconds(int(self.clock())), limit)

    async def read(
        self, object: str = "", relation: str = "", user: str = "", after: Relationship | None = None
    ) -> list[Relationship]:
        """List up to 1,000 stored tuples; empty arguments match all, `order:` every order. `after`: the last seen.

        Tuples that have expired are left out. Raises: InvalidQuery for a name that is malformed.
        """
        return await self.backend.read(read_relationships(to_read(self, object, relation, user, after)))

    def watch(self, since: int | None = None, *, idle: float | None = None) -> AsyncGenerator[RelationshipChange, None]:
        """Yield every change after a revision, in order, by whichever process, as they are made.

        `since`: the revision of the last change seen; left out, only what comes from now on. `idle`: end when nothing
        came for so many seconds. To go on after a pause, pass the `revision` of the last change.
        Raises: ChangesGone when some changes after `since` are no longer kept; read everything anew, then watch.
        """
        from keystead.authz.watching import watch

        return watch(self.backend, self.realm, self.store, since, idle)

    async def close(self) -> None:
        """Let go of the store."""
        if self.shared is not None:
            await self.shared.close()
        await self.backend.close()

    async def __aenter__(self) -> Self:
        """Use as `async with open(...) as engine`."""
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Close."""
        await self.close()

    async def current(self, at_least: int = 0) -> Snapshot:
        """Return what is known, for a question that is asked before anything else is awaited.

        Does not: stay as it is, as `snapshot` does.
        """
        if self.shared is not None and not self.shared.complete:
            await self.shared.start(FIRST_SECONDS)
        graph = await self.replica.catch_up(self.backend, at_least)
        if graph.revision < at_least:
            raise NotThereYet(at_least, graph.revision)
        return self.here()

    def here(self) -> Snapshot:
        """Return what is known without looking whether there is more. Does not: wait for anything."""
        graph, now = self.replica.graph, int(self.clock())  # tuples expire by whole seconds
        here = self._here
        if here is None or here.graph is not graph or here.now != now:
            here = self._here = Snapshot(graph, now, self.replica.lock, self._trust)
        return here

    def _share(self, source: SharedSource) -> None:
        from keystead.authz.shared import Following, Trust

        known = {definition.name for definition in self.model.types}
        if unknown := sorted(source.types - known):
            raise ConfigurationError(
                f"shared types {', '.join(unknown)} are not in the model: it has {', '.join(sorted(known))}"
            )
        replica = self.replica
        following = Following(source, lambda step: replica.exchange(step.gone, step.come))
        replica.foreign = self.foreign = source.types
        replica.facts = lambda: following.facts.values()
        self.shared, self._trust = following, Trust(self.plan, following)

    def _own_tables(self) -> Tables:
        if self._tables is None:
            raise ConfigurationError(
                "this engine keeps its tuples in a database of its own; open it with `tables='keystead_'` and the URL "
                "of the service's database to write them in its transactions"
            )
        return self._tables


__all__ = ["NEWEST", "NO_PRECONDITIONS", "AuthorizationEngine", "Question"]
