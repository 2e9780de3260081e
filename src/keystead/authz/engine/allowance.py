"""How long the questions of one request may take, all together, before they are given up.

A question costs time in proportion to what it looks at, and a list asks many. Whoever answers others meanwhile, such
as a server with one thread, gives its callers no more than so long; whoever asks for themselves needs no limit.
Does not: interrupt anything. Who works long calls `spend` now and then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from keystead.authz.decisions import Conditional
from keystead.authz.errors import Undecided

Spend = Callable[[], None]
"""To be called while working. Raises: OutOfTime."""
EVERY: Final = 64
"""Small steps between two calls."""
OUT_OF_TIME: Final = "authz.out_of_time"
_DETAIL: Final = "it takes longer to find out than one request may; ask for less at a time, such as a page of a list"


class OutOfTime(Undecided):
    """The time is up."""

    def __init__(self, revision: int = 0) -> None:
        super().__init__(Conditional(OUT_OF_TIME, _DETAIL, revision=revision))


class Allowance:
    """So many seconds by a clock, from now on."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = clock() + seconds

    def extend(self, seconds: float) -> None:
        """Do not count time in which others were served."""
        self._until += seconds

    def spend(self) -> None:
        """Go on only while there is time. Raises: OutOfTime."""
        if self._clock() >= self._until:
            raise OutOfTime


def without_limit() -> None:
    """Go on."""
