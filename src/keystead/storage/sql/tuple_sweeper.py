"""What goes of the tuples by itself: those that have expired, old lines of the feeds, and stores that are dropped."""

from __future__ import annotations

from typing import Final

from keystead.core.values import EpochSeconds
from keystead.storage.judging import Change
from keystead.storage.ports import CHANGES_KEPT, DropRelationships, Relationship
from keystead.storage.ports.paging import page_size
from keystead.storage.sql.relationships import ADVANCE, COLUMNS, DELETE, apply
from keystead.storage.sql.statement import Steps

EXPIRED: Final = f"""
SELECT realm, store, {COLUMNS} FROM relationships WHERE expires_at > 0 AND expires_at <= ?
ORDER BY expires_at, realm, store, object, relation, "user" LIMIT ?"""

OLD: Final = """
SELECT realm, store, revision FROM relationship_changes WHERE at <= ? ORDER BY at, realm, store, revision LIMIT ?"""

TRIM: Final = "UPDATE relationship_revisions SET trimmed = ? WHERE realm = ? AND store = ?"

FORGET: Final = "DELETE FROM relationship_changes WHERE realm = ? AND store = ? AND revision <= ?"

SOME_TUPLES: Final = f"""
SELECT {COLUMNS} FROM relationships WHERE realm = ? AND store = ? ORDER BY object, relation, "user" LIMIT ?"""

SOME_CHANGES: Final = """
SELECT revision FROM relationship_changes WHERE realm = ? AND store = ? ORDER BY revision LIMIT ?"""

Store = tuple[str, str]
"""Realm and name."""


def sweep_expired(now: EpochSeconds, limit: int) -> Steps[int]:
    """Delete at most `limit` tuples that have expired, as deletes that the feeds tell of."""
    rows = yield EXPIRED, (now, limit)
    by_store: dict[Store, list[Change]] = {}
    for realm, store, *whole in rows:
        by_store.setdefault((realm, store), []).append(("delete", Relationship(*whole)))
    for (realm, store), changes in by_store.items():
        yield from apply(realm, store, changes, now)
    return len(rows)


def trim_feeds(now: EpochSeconds, limit: int) -> Steps[int]:
    """Delete at most `limit` changes older than `CHANGES_KEPT`, and note how far each feed was trimmed."""
    rows = yield OLD, (now - CHANGES_KEPT, limit)
    last: dict[Store, int] = {}
    for realm, store, revision in rows:
        last[realm, store] = max(revision, last.get((realm, store), 0))
    for store_key, revision in last.items():
        yield from _trim(store_key, revision)
    return len(rows)


def drop_relationships(operation: DropRelationships) -> Steps[int]:
    """Delete some tuples without a line each in the feed, then, when there are none left, some of the feed."""
    store, limit = (operation.realm, operation.store), page_size(operation.limit)
    rows = yield SOME_TUPLES, (*store, limit)
    for object, relation, user, *_ in rows:
        yield DELETE, (*store, object, relation, user)
    if rows:
        advanced = yield ADVANCE, (*store, 1, 0)
        yield TRIM, (advanced[0][0], *store)
        return len(rows)
    old = yield SOME_CHANGES, (*store, limit)
    if old:
        yield from _trim(store, old[-1][0], keeping=True)
    return len(old)


def _trim(store: Store, revision: int, *, keeping: bool = False) -> Steps[None]:
    """Forget the changes up to a revision. `keeping`: the feed is marked as trimmed further already."""
    yield FORGET, (*store, revision)
    if not keeping:
        yield TRIM, (revision, *store)
