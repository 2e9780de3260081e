"""The change feed of a store of tuples: read from any point, by type or from a time, and trimmed at its old end."""

from __future__ import annotations

from typing import Final

from keystead.core.values import EpochSeconds
from keystead.storage.ports import (
    FeedView,
    LookAtFeed,
    Relationship,
    RelationshipChange,
    RelationshipChanges,
    RelationshipRevision,
)
from keystead.storage.ports.paging import page_size
from keystead.storage.sql.statement import Steps

FEED: Final = "SELECT revision, trimmed, at FROM relationship_revisions WHERE realm = ? AND store = ?"

REVISION: Final = "SELECT revision FROM relationship_revisions WHERE realm = ? AND store = ?"

_LINE: Final = 'revision, operation, object, relation, "user", condition, context, expires_at, at'

CHANGES: Final = f"""
SELECT {_LINE} FROM relationship_changes
WHERE realm = ? AND store = ? AND revision > ? ORDER BY revision LIMIT ?"""

CHANGES_OF_TYPE: Final = f"""
SELECT {_LINE} FROM relationship_changes
WHERE realm = ? AND store = ? AND type = ? AND revision > ? ORDER BY revision LIMIT ?"""

MADE_AT: Final = "SELECT at FROM relationship_changes WHERE realm = ? AND store = ? AND revision = ?"

UNKNOWN: Final = FeedView()


def relationship_revision(operation: RelationshipRevision) -> Steps[int]:
    """Tell how far a store has come."""
    return (yield from revision_of(operation.realm, operation.store))


def look_at_feed(operation: LookAtFeed) -> Steps[FeedView]:
    """Tell where the feed begins and ends."""
    return (yield from _look(operation.realm, operation.store))


def relationship_changes(operation: RelationshipChanges) -> Steps[list[RelationshipChange]]:
    """List changes after a revision, oldest first; every change has a revision of its own."""
    after = operation.after
    if operation.since:
        after = max(after, (yield from _last_before(operation.realm, operation.store, operation.since)))
    bounds = (after, page_size(operation.limit))
    if operation.type:
        rows = yield CHANGES_OF_TYPE, (operation.realm, operation.store, operation.type, *bounds)
    else:
        rows = yield CHANGES, (operation.realm, operation.store, *bounds)
    return [RelationshipChange(row[0], row[1], Relationship(*row[2:8]), row[8]) for row in map(tuple, rows)]


def revision_of(realm: str, store: str) -> Steps[int]:
    """Return a store's revision."""
    rows = yield REVISION, (realm, store)
    return rows[0][0] if rows else 0


def _look(realm: str, store: str) -> Steps[FeedView]:
    rows = yield FEED, (realm, store)
    return FeedView(*rows[0]) if rows else UNKNOWN


def _last_before(realm: str, store: str, since: EpochSeconds) -> Steps[int]:
    """Return the last revision made before a time. Times never go back along the feed, so halving finds it."""
    feed = yield from _look(realm, store)
    before, behind = feed.trimmed, feed.revision + 1
    while before + 1 < behind:
        middle = (before + behind) // 2
        rows = yield MADE_AT, (realm, store, middle)
        if rows and rows[0][0] >= since:
            behind = middle
        else:
            before = middle
    return before
