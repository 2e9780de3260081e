"""Typed verbs: `x = yield from get(...)` instead of `x = yield Get(...)`, so that the type of the answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds
from keystead.storage.ports.operations import (
    Claim,
    Emit,
    Find,
    Get,
    LookAtFamily,
    Offer,
    Peek,
    Put,
    ReadOutbox,
    Redeem,
    Remove,
    RevokeFamily,
    Rotate,
    StartFamily,
)
from keystead.storage.ports.outcomes import (
    Conflict,
    FamilyView,
    OutboxEvent,
    Redeemable,
    Redeemed,
    Replaced,
    Replayed,
    Reused,
    Rotated,
    Stored,
    Superseded,
    WrongBinding,
)
from keystead.storage.ports.paging import MAX_PAGE
from keystead.storage.ports.store import Read, Write

R = TypeVar("R", bound=Record)


def get(kind: type[R], realm: str, id: str, now: EpochSeconds) -> Read[R | None]:
    """Look up one record."""
    answer: R | None = yield Get(kind, realm, id, now)
    return answer


def find(
    kind: type[R],
    realm: str,
    now: EpochSeconds,
    *,
    index: str = "",
    value: str = "",
    after: str = "",
    limit: int = MAX_PAGE,
) -> Read[list[R]]:
    """List records in id order, by an index or all."""
    answer: list[R] = yield Find(kind, realm, now, index, value, after, limit)
    return answer


def put(record: R, now: EpochSeconds) -> Write[Stored[R] | Conflict]:
    """Store a record at the version it was read at."""
    answer: Stored[R] | Conflict = yield Put(record, now)
    return answer


def remove(kind: type[Record], realm: str, id: str) -> Write[bool]:
    """Delete a record."""
    answer: bool = yield Remove(kind, realm, id)
    return answer


def offer(realm: str, purpose: str, key: str, payload: bytes, expires_at: EpochSeconds) -> Write[None]:
    """Store a one-time thing. The key must be fresh; a digest of a new handle always is."""
    yield Offer(realm, purpose, key, payload, expires_at)


def redeem(realm: str, purpose: str, key: str, now: EpochSeconds) -> Write[Redeemed | Replayed | None]:
    """Spend a one-time thing."""
    answer: Redeemed | Replayed | None = yield Redeem(realm, purpose, key, now)
    return answer


def peek(realm: str, purpose: str, key: str, now: EpochSeconds) -> Read[Redeemable | Replayed | None]:
    """Look at a one-time thing."""
    answer: Redeemable | Replayed | None = yield Peek(realm, purpose, key, now)
    return answer


def claim(realm: str, purpose: str, key: str, expires_at: EpochSeconds, now: EpochSeconds) -> Write[bool]:
    """Take a key first, or learn that somebody did."""
    answer: bool = yield Claim(realm, purpose, key, expires_at, now)
    return answer


def start_family(operation: StartFamily) -> Write[None]:
    """Begin a refresh family."""
    yield operation


def rotate(operation: Rotate) -> Write[Rotated | Replaced | Superseded | Reused | WrongBinding | None]:
    """Rotate a refresh family by the refresh rule. None: no such family, or expired."""
    answer: Rotated | Replaced | Superseded | Reused | WrongBinding | None = yield operation
    return answer


def look_at_family(realm: str, family: str, now: EpochSeconds) -> Read[FamilyView | None]:
    """Look at a refresh family."""
    answer: FamilyView | None = yield LookAtFamily(realm, family, now)
    return answer


def revoke_family(realm: str, family: str, now: EpochSeconds) -> Write[bool]:
    """End a refresh family."""
    answer: bool = yield RevokeFamily(realm, family, now)
    return answer


def emit(realm: str, topic: str, payload: bytes, now: EpochSeconds, expires_at: EpochSeconds) -> Write[None]:
    """Append an event to the outbox."""
    yield Emit(realm, topic, payload, now, expires_at)


def read_outbox(topic: str = "", after: int = 0, limit: int = MAX_PAGE) -> Read[list[OutboxEvent]]:
    """List outbox events."""
    answer: list[OutboxEvent] = yield ReadOutbox(topic, after, limit)
    return answer


def stored(outcome: Stored[R] | Conflict) -> R | None:
    """Return the record of a successful put, or None."""
    return outcome.record if isinstance(outcome, Stored) else None


def only(records: Sequence[R]) -> R | None:
    """Return the one record a unique index can hold, or None."""
    return records[0] if records else None
