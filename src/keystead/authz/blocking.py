"""The same engine for code without an event loop: Flask, Django, scripts, thread pools.

One background thread runs what must wait: reading what changed, writing. A question is answered in the thread that
asks it when nothing has changed since the last one, which is nearly always; so it costs little more than in async code.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, runtime_checkable

from keystead.authz.decisions import AuthorizationDecision
from keystead.authz.embedded import AuthorizationEngine
from keystead.authz.engine.expansion import Expansion
from keystead.authz.snapshot import Context, Question, Snapshot
from keystead.authz.within import Within
from keystead.authz.writes import NO_PRECONDITIONS, Preconditions, TupleLike
from keystead.core.errors import ConfigurationError, KeysteadError, StorageUnavailable
from keystead.storage.ports import Relationship, RelationshipChange

if TYPE_CHECKING:
    from keystead.authz.shared import Following

T = TypeVar("T")


@runtime_checkable
class Probed(Protocol):
    """A store that any thread may ask whether anything was committed."""

    def probe(self) -> Callable[[], int]:
        """Return a function that answers another number after every commit."""
        ...


class BlockingAuthorizationEngine:
    """`AuthorizationEngine` with plain methods; see there for what each does and raises. Safe for threads.

    Does not: survive a fork. Open it in each worker process.
    """

    def __init__(self, make: Callable[[], AuthorizationEngine]) -> None:
        self._process = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="keystead-authz", daemon=True)
        self._thread.start()
        try:
            self._engine = self._run(_call(make))
            self.model = self._engine.model
            self._replica = self._engine.replica
            backend = self._engine.backend
            self._probe = backend.probe() if isinstance(backend, Probed) else None
        except BaseException:
            self._stop()
            raise
        self._seen: int | None = None

    def snapshot(self, *, at_least: int = 0) -> Snapshot:
        """Return what is known now, to be asked without waiting for anything, at one revision."""
        return self._run(self._engine.snapshot(at_least=at_least))

    def check(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
        at_least: int = 0,
    ) -> AuthorizationDecision:
        """Decide, with the path that proves a yes or the reason for a no."""
        return self._ask(at_least, lambda now: now.check(user, relation, object, tuples=tuples, context=context))

    def check_many(
        self,
        questions: Sequence[Question],
        *,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
        at_least: int = 0,
    ) -> list[AuthorizationDecision]:
        """Decide many at one revision, without paths."""
        return self._ask(at_least, lambda now: now.check_many(questions, tuples=tuples, context=context))

    def explain(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[TupleLike] = (),
        context: Context | None = None,
        at_least: int = 0,
    ) -> AuthorizationDecision:
        """Decide and tell why."""
        return self.check(user, relation, object, tuples=tuples, context=context, at_least=at_least)

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
        at_least: int = 0,
    ) -> list[str]:
        """Return the objects of a type to which the user has the relation, in order: all, or a page."""
        return self._ask(
            at_least,
            lambda now: now.list_objects(
                type, relation, user, after=after, limit=limit, tuples=tuples, context=context
            ),
        )

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
        at_least: int = 0,
    ) -> list[str]:
        """Return, in order, every user of a type or userset that has the relation: all, or a page."""
        return self._ask(
            at_least,
            lambda now: now.list_users(
                object, relation, filter, after=after, limit=limit, tuples=tuples, context=context
            ),
        )

    def expand(self, object: str, relation: str, *, tuples: Iterable[TupleLike] = (), at_least: int = 0) -> Expansion:
        """Return one level of what gives a relation."""
        return self._ask(at_least, lambda now: now.expand(object, relation, tuples=tuples))

    def write(
        self,
        writes: Iterable[TupleLike] = (),
        deletes: Iterable[TupleLike] = (),
        preconditions: Preconditions = NO_PRECONDITIONS,
        *,
        ignore_duplicates: bool = False,
        ignore_missing: bool = False,
    ) -> int:
        """Delete, then write, tuples: all or nothing. Answer: the revision from which on they count."""
        return self._run(
            self._engine.write(
                writes, deletes, preconditions, ignore_duplicates=ignore_duplicates, ignore_missing=ignore_missing
            )
        )

    def within(self, connection: object) -> Within:
        """Write and read tuples through the caller's connection, in its transaction."""
        return self._engine.within(connection)

    def sweep(self, limit: int = 500) -> int:
        """Delete some of the tuples that have expired, and old changes."""
        return self._run(self._engine.sweep(limit))

    def read(
        self, object: str = "", relation: str = "", user: str = "", after: Relationship | None = None
    ) -> list[Relationship]:
        """List up to 1,000 stored tuples."""
        return self._run(self._engine.read(object, relation, user, after))

    def watch(self, since: int | None = None, *, idle: float | None = None) -> Iterator[RelationshipChange]:
        """Yield every change after a revision, in order, as they are made; blocks while there is none."""
        changes = self._engine.watch(since, idle=idle)
        try:
            while (change := self._run(_next(changes))) is not None:
                yield change
        finally:
            if self._thread.is_alive():
                self._run(changes.aclose())

    @property
    def shared(self) -> Following | None:
        """The copy of shared facts: its `staleness`, its `position`, its `last_failure`."""
        return self._engine.shared

    def close(self) -> None:
        """Let go of the store and end the thread."""
        if self._thread.is_alive():
            self._run(self._engine.close())
            self._stop()

    def __enter__(self) -> Self:
        """Use as `with open_sync(...) as engine`."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Close."""
        self.close()

    def _ask(self, at_least: int, question: Callable[[Snapshot], T]) -> T:
        """Answer here when nothing has changed, else on the thread that may wait."""
        self._require_open()
        engine, replica = self._engine, self._replica
        version = self._probe() if self._probe else None
        with replica.lock:
            if version is None:
                current = replica.is_current(engine.backend, at_least)
            else:
                current = version == self._seen and replica.reaches(at_least)
            if current:
                return question(engine.here())
        answer = self._run(self._answered(at_least, question))
        self._seen = version
        return answer

    async def _answered(self, at_least: int, question: Callable[[Snapshot], T]) -> T:
        return question(await self._engine.current(at_least))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            self._require_open()
        except KeysteadError:
            work.close()
            raise
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _require_open(self) -> None:
        """Refuse where the thread is not there: nobody would ever answer."""
        if self._process != os.getpid():
            raise ConfigurationError(
                "this process was forked after the engine was opened; open an engine in each worker process "
                "(gunicorn: without `--preload`, or in `post_fork`)"
            )
        if self._loop.is_closed():
            raise StorageUnavailable("the store is closed")

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


async def _call(make: Callable[[], T]) -> T:
    return make()


async def _next(changes: Any) -> RelationshipChange | None:
    found: RelationshipChange | None = await anext(changes, None)
    return found
