"""What can be asked of the tuples of a store."""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.values import EpochSeconds, Seconds
from keystead.storage.ports.outcomes import Relationship
from keystead.storage.ports.paging import BULK_PAGE, MAX_PAGE

CHANGES_KEPT: Final = Seconds(90 * 24 * 3600)
"""How long a change stays in the feed. Who follows and falls further behind must load everything anew."""

BEGINNING: Final = EpochSeconds(0)
"""Earlier than anything."""

TupleKey = tuple[str, str, str]
"""(object, relation, user): what no two tuples of a store share."""

TupleRow = tuple[str, str, str, str, str, EpochSeconds]
"""(object, relation, user, condition, context, expires_at): a tuple as it is stored, where there are very many."""


class WriteRelationships(msgspec.Struct, frozen=True):
    """Delete, then write, tuples of one store, all or nothing.

    A duplicate write or a missing delete fails the whole unless it is to be ignored; `must_exist` and
    `must_not_exist` are preconditions on (object, relation, user). A tuple that has expired by `now` is not there.
    Answer: RelationshipsWritten or RelationshipsRefused.
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


class DropRelationships(msgspec.Struct, frozen=True):
    """Delete at most `limit` tuples and changes of a store, all of which is going. Answer: how many rows went.

    Repeat until 0. The revision goes on, so that nobody takes a later store of the name for this one, and whoever
    follows the feed finds a gap in it. Does not: keep questions from being answered by half the tuples; whoever drops
    a store refuses questions about it first.
    """

    realm: str
    store: str
    limit: int = MAX_PAGE


class ReadRelationships(msgspec.Struct, frozen=True):
    """List tuples of one store in (object, relation, user) order. Empty fields match all. Answer: Relationships.

    `object` ending in `:` matches every object of the type. `after` is the last tuple of the page before. Tuples that
    have expired by `now` are left out; 0 leaves none out.
    """

    realm: str
    store: str
    object: str = ""
    relation: str = ""
    user: str = ""
    after: Relationship | None = None
    limit: int = MAX_PAGE
    now: EpochSeconds = BEGINNING


class StoredRelationships(msgspec.Struct, frozen=True):
    """List the same, with the time each was written. Answer: StoredRelationship values."""

    wanted: ReadRelationships


class LoadRelationships(msgspec.Struct, frozen=True):
    """Read tuples in key order as plain rows, up to `BULK_PAGE` at once, expired ones too. Answer: TupleRow values.

    `type` takes objects of one type only; `after` is the key of the last row of the page before.
    """

    realm: str
    store: str
    type: str = ""
    after: TupleKey = ("", "", "")
    limit: int = BULK_PAGE


class RelationshipRevision(msgspec.Struct, frozen=True):
    """Ask for the revision of a store: it grows with every change. Answer: an int, 0 for an empty store."""

    realm: str
    store: str


class LookAtFeed(msgspec.Struct, frozen=True):
    """Ask where a store's change feed begins and ends. Answer: FeedView."""

    realm: str
    store: str


class RelationshipChanges(msgspec.Struct, frozen=True):
    """List changes of a store after a revision, oldest first.

    `type`: only those of objects of one type. `since`: only those made at this time or later. Whoever must not miss
    any compares `after` with where the feed begins (`LookAtFeed`) in the same transaction.
    """

    realm: str
    store: str
    after: int = 0
    limit: int = MAX_PAGE
    type: str = ""
    since: EpochSeconds = BEGINNING


RelationshipRead = (
    ReadRelationships
    | StoredRelationships
    | LoadRelationships
    | RelationshipRevision
    | LookAtFeed
    | RelationshipChanges
)
RelationshipWrite = WriteRelationships | DropRelationships
