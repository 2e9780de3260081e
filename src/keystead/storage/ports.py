"""The storage contract: four small ports that speak in outcomes, so that check-then-act cannot be written.

A domain transaction is a generator that yields operations and returns a result. It does no I/O, so it can be run
by any backend, on any thread, and run again after a serialization failure:

    def spend_code(realm: str, code: str, now: EpochSeconds) -> Write[Grant | None]:
        outcome = yield from redeem(realm, "authorization_code", handle_digest(code), now)
        ...

Shape: `Read[T]` may only look; `Write[T]` may look and change. The type checker refuses a write inside
`Store.read`. Every key begins with its realm. Identifiers compare bytewise. Expired things are never returned,
whether or not the sweeper has removed them.
Does not: encrypt, hash, read the clock or know what a kind means. Callers hash what is only compared and seal
what must be used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds, Seconds

T = TypeVar("T")
R = TypeVar("R", bound=Record)

MAX_PAGE: Final = 1000

# --- operations -------------------------------------------------------------------------------------------


class Get(msgspec.Struct, Generic[R], frozen=True):
    """Look up one record. Answer: the record, or None."""

    kind: type[R]
    realm: str
    id: str
    now: EpochSeconds


class Find(msgspec.Struct, Generic[R], frozen=True):
    """List records of a kind in id order, all of them or those whose `index` holds `value`. Answer: a list."""

    kind: type[R]
    realm: str
    now: EpochSeconds
    index: str = ""
    value: str = ""
    after: str = ""
    limit: int = MAX_PAGE


class Put(msgspec.Struct, frozen=True):
    """Store a record. `record.version` is the version it was read at; 0 means it must not exist yet."""

    record: Record
    now: EpochSeconds


class Remove(msgspec.Struct, frozen=True):
    """Delete one record. Answer: whether it was there."""

    kind: type[Record]
    realm: str
    id: str


class Offer(msgspec.Struct, frozen=True):
    """Store something that can be redeemed once. `key` is a digest, never the handle itself."""

    realm: str
    purpose: str
    key: str
    payload: bytes
    expires_at: EpochSeconds


class Redeem(msgspec.Struct, frozen=True):
    """Spend a one-time thing, if it is offered, unspent and unexpired."""

    realm: str
    purpose: str
    key: str
    now: EpochSeconds


class Peek(msgspec.Struct, frozen=True):
    """Look at a one-time thing without spending it. Answer: Redeemable, Replayed or None."""

    realm: str
    purpose: str
    key: str
    now: EpochSeconds


class Claim(msgspec.Struct, frozen=True):
    """Take a key that nobody offered (a `jti`): the first caller gets True, everybody after it False."""

    realm: str
    purpose: str
    key: str
    expires_at: EpochSeconds
    now: EpochSeconds


class StartFamily(msgspec.Struct, frozen=True):
    """Begin a refresh family at generation 1 with this digest as its only live member."""

    realm: str
    family: str
    digest: str
    binding: str
    expires_at: EpochSeconds
    now: EpochSeconds


class Rotate(msgspec.Struct, frozen=True):
    """Offer the member `digest` of `generation` and ask for `successor` in its place.

    `binding` (client and key) must equal the family's. `retry_window` is how long the immediate predecessor may
    be offered again while its successor is unused.
    """

    realm: str
    family: str
    generation: int
    digest: str
    successor: str
    binding: str
    retry_window: Seconds
    expires_at: EpochSeconds
    now: EpochSeconds


class LookAtFamily(msgspec.Struct, frozen=True):
    """Ask what a family member would be, without changing anything. Answer: `FamilyView` or None."""

    realm: str
    family: str
    now: EpochSeconds


class RevokeFamily(msgspec.Struct, frozen=True):
    """End a family for good. Answer: whether it was live."""

    realm: str
    family: str
    now: EpochSeconds


class Relationship(msgspec.Struct, frozen=True, order=True):
    """One tuple: `user` has `relation` to `object`. `condition` and its JSON `context` are empty when it has none."""

    object: str
    relation: str
    user: str
    condition: str = ""
    context: str = ""


class RelationshipChange(msgspec.Struct, frozen=True):
    """One line of a store's change feed. `operation` is `write` or `delete`."""

    revision: int
    operation: str
    relationship: Relationship
    at: EpochSeconds


class WriteRelationships(msgspec.Struct, frozen=True):
    """Delete, then write, tuples of one store, all or nothing.

    A duplicate write or a missing delete fails the whole unless it is to be ignored; `must_exist` and
    `must_not_exist` are preconditions on (object, relation, user). Answer: RelationshipsWritten or
    RelationshipsRefused.
    """

    realm: str
    store: str
    writes: tuple[Relationship, ...]
    deletes: tuple[Relationship, ...]
    now: EpochSeconds
    ignore_duplicates: bool = False
    ignore_missing: bool = False
    must_exist: tuple[Relationship, ...] = ()
    must_not_exist: tuple[Relationship, ...] = ()


class ReadRelationships(msgspec.Struct, frozen=True):
    """List tuples of one store in (object, relation, user) order. Empty fields match all.

    `object` ending in `:` matches every object of the type. `after` is the last tuple of the page before.
    """

    realm: str
    store: str
    object: str = ""
    relation: str = ""
    user: str = ""
    after: Relationship | None = None
    limit: int = MAX_PAGE


class RelationshipRevision(msgspec.Struct, frozen=True):
    """Ask for the revision of a store: it grows with every change. Answer: an int, 0 for an empty store."""

    realm: str
    store: str


class RelationshipChanges(msgspec.Struct, frozen=True):
    """List changes of a store after a revision, oldest first."""

    realm: str
    store: str
    after: int = 0
    limit: int = MAX_PAGE


class Emit(msgspec.Struct, frozen=True):
    """Append one event to the outbox, in the same transaction as what it tells of."""

    realm: str
    topic: str
    payload: bytes
    now: EpochSeconds
    expires_at: EpochSeconds


class ReadOutbox(msgspec.Struct, frozen=True):
    """List outbox events after a sequence number, oldest first, of one topic or (empty) of all."""

    topic: str = ""
    after: int = 0
    limit: int = MAX_PAGE


# --- outcomes ---------------------------------------------------------------------------------------------


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


ReadOperation = (
    Get[Any]
    | Find[Any]
    | Peek
    | LookAtFamily
    | ReadRelationships
    | RelationshipRevision
    | RelationshipChanges
    | ReadOutbox
)
WriteOperation = Put | Remove | Offer | Redeem | Claim | StartFamily | Rotate | RevokeFamily | WriteRelationships | Emit

Read = Generator[ReadOperation, Any, T]
"""A transaction that only looks, at one snapshot."""

Write = Generator[ReadOperation | WriteOperation, Any, T]
"""A transaction that may change things: all of it happens, or none."""


# --- typed verbs ------------------------------------------------------------------------------------------
# `x = yield from get(...)` instead of `x = yield Get(...)`: the type of the answer is known.


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


def write_relationships(operation: WriteRelationships) -> Write[RelationshipsWritten | RelationshipsRefused]:
    """Write tuples, all or nothing."""
    answer: RelationshipsWritten | RelationshipsRefused = yield operation
    return answer


def read_relationships(operation: ReadRelationships) -> Read[list[Relationship]]:
    """List tuples."""
    answer: list[Relationship] = yield operation
    return answer


def relationship_revision(realm: str, store: str) -> Read[int]:
    """Ask how far a store of tuples has come."""
    answer: int = yield RelationshipRevision(realm, store)
    return answer


def relationship_changes(
    realm: str, store: str, after: int = 0, limit: int = MAX_PAGE
) -> Read[list[RelationshipChange]]:
    """List changes of a store of tuples."""
    answer: list[RelationshipChange] = yield RelationshipChanges(realm, store, after, limit)
    return answer


def emit(realm: str, topic: str, payload: bytes, now: EpochSeconds, expires_at: EpochSeconds) -> Write[None]:
    """Append an event to the outbox."""
    yield Emit(realm, topic, payload, now, expires_at)


def read_outbox(topic: str = "", after: int = 0, limit: int = MAX_PAGE) -> Read[list[OutboxEvent]]:
    """List outbox events."""
    answer: list[OutboxEvent] = yield ReadOutbox(topic, after, limit)
    return answer


# --- the store --------------------------------------------------------------------------------------------


class Store(Protocol):
    """A backend. One per process and database; safe to use from one event loop."""

    async def read(self, transaction: Read[T]) -> T:
        """Run a transaction that only looks. An embedded backend answers without suspending.

        Raises: StorageUnavailable.
        """
        ...

    async def write(self, transaction: Callable[[], Write[T]]) -> T:
        """Run a transaction and return when its effects are durable (fsynced). `transaction` may be called again.

        An exception out of the generator rolls the transaction back and reaches the caller unchanged.
        Raises: StorageUnavailable when nothing was, or may have been, made durable.
        """
        ...

    async def sweep(self, now: EpochSeconds, limit: int = 500) -> int:
        """Remove at most `limit` expired rows in one short transaction. Answer: how many went."""
        ...

    async def changed(self, since: int, timeout: float) -> int:
        """Wait until the outbox has an event after `since`, by any process, or `timeout` seconds passed.

        Answer: the newest sequence number.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        ...


def stored(outcome: Stored[R] | Conflict) -> R | None:
    """Return the record of a successful put, or None."""
    return outcome.record if isinstance(outcome, Stored) else None


def only(records: Sequence[R]) -> R | None:
    """Return the one record a unique index can hold, or None."""
    return records[0] if records else None
