"""Relationship tuples: the current set, and every change to it, numbered per store.

Flow: a write looks at all it names, is judged (`storage.judging`), takes its numbers, changes the rows and adds to
the feed; rows of one kind go together in one statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeVar

from keystead.core.values import EpochSeconds
from keystead.storage.documents import require_text
from keystead.storage.judging import Change, judge, key_of, keys_of, type_of
from keystead.storage.ports import (
    LoadRelationships,
    ReadRelationships,
    Relationship,
    RelationshipsRefused,
    RelationshipsWritten,
    StoredRelationship,
    StoredRelationships,
    TupleKey,
    TupleRow,
    WriteRelationships,
)
from keystead.storage.ports.paging import BULK_PAGE, page_size
from keystead.storage.sql.feed import revision_of
from keystead.storage.sql.statement import Row, SqlValue, Steps

T = TypeVar("T")

TOGETHER: Final = 50
"""How many tuples go into one statement."""

ADVANCE: Final = """
INSERT INTO relationship_revisions (realm, store, revision, at) VALUES (?, ?, ?, ?)
ON CONFLICT (realm, store) DO UPDATE SET revision = relationship_revisions.revision + excluded.revision,
at = CASE WHEN relationship_revisions.at > excluded.at THEN relationship_revisions.at ELSE excluded.at END
RETURNING revision, at"""
"""Takes numbers, and a time that never goes back from one number to the next."""

COLUMNS: Final = 'object, relation, "user", condition, context, expires_at'

READ: Final = f"SELECT {COLUMNS}, at FROM relationships WHERE realm = ? AND store = ?"

LOAD: Final = f"""
SELECT {COLUMNS} FROM relationships
WHERE realm = ? AND store = ? AND object >= ? AND (object, relation, "user") > (?, ?, ?)
ORDER BY object, relation, "user" LIMIT ?"""

LOAD_TYPE: Final = f"""
SELECT {COLUMNS} FROM relationships
WHERE realm = ? AND store = ? AND object >= ? AND object < ? AND (object, relation, "user") > (?, ?, ?)
ORDER BY object, relation, "user" LIMIT ?"""

LOOK: Final = f"""
SELECT {COLUMNS} FROM relationships
WHERE realm = ? AND store = ? AND object = ? AND relation = ? AND "user" = ?"""

DELETE: Final = """
DELETE FROM relationships WHERE realm = ? AND store = ? AND object = ? AND relation = ? AND "user" = ?"""

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


def write_relationships(operation: WriteRelationships) -> Steps[RelationshipsWritten | RelationshipsRefused]:
    """Judge everything first, then change everything: nothing is written when anything is refused."""
    standing: dict[TupleKey, Relationship] = {}
    for some in chunks(keys_of(operation)):
        rows = yield look(len(some)), _flat((operation.realm, operation.store, *key) for key in some)
        standing.update((row[:3], Relationship(*row)) for row in map(tuple, rows))
    planned = judge(operation, standing)
    if isinstance(planned, RelationshipsRefused):
        return planned
    if not planned:
        return RelationshipsWritten((yield from revision_of(operation.realm, operation.store)))
    return RelationshipsWritten((yield from apply(operation.realm, operation.store, planned, operation.now)))


def read_relationships(operation: ReadRelationships) -> Steps[list[Relationship]]:
    """List tuples in (object, relation, user) order."""
    rows = yield from _read(operation)
    return [Relationship(*row[:6]) for row in map(tuple, rows)]


def stored_relationships(operation: StoredRelationships) -> Steps[list[StoredRelationship]]:
    """List tuples with the time each was written."""
    rows = yield from _read(operation.wanted)
    return [StoredRelationship(Relationship(*row[:6]), row[6]) for row in map(tuple, rows)]


def load_relationships(operation: LoadRelationships) -> Steps[Sequence[TupleRow]]:
    """Read tuples as plain rows."""
    start, store = operation.after, (operation.realm, operation.store)
    limit = page_size(operation.limit, BULK_PAGE)
    if operation.type:
        first, beyond = f"{operation.type}:", f"{operation.type};"
        return (yield LOAD_TYPE, (*store, max(first, start[0]), beyond, *start, limit))
    return (yield LOAD, (*store, start[0], *start, limit))


def apply(realm: str, store: str, changes: Sequence[Change], now: EpochSeconds) -> Steps[int]:
    """Change the rows and tell the feed. Answer: the revision of the last change."""
    rows = yield ADVANCE, (require_text(realm), require_text(store), len(changes), now)
    last, at = rows[0]
    wholes = [(*key_of(each), each.condition, each.context, each.expires_at) for _, each in changes]
    for what, each in changes:
        if what == "delete":
            yield DELETE, (realm, store, *key_of(each))
    coming = [(realm, store, *whole, at) for (what, _), whole in zip(changes, wholes, strict=True) if what == "write"]
    for row in coming:
        for text in row[2:7]:
            require_text(text)
    for several in chunks(coming):
        yield insert(len(several)), _flat(several)
    told = [
        (realm, store, revision, what, type_of(whole[0]), *whole, at)
        for revision, ((what, _), whole) in enumerate(zip(changes, wholes, strict=True), last - len(changes) + 1)
    ]
    for lines in chunks(told):
        yield insert_changes(len(lines)), _flat(lines)
    return int(last)


@lru_cache(TOGETHER)
def look(number: int) -> str:
    """Return the statement that looks at so many keys: a look-up each, which no planner can turn into a walk."""
    return " UNION ALL ".join([LOOK] * number)


@lru_cache(TOGETHER)
def insert(number: int) -> str:
    """Return the statement that inserts so many tuples."""
    return f"INSERT INTO relationships (realm, store, {COLUMNS}, at) VALUES {_rows(number, 9)}"


@lru_cache(TOGETHER)
def insert_changes(number: int) -> str:
    """Return the statement that adds so many lines to the feed."""
    columns = f"realm, store, revision, operation, type, {COLUMNS}, at"
    return f"INSERT INTO relationship_changes ({columns}) VALUES {_rows(number, 12)}"


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield as many at a time as go into one statement."""
    for start in range(0, len(items), TOGETHER):
        yield items[start : start + TOGETHER]


def _read(operation: ReadRelationships) -> Steps[list[Row]]:
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
    if operation.now:
        wanted.also("(expires_at = 0 OR expires_at > ?)", operation.now)
    if after is not None and object == after.object:
        wanted.also('(relation, "user") > (?, ?)', after.relation, after.user)
    elif after is not None:
        # Said twice: the first is what bounds the walk through an index, the second what is meant.
        wanted.also("object >= ?", after.object)
        wanted.also('(object, relation, "user") > (?, ?, ?)', *key_of(after))
    return (yield wanted.text + IN_ORDER, (*wanted.values, page_size(operation.limit)))


def _rows(number: int, width: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * number)


def _flat(rows: Iterable[Sequence[SqlValue]]) -> tuple[SqlValue, ...]:
    return tuple(value for row in rows for value in row)
