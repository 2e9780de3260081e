"""Records in memory. Kept as the bytes every backend keeps, so that nobody shares a mutable value with the store."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds
from keystead.storage.documents import Entry, decode, encode, entries, require_index, require_text
from keystead.storage.memory.tables import Table, Undo
from keystead.storage.ports import Conflict, Find, Get, Put, Remove, Stored
from keystead.storage.ports.paging import page_size


class Row(NamedTuple):
    """One stored document."""

    version: int
    expires_at: EpochSeconds | None
    entries: list[Entry]
    document: bytes


class Records:
    """The records of all realms and kinds."""

    def __init__(self, undo: Undo) -> None:
        self._rows: Table[Row] = Table(undo)
        self._found_by: Table[int] = Table(undo)

    def get(self, operation: Get[Any]) -> Record | None:
        """Look up one record."""
        row = self._live((operation.realm, operation.kind.kind, operation.id), operation.now)
        return decode(operation.kind, row.document) if row else None

    def find(self, operation: Find[Any]) -> list[Record]:
        """List records in id order."""
        kind, index = operation.kind, operation.index
        collection = (operation.realm, kind.kind)
        after = (operation.after,)
        if index:
            require_index(kind, index)
            keys = [key for key, _ in self._found_by.scan((*collection, index, operation.value), after)]
        else:
            keys = [key for key, _ in self._rows.scan(collection, after)]
        rows = (self._live((*collection, key[-1]), operation.now) for key in keys)
        found = [decode(kind, row.document) for row in rows if row]
        return found[: page_size(operation.limit)]

    def put(self, operation: Put) -> Stored[Any] | Conflict:
        """Store a record at the version it was read at."""
        old, now = operation.record, operation.now
        record = msgspec.structs.replace(old, version=old.version + 1)
        key = (require_text(record.realm), record.kind, require_text(record.id))
        wanted = entries(record)
        live = self._live(key, now)
        if (live.version if live else 0) != old.version:
            return Conflict()
        for name, value, unique in wanted:
            for taken, _ in list(self._found_by.scan((*key[:2], name, value))) if unique else []:
                if taken[-1] == record.id:
                    continue
                if self._live((*key[:2], taken[-1]), now):
                    return Conflict(name)
                self.delete((*key[:2], taken[-1]))
        self.delete(key)
        self._rows.set(key, Row(record.version, record.expires_at, wanted, encode(record)))
        for name, value, _ in wanted:
            self._found_by.set((*key[:2], name, value, record.id), 1)
        return Stored(record)

    def remove(self, operation: Remove) -> bool:
        """Delete one record."""
        return self.delete((operation.realm, operation.kind.kind, operation.id))

    def delete(self, key: tuple[str, str, str]) -> bool:
        """Delete a record whatever its kind. Answer: whether it was there."""
        row = self._rows.get(key)
        if row is None:
            return False
        for name, value, _ in row.entries:
            self._found_by.delete((*key[:2], name, value, key[2]))
        return self._rows.delete(key)

    def sweep(self, now: EpochSeconds, limit: int) -> int:
        """Delete at most `limit` expired records."""
        expired = [key for key, row in self._rows.scan(()) if row.expires_at is not None and row.expires_at <= now]
        for realm, kind, id in expired[:limit]:
            self.delete((realm, kind, id))
        return len(expired[:limit])

    def _live(self, key: tuple[str, str, str], now: EpochSeconds) -> Row | None:
        row = self._rows.get(key)
        return row if row and (row.expires_at is None or row.expires_at > now) else None
