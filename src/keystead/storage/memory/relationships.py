"""Relationship tuples in memory."""

from __future__ import annotations

from keystead.core.values import EpochSeconds
from keystead.storage.documents import require_text
from keystead.storage.memory.tables import Table, Undo
from keystead.storage.ports import (
    ReadRelationships,
    Relationship,
    RelationshipChange,
    RelationshipChanges,
    RelationshipRevision,
    RelationshipsRefused,
    RelationshipsWritten,
    WriteRelationships,
)
from keystead.storage.ports.operations import page_size

Change = tuple[str, Relationship]
StoreKey = tuple[str, str]


class Relationships:
    """The tuples of all stores, and every change to them."""

    def __init__(self, undo: Undo) -> None:
        self._rows: Table[Relationship] = Table(undo)
        self._changes: Table[RelationshipChange] = Table(undo)
        self._revisions: Table[int] = Table(undo)

    def write_relationships(self, operation: WriteRelationships) -> RelationshipsWritten | RelationshipsRefused:
        """Judge everything first, then change everything."""
        store = (operation.realm, operation.store)
        refused = self._preconditions(store, operation)
        if refused:
            return refused
        planned = self._plan(store, operation)
        if isinstance(planned, RelationshipsRefused):
            return planned
        for what, relationship in planned:
            self._apply(store, what, relationship, operation.now)
        return RelationshipsWritten(self._revisions.get(store) or 0)

    def read_relationships(self, operation: ReadRelationships) -> list[Relationship]:
        """List tuples in (object, relation, user) order."""
        after = _key(operation.after) if operation.after else ()
        found = [
            row
            for _, row in self._rows.scan((operation.realm, operation.store), after)
            if _matches(operation.object, row.object)
            and operation.relation in ("", row.relation)
            and operation.user in ("", row.user)
        ]
        return found[: page_size(operation.limit)]

    def relationship_revision(self, operation: RelationshipRevision) -> int:
        """Tell how far a store has come."""
        return self._revisions.get((operation.realm, operation.store)) or 0

    def relationship_changes(self, operation: RelationshipChanges) -> list[RelationshipChange]:
        """List changes after a revision, oldest first."""
        rows = self._changes.scan((operation.realm, operation.store), (operation.after,))
        return [change for _, change in rows][: page_size(operation.limit)]

    def _preconditions(self, store: StoreKey, operation: WriteRelationships) -> RelationshipsRefused | None:
        for demanded in operation.must_exist:
            if not self._rows.get((*store, *_key(demanded))):
                return RelationshipsRefused("must_exist", demanded)
        for unwanted in operation.must_not_exist:
            if self._rows.get((*store, *_key(unwanted))):
                return RelationshipsRefused("must_not_exist", unwanted)
        return None

    def _plan(self, store: StoreKey, operation: WriteRelationships) -> list[Change] | RelationshipsRefused:
        """Return the changes to make, in order, or the first reason not to."""
        changes: list[Change] = []
        touched: dict[tuple[str, str, str], Relationship | None] = {}

        def standing(relationship: Relationship) -> Relationship | None:
            key = _key(relationship)
            return touched[key] if key in touched else self._rows.get((*store, *key))

        for going in operation.deletes:
            found = standing(going)
            if found is not None:
                touched[_key(going)] = None
                changes.append(("delete", found))
            elif not operation.ignore_missing:
                return RelationshipsRefused("missing", going)
        for coming in operation.writes:
            found = standing(coming)
            if found is None:
                touched[_key(coming)] = coming
                changes.append(("write", coming))
            elif found != coming or not operation.ignore_duplicates:
                return RelationshipsRefused("duplicate", coming)
        return changes

    def _apply(self, store: StoreKey, what: str, relationship: Relationship, now: EpochSeconds) -> None:
        realm, name = map(require_text, store)
        key = (realm, name, *_key(relationship))
        if what == "write":
            for text in (*_key(relationship), relationship.condition, relationship.context):
                require_text(text)
            self._rows.set(key, relationship)
        else:
            self._rows.delete(key)
        revision = (self._revisions.get(store) or 0) + 1
        self._revisions.set(store, revision)
        self._changes.set((*store, revision), RelationshipChange(revision, what, relationship, now))


def _key(relationship: Relationship) -> tuple[str, str, str]:
    return relationship.object, relationship.relation, relationship.user


def _matches(wanted: str, object: str) -> bool:
    return object.startswith(wanted) if wanted.endswith(":") or not wanted else object == wanted
