"""The same engine for code without an event loop: Flask, Django, scripts, thread pools.

One background thread runs the engine; any number of threads may ask. A question costs a hop to that thread and back
(tens of microseconds), so ask many at once where there are many.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from keystead.authz.decisions import AuthorizationDecision
from keystead.authz.embedded import NO_PRECONDITIONS, AuthorizationEngine, Question
from keystead.authz.writes import Preconditions, TupleLike
from keystead.storage.ports import Relationship

T = TypeVar("T")


class BlockingAuthorizationEngine:
    """`AuthorizationEngine` with plain methods; see there for what each does and raises. Safe for threads."""

    def __init__(self, make: Callable[[], AuthorizationEngine]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="keystead-authz", daemon=True)
        self._thread.start()
        try:
            self._engine = self._run(_call(make))
        except BaseException:
            self._stop()
            raise

    def check(
        self, user: str, relation: str, object: str, *, tuples: Iterable[TupleLike] = ()
    ) -> AuthorizationDecision:
        """Decide, with the path that proves a yes or the reason for a no."""
        return self._run(self._engine.check(user, relation, object, tuples=tuples))

    def check_many(
        self, questions: Sequence[Question], *, tuples: Iterable[TupleLike] = ()
    ) -> list[AuthorizationDecision]:
        """Decide many at one revision, without paths."""
        return self._run(self._engine.check_many(questions, tuples=tuples))

    def explain(
        self, user: str, relation: str, object: str, *, tuples: Iterable[TupleLike] = ()
    ) -> AuthorizationDecision:
        """Decide and tell why."""
        return self.check(user, relation, object, tuples=tuples)

    def list_objects(self, type: str, relation: str, user: str, *, tuples: Iterable[TupleLike] = ()) -> list[str]:
        """Return every object of a type to which the user has the relation, in order."""
        return self._run(self._engine.list_objects(type, relation, user, tuples=tuples))

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

    def read(
        self, object: str = "", relation: str = "", user: str = "", after: Relationship | None = None
    ) -> list[Relationship]:
        """List up to 1,000 stored tuples."""
        return self._run(self._engine.read(object, relation, user, after))

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

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


async def _call(make: Callable[[], T]) -> T:
    return make()
