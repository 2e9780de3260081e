"""Ordered tables with undo: what a database gives the SQL backends, small."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar

V = TypeVar("V")

Key = tuple[Any, ...]

FEW: Final = 32

_ABSENT: Final = object()


class Undo:
    """What has to be put back if the transaction fails, newest last."""

    def __init__(self) -> None:
        self._steps: list[tuple[Table[Any], Key, Any]] = []

    def note(self, table: Table[Any], key: Key, old: Any) -> None:
        """Remember what stood under a key before it was changed."""
        self._steps.append((table, key, old))

    def roll_back(self) -> None:
        """Put everything back, in reverse order."""
        while self._steps:
            table, key, old = self._steps.pop()
            table.restore(key, old)

    def forget(self) -> None:
        """Begin anew: what was done stays done."""
        self._steps.clear()


class Table(Generic[V]):
    """Rows under tuple keys, in key order. Every change is noted in `undo`."""

    def __init__(self, undo: Undo) -> None:
        self._undo = undo
        self._rows: dict[Key, V] = {}
        self._keys: list[Key] = []
        self._new: list[Key] = []
        """Keys not in their place yet: many that come together are sorted in together."""

    def get(self, key: Key) -> V | None:
        """Return a row."""
        return self._rows.get(key)

    def set(self, key: Key, row: V) -> None:
        """Insert or replace a row."""
        self._undo.note(self, key, self._rows.get(key, _ABSENT))
        self._set(key, row)

    def delete(self, key: Key) -> bool:
        """Delete a row. Answer: whether it was there."""
        if key not in self._rows:
            return False
        self._undo.note(self, key, self._rows[key])
        self._delete(key)
        return True

    def scan(self, prefix: Key, after: Key = ()) -> Iterator[tuple[Key, V]]:
        """Yield rows whose key begins with `prefix`, in order, those after `prefix + after` only."""
        self._settle()
        start = prefix + after
        position = bisect_left(self._keys, start)
        while position < len(self._keys) and self._keys[position][: len(prefix)] == prefix:
            key = self._keys[position]
            position += 1
            if not after or key > start:
                yield key, self._rows[key]

    def restore(self, key: Key, old: Any) -> None:
        """Put back what `Undo` remembered."""
        if old is not _ABSENT:
            self._set(key, old)
        elif key in self._rows:
            self._delete(key)

    def _set(self, key: Key, row: V) -> None:
        if key not in self._rows:
            self._new.append(key)
        self._rows[key] = row

    def _delete(self, key: Key) -> None:
        self._settle()
        del self._rows[key]
        del self._keys[bisect_left(self._keys, key)]

    def _settle(self) -> None:
        """Put the new keys in their places."""
        if len(self._new) > FEW:
            self._keys += self._new
            self._keys.sort()
        else:
            for key in self._new:
                insort(self._keys, key)
        self._new.clear()
