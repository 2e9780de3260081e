"""Relationship tuples in memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

from keystead.core.values import EpochSeconds
from keystead.storage.documents import require_text
from keystead.storage.judging import Change, has_expired, judge, key_of, keys_of, type_of
from keystead.storage.memory.tables import Table, Undo
from keystead.storage.ports import (
    CHANGES_KEPT,
    DropRelationships,
    FeedView,
    LoadRelationships,
    LookAtFeed,
    ReadRelationships,
    Relationship,
    RelationshipChange,
    RelationshipChanges,
    RelationshipRevision,
    RelationshipsRefused,
    RelationshipsWritten,
    StoredRelationship,
    StoredRelationships,
    TupleRow,
    WriteRelationships,
)
from keystead.storage.ports.paging import BULK_PAGE, page_size

T = TypeVar("T")

StoreKey = tuple[str, str]

UNKNOWN = FeedView()


class Relationships:
    """The tuples of all stores, and every change to them."""

    def __init__(self, undo: Undo) -> None:
        self._rows: Table[StoredRelationship] = Table(undo)
        self._changes: Table[RelationshipChange] = Table(undo)
        self._feeds: Table[FeedView] = Table(undo)
        self._expiring: Table[None] = Table(undo)
        """Keys of the tuples that will expire, by when."""
        self._by_user: Table[None] = Table(undo)
        """Keys of the tuples by whom they name."""

    def write_relationships(self, operation: WriteRelationships) -> RelationshipsWritten | RelationshipsRefused:
        """Judge everything first, then change everything."""
        store = (operation.realm, operation.store)
        found = ((key, self._rows.get((*store, *key))) for key in keys_of(operation))
        planned = judge(operation, {key: row.relationship for key, row in found if row})
        if isinstance(planned, RelationshipsRefused):
            return planned
        self._apply(store, planned, operation.now)
        return RelationshipsWritten(self._feed(store).revision)

    def read_relationships(self, operation: ReadRelationships) -> list[Relationship]:
        """List tuples in (object, relation, user) order."""
        return [row.relationship for row in self._read(operation)]

    def stored_relationships(self, operation: StoredRelationships) -> list[StoredRelationship]:
        """List tuples with the time each was written."""
        return self._read(operation.wanted)

    def load_relationships(self, operation: LoadRelationships) -> list[TupleRow]:
        """Read tuples as plain rows."""
        prefix, most = f"{operation.type}:" if operation.type else "", page_size(operation.limit, BULK_PAGE)
        found: list[TupleRow] = []
        start = max(operation.after, (prefix, "", ""))
        for key, row in self._rows.scan((operation.realm, operation.store), start):
            if len(found) >= most or not key[2].startswith(prefix):
                break
            each = row.relationship
            found.append((each.object, each.relation, each.user, each.condition, each.context, each.expires_at))
        return found

    def relationship_revision(self, operation: RelationshipRevision) -> int:
        """Tell how far a store has come."""
        return self._feed((operation.realm, operation.store)).revision

    def look_at_feed(self, operation: LookAtFeed) -> FeedView:
        """Tell where the feed begins and ends."""
        return self._feed((operation.realm, operation.store))

    def relationship_changes(self, operation: RelationshipChanges) -> list[RelationshipChange]:
        """List changes after a revision, oldest first."""
        found: list[RelationshipChange] = []
        for _, change in self._changes.scan((operation.realm, operation.store), (operation.after,)):
            if len(found) >= page_size(operation.limit):
                break
            if change.at >= operation.since and operation.type in ("", type_of(change.relationship.object)):
                found.append(change)
        return found

    def drop_relationships(self, operation: DropRelationships) -> int:
        """Delete some tuples, then, when there are none left, some of the feed."""
        store, most = (operation.realm, operation.store), page_size(operation.limit)
        keys = [key for key, _ in _some(self._rows.scan(store), most)]
        for key in keys:
            self._forget(key)
        feed = self._feed(store)
        if keys:
            self._feeds.set(store, FeedView(feed.revision + 1, feed.revision + 1, feed.at))
        else:
            keys = [key for key, _ in _some(self._changes.scan(store), most)]
            for key in keys:
                self._changes.delete(key)
        return len(keys)

    def sweep(self, now: EpochSeconds, limit: int) -> int:
        """Delete at most `limit` tuples that have expired and old changes, the tuples as deletes the feed tells of."""
        by_store: dict[StoreKey, list[Change]] = {}
        expired = [key for key, _ in _some(self._expiring.scan(()), limit) if key[0] <= now]
        for _, realm, store, *rest in expired:
            row = self._rows.get((realm, store, *rest))
            if row is not None:
                by_store.setdefault((realm, store), []).append(("delete", row.relationship))
        for named, changes in by_store.items():
            self._apply(named, changes, now)
        return len(expired) + self._trim(EpochSeconds(now - CHANGES_KEPT), limit - len(expired))

    def _trim(self, until: EpochSeconds, limit: int) -> int:
        old: list[tuple[EpochSeconds, tuple[str, str, int]]] = []
        for store_key, _ in self._feeds.scan(()):  # the oldest come first in each
            for key, change in _some(self._changes.scan(store_key), limit):
                if change.at > until:
                    break
                old.append((change.at, key))
        for _, (realm, store, revision) in sorted(old)[:limit]:
            self._changes.delete((realm, store, revision))
            feed = self._feed((realm, store))
            self._feeds.set((realm, store), FeedView(feed.revision, max(revision, feed.trimmed), feed.at))
        return min(len(old), max(0, limit))

    def _read(self, operation: ReadRelationships) -> list[StoredRelationship]:
        after = key_of(operation.after) if operation.after else ()
        found: list[StoredRelationship] = []
        for row in self._candidates(operation, after):
            if len(found) >= page_size(operation.limit):
                break
            each = row.relationship
            if (
                _matches(operation.object, each.object)
                and operation.relation in ("", each.relation)
                and operation.user in ("", each.user)
                and not (operation.now and has_expired(each, operation.now))
            ):
                found.append(row)
        return found

    def _candidates(self, operation: ReadRelationships, after: tuple[str, ...]) -> Iterator[StoredRelationship]:
        """Yield tuples after a key, in order, by the narrower way there is."""
        store, object, user = (operation.realm, operation.store), operation.object, operation.user
        if object and not object.endswith(":"):
            within = after[1:] if after and after[0] == object else ()
            if not after or after[0] <= object:
                yield from (row for _, row in self._rows.scan((*store, object), within))
        elif user:
            if after and after[2] < user:  # the user asked for comes after the last one seen in the same place
                yield from self._standing((*store, *after[:2], user))
            for key, _ in self._by_user.scan((*store, user), after[:2]):
                yield from self._standing((*store, *key[3:], user))
        else:
            for key, row in self._rows.scan(store, max(after, (object,) if object else ())):
                if not key[2].startswith(object):
                    break
                yield row

    def _standing(self, key: tuple[str, ...]) -> Iterator[StoredRelationship]:
        row = self._rows.get(key)
        if row is not None:
            yield row

    def _apply(self, store: StoreKey, changes: list[Change], now: EpochSeconds) -> None:
        realm, name = map(require_text, store)
        feed = self._feed(store)
        at = max(now, feed.at)
        for revision, (what, relationship) in enumerate(changes, feed.revision + 1):
            key = (realm, name, *key_of(relationship))
            if what == "write":
                for text in (*key_of(relationship), relationship.condition, relationship.context):
                    require_text(text)
                self._remember(key, StoredRelationship(relationship, at))
            else:
                self._forget(key)
            self._changes.set((*store, revision), RelationshipChange(revision, what, relationship, at))
        if changes:
            self._feeds.set(store, FeedView(feed.revision + len(changes), feed.trimmed, at))

    def _remember(self, key: tuple[str, str, str, str, str], row: StoredRelationship) -> None:
        realm, store, object, relation, user = key
        self._rows.set(key, row)
        self._by_user.set((realm, store, user, object, relation), None)
        if row.relationship.expires_at:
            self._expiring.set((row.relationship.expires_at, *key), None)

    def _forget(self, key: tuple[str, ...]) -> None:
        row = self._rows.get(key)
        self._rows.delete(key)
        realm, store, object, relation, user = key
        self._by_user.delete((realm, store, user, object, relation))
        if row is not None and row.relationship.expires_at:
            self._expiring.delete((row.relationship.expires_at, *key))

    def _feed(self, store: StoreKey) -> FeedView:
        return self._feeds.get(store) or UNKNOWN


def _some(found: Iterator[T], most: int) -> Iterator[T]:
    return islice(found, max(0, most))


def _matches(wanted: str, object: str) -> bool:
    return object.startswith(wanted) if wanted.endswith(":") or not wanted else object == wanted
