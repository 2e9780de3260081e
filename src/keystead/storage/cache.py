"""What a process keeps in memory of `cached` kinds, valid for one revision of the database."""

from __future__ import annotations

from typing import Any, Final

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Find, Get

LARGEST: Final = 20_000


class Cache:
    """Records and lists of `cached` kinds, dropped whole when the revision in the database is another.

    Records are frozen and shared: whoever changes a dict inside one changes it for everybody.
    """

    def __init__(self) -> None:
        self._revision = -1
        self._records: dict[tuple[type[Record], str, str], Record] = {}
        self._lists: dict[tuple[Any, ...], tuple[EpochSeconds, list[Record]]] = {}

    @property
    def revision(self) -> int:
        """The revision everything here was read at; -1 before the first."""
        return self._revision

    def validate(self, revision: int) -> None:
        """Forget everything unless it was read at this revision."""
        if revision != self._revision:
            self._revision = revision
            self._records.clear()
            self._lists.clear()

    def get(self, operation: Get[Any]) -> Record | None:
        """Return the record if it is kept and alive. None means: ask the database."""
        record = self._records.get((operation.kind, operation.realm, operation.id))
        return record if record is None or _alive(record, operation.now) else None

    def keep(self, operation: Get[Any], record: Record | None) -> None:
        """Keep what the database answered. Absence is not kept: anybody may ask for what is not there."""
        if record is not None:
            if len(self._records) >= LARGEST:
                self._records.clear()
            self._records[operation.kind, operation.realm, operation.id] = record

    def find(self, operation: Find[Any]) -> list[Record] | None:
        """Return the list if it is kept and would be the same now. None means: ask the database."""
        kept = self._lists.get(_list_key(operation))
        if kept is None:
            return None
        read_at, found = kept
        if operation.now < read_at or not all(_alive(record, operation.now) for record in found):
            return None
        return list(found)

    def keep_list(self, operation: Find[Any], found: list[Record]) -> None:
        """Keep a list the database answered."""
        if len(self._lists) >= LARGEST:
            self._lists.clear()
        self._lists[_list_key(operation)] = (operation.now, list(found))


def _list_key(operation: Find[Any]) -> tuple[Any, ...]:
    return (operation.kind, operation.realm, operation.index, operation.value, operation.after, operation.limit)


def _alive(record: Record, now: EpochSeconds) -> bool:
    return record.expires_at is None or record.expires_at > now
