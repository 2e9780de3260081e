"""Typed verbs for tuples."""

from __future__ import annotations

from keystead.core.values import EpochSeconds
from keystead.storage.ports.outcomes import (
    FeedView,
    Relationship,
    RelationshipChange,
    RelationshipsRefused,
    RelationshipsWritten,
    StoredRelationship,
)
from keystead.storage.ports.paging import MAX_PAGE
from keystead.storage.ports.relationships import (
    BEGINNING,
    DropRelationships,
    LoadRelationships,
    LookAtFeed,
    ReadRelationships,
    RelationshipChanges,
    RelationshipRevision,
    StoredRelationships,
    TupleRow,
    WriteRelationships,
)
from keystead.storage.ports.store import Read, Write


def write_relationships(operation: WriteRelationships) -> Write[RelationshipsWritten | RelationshipsRefused]:
    """Write tuples, all or nothing."""
    answer: RelationshipsWritten | RelationshipsRefused = yield operation
    return answer


def drop_relationships(realm: str, store: str, limit: int = MAX_PAGE) -> Write[int]:
    """Delete some of everything a store of tuples holds. Answer: how many rows went; repeat until 0."""
    answer: int = yield DropRelationships(realm, store, limit)
    return answer


def read_relationships(operation: ReadRelationships) -> Read[list[Relationship]]:
    """List tuples."""
    answer: list[Relationship] = yield operation
    return answer


def stored_relationships(operation: ReadRelationships) -> Read[list[StoredRelationship]]:
    """List tuples with the time each was written."""
    answer: list[StoredRelationship] = yield StoredRelationships(operation)
    return answer


def load_relationships(operation: LoadRelationships) -> Read[list[TupleRow]]:
    """Read many tuples as plain rows."""
    answer: list[TupleRow] = yield operation
    return answer


def relationship_revision(realm: str, store: str) -> Read[int]:
    """Ask how far a store of tuples has come."""
    answer: int = yield RelationshipRevision(realm, store)
    return answer


def look_at_feed(realm: str, store: str) -> Read[FeedView]:
    """Ask where a store's change feed begins and ends."""
    answer: FeedView = yield LookAtFeed(realm, store)
    return answer


def relationship_changes(
    realm: str,
    store: str,
    after: int = 0,
    limit: int = MAX_PAGE,
    *,
    type: str = "",
    since: EpochSeconds = BEGINNING,
) -> Read[list[RelationshipChange]]:
    """List changes of a store of tuples."""
    answer: list[RelationshipChange] = yield RelationshipChanges(realm, store, after, limit, type, since)
    return answer
