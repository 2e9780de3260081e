"""What the operations answer: one type per outcome, so that a caller must say what it does in each case."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds

R = TypeVar("R", bound=Record)


class Stored(msgspec.Struct, Generic[R], frozen=True):
    """The record is stored; `record` carries its new version."""

    record: R


class Conflict(msgspec.Struct, frozen=True):
    """Not stored: the version or a unique index is taken. `index` names it, empty for the version."""

    index: str = ""


class Redeemed(msgspec.Struct, frozen=True):
    """Spent now, by this transaction and no other."""

    payload: bytes


class Redeemable(msgspec.Struct, frozen=True):
    """Still there, unspent."""

    payload: bytes


class Replayed(msgspec.Struct, frozen=True):
    """Spent before. The payload tells what it bought, so that the caller can take it back."""

    payload: bytes
    redeemed_at: EpochSeconds


class Rotated(msgspec.Struct, frozen=True):
    """The live member was used: its successor is live at `generation`."""

    generation: int


class Replaced(msgspec.Struct, frozen=True):
    """The immediate predecessor was retried in time and its successor was unused: a new successor took its place."""

    generation: int


class Superseded(msgspec.Struct, frozen=True):
    """A successor that a retry had replaced was offered while its replacement is unused. Refused, nothing changed."""


class Reused(msgspec.Struct, frozen=True):
    """A spent member came back: the family is now revoked. `first` is False when it already was."""

    first: bool


class WrongBinding(msgspec.Struct, frozen=True):
    """Another client or another key offered the member. Refused, nothing changed."""


class FamilyView(msgspec.Struct, frozen=True):
    """What stands in a family's row. The live member is (`generation`, `digest`)."""

    generation: int
    digest: str
    binding: str
    revoked: bool
    expires_at: EpochSeconds


class Relationship(msgspec.Struct, frozen=True, order=True):
    """One tuple: `user` has `relation` to `object`. `condition` and its JSON `context` are empty when it has none.

    From `expires_at` on the tuple counts no longer; 0: it never expires.
    """

    object: str
    relation: str
    user: str
    condition: str = ""
    context: str = ""
    expires_at: EpochSeconds = EpochSeconds(0)


class RelationshipChange(msgspec.Struct, frozen=True):
    """One line of a store's change feed. `operation` is `write` or `delete`."""

    revision: int
    operation: str
    relationship: Relationship
    at: EpochSeconds


class StoredRelationship(msgspec.Struct, frozen=True):
    """A tuple and the time it was written."""

    relationship: Relationship
    at: EpochSeconds


class FeedView(msgspec.Struct, frozen=True):
    """A change feed from end to end: it holds every change after `trimmed` up to `revision`, the newest, made `at`."""

    revision: int = 0
    trimmed: int = 0
    at: EpochSeconds = EpochSeconds(0)


class RelationshipsWritten(msgspec.Struct, frozen=True):
    """All written, visible from `revision` on."""

    revision: int


class RelationshipsRefused(msgspec.Struct, frozen=True):
    """Nothing written. `why`: `duplicate`, `missing`, `must_exist` or `must_not_exist`; `which`: the first offender."""

    why: str
    which: Relationship


class OutboxEvent(msgspec.Struct, frozen=True):
    """One event. `sequence` grows monotonically across realms and never has a gap filled in later."""

    sequence: int
    realm: str
    topic: str
    payload: bytes
    at: EpochSeconds
