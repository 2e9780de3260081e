"""The columns seen as one index by node, for whoever walks any rule: the solver, the tracer, the short cut."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Final, TypeVar

from keystead.authz.engine.column import NOBODY, Column

D = TypeVar("D")
_NOTHING: Final[tuple[int, ...]] = ()


class NodeIndex:
    """`at(node)` is what the columns of the node's slot hold for its object. Built on the fly, never kept."""

    def __init__(self, columns: Sequence[Column], of_slot: Sequence[tuple[int, ...]], width: int, shift: int) -> None:
        self._columns = columns
        self._of_slot = of_slot
        self._width = width
        self._shift = shift

    def at(self, node: int) -> Collection[int]:
        """Return what a node leads to, perhaps nothing."""
        number, slot = divmod(node, self._width)
        columns, place = self._columns, number >> self._shift
        found: list[Collection[int]] = []
        for id in self._of_slot[slot]:
            column = columns[id]
            cell = column.cell(place)
            if cell != NOBODY:
                found.append(self._seen(column, (cell,) if isinstance(cell, int) else cell))
        if not found:
            return _NOTHING
        return found[0] if len(found) == 1 else _Together(found)

    def get(self, node: int, default: D) -> Collection[int] | D:
        """Return what a node leads to, or the default when that is nothing."""
        return self.at(node) or default

    def _seen(self, column: Column, values: Collection[int]) -> Collection[int]:
        return values


class NodeToNodes(NodeIndex):
    """The same for usersets: columns hold objects, the answer is nodes."""

    def _seen(self, column: Column, values: Collection[int]) -> Collection[int]:
        width, slot = self._width, column.door.userset
        return tuple(value * width + slot for value in values)


class _Together(Collection[int]):
    """Several collections as one, not copied."""

    def __init__(self, parts: list[Collection[int]]) -> None:
        self._parts = parts

    def __contains__(self, value: object) -> bool:
        return any(value in part for part in self._parts)

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._parts)

    def __len__(self) -> int:
        return sum(map(len, self._parts))
