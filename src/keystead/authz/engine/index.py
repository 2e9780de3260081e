"""One direction of the graph: a number to the numbers it leads to, small lists kept small."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

_SMALL: Final = 8
_NOTHING: Final[tuple[int, ...]] = ()


class Index(dict[int, Collection[int]]):
    """A dictionary of collections: tuples while they are short (a quarter of the memory of a set), sets after."""

    def at(self, key: int) -> Collection[int]:
        """Return what a key leads to, perhaps nothing."""
        return self.get(key, _NOTHING)

    def add(self, key: int, value: int) -> None:
        """Let `key` lead to `value` too."""
        values = self.get(key, _NOTHING)
        if isinstance(values, set):
            values.add(value)
        elif value not in values:
            self[key] = (*values, value) if len(values) < _SMALL else {*values, value}

    def discard(self, key: int, value: int) -> None:
        """Let `key` lead to `value` no longer."""
        values = self.get(key, _NOTHING)
        if value not in values:
            return
        if isinstance(values, set):
            values.remove(value)
        else:
            self[key] = tuple(other for other in values if other != value)
        if not self[key]:
            del self[key]

    def copy_from(self, other: Index) -> None:
        """Lead where another leads, from here on each its own."""
        for key, values in other.items():
            self[key] = set(values) if isinstance(values, set) else values
