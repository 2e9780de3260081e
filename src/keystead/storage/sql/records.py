"""Records: documents with a version, perhaps an expiry, and entries they are found by.

`record_entries` is the index of all kinds; a record's row repeats its entries, so that they can be told apart from
new ones, and removed, without knowing the kind.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds
from keystead.storage.documents import Entry, decode, encode, entries, require_index, require_text
from keystead.storage.ports import Conflict, Find, Get, Put, Remove, Stored
from keystead.storage.ports.paging import page_size
from keystead.storage.sql.statement import Steps

GET: Final = """
SELECT document FROM records WHERE realm = ? AND kind = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)"""

FIND: Final = """
SELECT document FROM records WHERE realm = ? AND kind = ? AND id > ? AND (expires_at IS NULL OR expires_at > ?)
ORDER BY id LIMIT ?"""

FIND_BY_ENTRY: Final = """
SELECT document FROM record_entries NATURAL JOIN records
WHERE realm = ? AND kind = ? AND name = ? AND value = ? AND id > ? AND (expires_at IS NULL OR expires_at > ?)
ORDER BY id LIMIT ?"""

HOLDER: Final = """
SELECT id, expires_at FROM record_entries NATURAL JOIN records
WHERE realm = ? AND kind = ? AND name = ? AND value = ? AND is_unique = 1"""

LOOK: Final = "SELECT version, expires_at, entries FROM records WHERE realm = ? AND kind = ? AND id = ?"

INSERT: Final = """
INSERT INTO records (realm, kind, id, version, expires_at, entries, document) VALUES (?, ?, ?, 1, ?, ?, ?)
ON CONFLICT (realm, kind, id) DO NOTHING RETURNING 1"""

UPDATE: Final = """
UPDATE records SET version = version + 1, expires_at = ?, document = ?
WHERE realm = ? AND kind = ? AND id = ? AND version = ? AND entries = ? AND (expires_at IS NULL OR expires_at > ?)
RETURNING 1"""

UPDATE_ENTRIES: Final = "UPDATE records SET entries = ? WHERE realm = ? AND kind = ? AND id = ?"

DELETE: Final = "DELETE FROM records WHERE realm = ? AND kind = ? AND id = ? RETURNING entries"

INSERT_ENTRY: Final = """
INSERT INTO record_entries (realm, kind, name, value, id, is_unique) VALUES (?, ?, ?, ?, ?, ?)"""

DELETE_ENTRY: Final = """
DELETE FROM record_entries WHERE realm = ? AND kind = ? AND name = ? AND value = ? AND id = ?"""

BUMP: Final = "UPDATE cache_revision SET revision = revision + 1"
"""Tells every process that what it keeps of `cached` kinds is stale, in the transaction that makes it so."""

NO_ENTRIES: Final = b"[]"

_entries_decoder = msgspec.json.Decoder(list[Entry])

Key = tuple[str, str, str]
"""Realm, kind, id."""


def get(operation: Get[Any]) -> Steps[Record | None]:
    """Look up one record."""
    kind = operation.kind
    rows = yield GET, (operation.realm, kind.kind, operation.id, operation.now)
    return decode(kind, rows[0][0]) if rows else None


def find(operation: Find[Any]) -> Steps[list[Record]]:
    """List records in id order."""
    kind, index = operation.kind, operation.index
    rest = (operation.after, operation.now, page_size(operation.limit))
    if index:
        require_index(kind, index)
        rows = yield FIND_BY_ENTRY, (operation.realm, kind.kind, index, operation.value, *rest)
    else:
        rows = yield FIND, (operation.realm, kind.kind, *rest)
    return [decode(kind, row[0]) for row in rows]


def put(operation: Put) -> Steps[Stored[Any] | Conflict]:
    """Store a record at the version it was read at."""
    old = operation.record
    record = msgspec.structs.replace(old, version=old.version + 1)
    key = (require_text(record.realm), record.kind, require_text(record.id))
    wanted = entries(record)
    encoded = msgspec.json.encode(wanted) if wanted else NO_ENTRIES
    if old.version:
        refused = yield from _update(key, record, wanted, encoded, operation.now)
    else:
        refused = yield from _insert(key, record, wanted, encoded, operation.now)
    if refused:
        return refused
    if record.cached:
        yield BUMP, ()
    return Stored(record)


def _update(key: Key, record: Record, wanted: list[Entry], encoded: bytes, now: EpochSeconds) -> Steps[Conflict | None]:
    """Most updates leave the entries as they are: one conditional UPDATE, which also knows the version."""
    change = (record.expires_at, encode(record), *key, record.version - 1)
    if (yield UPDATE, (*change, encoded, now)):
        return None
    rows = yield LOOK, key
    if not rows or rows[0][0] != record.version - 1 or _expired(rows[0][1], now):
        return Conflict()
    held = _entries_decoder.decode(rows[0][2])
    added = [entry for entry in wanted if entry not in held]
    refused = yield from _make_room(key, added, now)
    if refused:
        return refused
    yield UPDATE_ENTRIES, (encoded, *key)
    yield from _delete_entries(key, [entry for entry in held if entry not in wanted])
    yield from _insert_entries(key, added)
    yield UPDATE, (*change, encoded, now)
    return None


def _insert(key: Key, record: Record, wanted: list[Entry], encoded: bytes, now: EpochSeconds) -> Steps[Conflict | None]:
    values = (*key, record.expires_at, encoded, encode(record))
    if record.unique_indexes:
        if not (yield from _vacant(key, now)):
            return Conflict()
        refused = yield from _make_room(key, wanted, now)
        if refused:
            return refused
    if not (yield INSERT, values):
        if not (yield from _vacant(key, now)):
            return Conflict()
        yield from delete(key)
        yield INSERT, values
    yield from _insert_entries(key, wanted)
    return None


def remove(operation: Remove) -> Steps[bool]:
    """Delete one record and its entries."""
    key = (operation.realm, operation.kind.kind, operation.id)
    rows = yield DELETE, key
    if not rows:
        return False
    yield from _delete_entries(key, _entries_decoder.decode(rows[0][0]))
    if operation.kind.cached:
        yield BUMP, ()
    return True


def delete(key: Key) -> Steps[None]:
    """Delete a record whatever its kind; for the sweeper and for what expired in a newcomer's way."""
    for (encoded,) in (yield DELETE, key):
        yield from _delete_entries(key, _entries_decoder.decode(encoded))


def _vacant(key: Key, now: EpochSeconds) -> Steps[bool]:
    """Tell whether nothing stands under the key, or only what has expired."""
    rows = yield LOOK, key
    return not rows or _expired(rows[0][1], now)


def _make_room(key: Key, wanted: list[Entry], now: EpochSeconds) -> Steps[Conflict | None]:
    """Check every unique entry before anything is written; a holder that has expired goes."""
    realm, kind, own_id = key
    for name, value, unique in wanted:
        rows = (yield HOLDER, (realm, kind, name, value)) if unique else []
        for holder, expires_at in rows:
            if holder == own_id:
                continue
            if not _expired(expires_at, now):
                return Conflict(name)
            yield from delete((realm, kind, holder))
    return None


def _insert_entries(key: Key, added: list[Entry]) -> Steps[None]:
    realm, kind, id = key
    for name, value, unique in added:
        yield INSERT_ENTRY, (realm, kind, name, value, id, unique)


def _delete_entries(key: Key, removed: list[Entry]) -> Steps[None]:
    realm, kind, id = key
    for name, value, _ in removed:
        yield DELETE_ENTRY, (realm, kind, name, value, id)


def _expired(expires_at: int | None, now: EpochSeconds) -> bool:
    return expires_at is not None and expires_at <= now
