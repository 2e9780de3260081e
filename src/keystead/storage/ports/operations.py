"""What can be asked of a store: plain values, yielded by transactions and carried out by a backend."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds, Seconds
from keystead.storage.ports.paging import MAX_PAGE
from keystead.storage.ports.relationships import RelationshipRead, RelationshipWrite

R = TypeVar("R", bound=Record)


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


ReadOperation = Get[Any] | Find[Any] | Peek | LookAtFamily | ReadOutbox | RelationshipRead
WriteOperation = Put | Remove | Offer | Redeem | Claim | StartFamily | Rotate | RevokeFamily | Emit | RelationshipWrite
