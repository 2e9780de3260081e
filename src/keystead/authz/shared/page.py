"""What passes from a store to who follows it."""

from __future__ import annotations

import msgspec

from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship, RelationshipChange, TupleRow

FactsChange = tuple[int, str, str, str, str, str, str, int]
"""(revision, `write` or `delete`, object, relation, user, condition, context, expires_at)."""


class CursorRefused(Exception):
    """The owner does not know this cursor: follow from the start."""


class FactsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what a store has.

    `reset`: forget everything, here it comes anew. `tuples` are stored, `changes` were made since. `cursor` asks for
    what follows; `more`: ask at once, only then does it fit together. `revision`: the state of the store it leads to.
    """

    cursor: str
    revision: int = 0
    reset: bool = False
    more: bool = False
    tuples: list[TupleRow] = []
    changes: list[FactsChange] = []


class KeptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A copy as it is kept over a restart: what stands, how far it came, and when (by the clock) it was certain."""

    cursor: str
    position: int
    certain_at: float
    tuples: list[TupleRow]


def row_of(each: Relationship) -> TupleRow:
    """Write a tuple as a row."""
    return each.object, each.relation, each.user, each.condition, each.context, each.expires_at


def line_of(change: RelationshipChange) -> FactsChange:
    """Write a change as a line."""
    return change.revision, change.operation, *row_of(change.relationship)


def tuple_in(line: FactsChange) -> Relationship:
    """Read the tuple of a line."""
    return Relationship(*line[2:7], EpochSeconds(line[7]))
