"""A decision that has to be awaited, and says so: a forgotten `await` must not be a yes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Pending(Coroutine[Any, Any, T]):
    """A coroutine that is neither true nor false. Plain coroutines are true, so `if engine.check(...)` would let in."""

    __slots__ = ("_coroutine",)

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        """Wait for the decision."""
        return self._coroutine.__await__()

    def __bool__(self) -> bool:
        """Refuse. Raises: TypeError, with what to write."""
        self._coroutine.close()
        raise TypeError("nothing was decided yet: write `await` before the question, or open the engine by `open_sync`")

    def send(self, value: Any) -> Any:
        """Go on, as any coroutine."""
        return self._coroutine.send(value)

    def throw(self, *raised: Any) -> Any:
        """Raise inside, as any coroutine."""
        return self._coroutine.throw(*raised)

    def close(self) -> None:
        """Give up, as any coroutine."""
        self._coroutine.close()


def to_be_awaited(question: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Pending[T]]:
    """Make the answers of an asynchronous question refuse to be taken for yes before they are awaited."""

    @wraps(question)
    def ask(*args: P.args, **kwargs: P.kwargs) -> Pending[T]:
        return Pending(question(*args, **kwargs))

    return ask
