"""Who waits for a batch, and what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from keystead.storage.postgres.performer import Performer, Work


class Member(NamedTuple):
    """One waiting transaction and whom to answer. `alone`: it may not overlap with others of its batch."""

    begin: Callable[[Performer], Work[Any]]
    answer: asyncio.Future[Any]
    alone: bool = False


class Outcome(NamedTuple):
    """What became of a member."""

    answer: asyncio.Future[Any]
    error: BaseException | None
    value: Any


def answer_all(outcomes: Sequence[Outcome]) -> None:
    """Tell everybody who still waits."""
    for answer, error, value in outcomes:
        if answer.done():
            continue
        if error is None:
            answer.set_result(value)
        else:
            answer.set_exception(error)
