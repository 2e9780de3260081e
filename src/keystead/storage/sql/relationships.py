"""Relationship tuples: the current set, and every change to it, numbered per store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from keystead.core.values import EpochSeconds
from keystead.storage.documents import require_text
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
from keystead.storage.sql.statement import SqlValue, Steps

LOOK: Final = """
SELECT object, relation, "user", condition, context FROM relationships
WHERE realm = ? AND store = ? AND object = ? AND relation = ? AND "user" = ?"""

INSERT: Final = """
INSERT INTO relationships (realm, store, object, relation, "user", condition, context) VALUES (?, ?, ?, ?, ?, ?, ?)"""

DELETE: Final = """
DELETE FROM relationships WHERE realm = ? AND store = ? AND object = ? AND relation = ? AND "user" = ?"""

INSERT_CHANGE: Final = """
INSERT INTO relationship_changes
(realm, store, revision, operation, object, relation, "user", condition, context, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

ADVANCE: Final = """
INSERT INTO relationship_revisions (realm, store, revision) VALUES (?, ?, ?)
ON CONFLICT (realm, store) DO UPDATE SET revision = relationship_revisions.revision + excluded.revision
RETURNING revision"""

REVISION: Final = "SELECT revision FROM relationship_revisions WHERE realm = ? AND store = ?"

CHANGES: Final = """
SELECT revision, operation, object, relation, "user", condition, context, at FROM relationship_changes
WHERE realm = ? AND store = ? AND revision > ? ORDER BY revision LIMIT ?"""

READ: Final = 'SELECT object, relation, "user", condition, context FROM relationships WHERE realm = ? AND store = ?'

IN_ORDER: Final = ' ORDER BY object, relation, "user" LIMIT ?'


class _Where:
    """A SELECT that grows by conditions."""

    def __init__(self, text: str, values: Sequence[SqlValue]) -> None:
        self.text = text
        self.values = list(values)

    def also(self, condition: str, *values: SqlValue) -> None:
        """Add a condition."""
        self.text += f" AND {condition}"
        self.values += values


Change = tuple[str, Relationship]
"""`write` or `delete`, and what."""


def write_relationships(operation: WriteRelationships) -> Steps[RelationshipsWritten | RelationshipsRefused]:
    """Judge everything first, then change everything: nothing is written when anything is refused."""
    planned = yield from _plan(operation)
    if isinstance(planned, RelationshipsRefused):
        return planned
    if not planned:
        return RelationshipsWritten((yield from _revision(operation.realm, operation.store)))
    return RelationshipsWritten((yield from _apply(operation.realm, operation.store, planned, operation.now)))


def read_relationships(operation: ReadRelationships) -> Steps[list[Relationship]]:
    """List tuples in (object, relation, user) order."""
    wanted = _Where(READ, (operation.realm, operation.store))
    object, after = operation.object, operation.after
    if object.endswith(":"):
        wanted.also("object >= ? AND object < ?", object, object[:-1] + ";")
    elif object:
        wanted.also("object = ?", object)
    if operation.relation:
        wanted.also("relation = ?", operation.relation)
    if operation.user:
        wanted.also('"user" = ?', operation.user)
    if after is not None and object == after.object:
        wanted.also('(relation, "user") > (?, ?)', after.relation, after.user)
    elif after is not None:
        # Said twice: the first is what bounds the walk through an index, the second what is meant.
        wanted.also("object >= ?", after.object)
        wanted.also('(object, relation, "user") > (?, ?, ?)', *_key(after))
    rows = yield wanted.text + IN_ORDER, (*wanted.values, page_size(operation.limit))
    return [Relationship(*row) for row in rows]


def relationship_revision(operation: RelationshipRevision) -> Steps[int]:
    """Tell how far a store has come."""
    return (yield from _revision(operation.realm, operation.store))


def relationship_changes(operation: RelationshipChanges) -> Steps[list[RelationshipChange]]:
    """List changes after a revision, oldest first; every change has a revision of its own."""
    rows = yield CHANGES, (operation.realm, operation.store, operation.after, page_size(operation.limit))
    return [RelationshipChange(row[0], row[1], Relationship(*row[2:7]), row[7]) for row in rows]


def _plan(operation: WriteRelationships) -> Steps[list[Change] | RelationshipsRefused]:
    """Return the changes to make, in order, or the first reason not to."""
    store = (operation.realm, operation.store)
    for demanded in operation.must_exist:
        if not (yield LOOK, (*store, *_key(demanded))):
            return RelationshipsRefused("must_exist", demanded)
    for unwanted in operation.must_not_exist:
        if (yield LOOK, (*store, *_key(unwanted))):
            return RelationshipsRefused("must_not_exist", unwanted)
    changes: list[Change] = []
    touched: dict[tuple[str, str, str], Relationship | None] = {}
    for going in operation.deletes:
        found = yield from _look(store, going, touched)
        if found is None:
            if not operation.ignore_missing:
                return RelationshipsRefused("missing", going)
            continue
        touched[_key(going)] = None
        changes.append(("delete", found))
    for coming in operation.writes:
        found = yield from _look(store, coming, touched)
        if found is not None:
            if found != coming or not operation.ignore_duplicates:
                return RelationshipsRefused("duplicate", coming)
            continue
        touched[_key(coming)] = coming
        changes.append(("write", coming))
    return changes


def _look(
    store: tuple[str, str], relationship: Relationship, touched: dict[tuple[str, str, str], Relationship | None]
) -> Steps[Relationship | None]:
    """Return what will stand under a tuple's key once the changes planned so far are made."""
    key = _key(relationship)
    if key in touched:
        return touched[key]
    rows = yield LOOK, (*store, *key)
    return Relationship(*rows[0]) if rows else None


def _apply(realm: str, store: str, changes: list[Change], now: EpochSeconds) -> Steps[int]:
    rows = yield ADVANCE, (require_text(realm), require_text(store), len(changes))
    last: int = rows[0][0]
    for revision, (what, relationship) in enumerate(changes, start=last - len(changes) + 1):
        whole = (*_key(relationship), relationship.condition, relationship.context)
        if what == "write":
            yield INSERT, (realm, store, *map(require_text, whole))
        else:
            yield DELETE, (realm, store, *_key(relationship))
        yield INSERT_CHANGE, (realm, store, revision, what, *whole, now)
    return last


def _revision(realm: str, store: str) -> Steps[int]:
    rows = yield REVISION, (realm, store)
    return rows[0][0] if rows else 0


def _key(relationship: Relationship) -> tuple[str, str, str]:
    return relationship.object, relationship.relation, relationship.user
