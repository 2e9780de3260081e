"""What one relation says of the objects of one type about one kind of user: a list (or dictionary) of cells, by place.

Most relations name at most one user per object, so a cell holds that one number itself; only more than one need a
tuple or a set. A column that few objects fill is a dictionary. Its *shape* is what compiled code depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sized
from typing import Final

import msgspec

from keystead.authz.engine.layout import Door

Cell = int | tuple[int, ...] | set[int]
NOBODY: Final = -1
"""The cell of an object that the relation says nothing of."""

_SMALL: Final = 16
_NOTHING: Final[tuple[int, ...]] = ()
_FEW: Final = 64
"""Cells up to which a column is a dictionary anyway."""
_DENSE: Final = 6
_SPARSE: Final = 16
"""A column becomes a list when one place in 6 is filled, and a dictionary again when fewer than one in 16 is."""


class Shape(msgspec.Struct, frozen=True):
    """What code that reads a column may rely on until it is told otherwise."""

    empty: bool = True
    single: bool = True
    dense: bool = False


class Column:
    """One column. `reshaped` is called whenever compiled code must not go on reading it as before.

    `names` are those of the objects it has places for; while it is dense, whoever adds a name makes it `grow`.
    """

    __slots__ = ("_check_at", "_names", "_reshaped", "cells", "door", "filled", "shape")

    def __init__(self, door: Door, names: Sized, reshaped: Callable[[Column], None]) -> None:
        self.door = door
        self.cells: list[Cell] | dict[int, Cell] = {}
        self.shape = Shape()
        self.filled = 0
        self._names = names
        self._reshaped = reshaped
        self._check_at = _FEW

    def cell(self, place: int) -> Cell:
        """Return what is at a place, `NOBODY` when nothing is or there is no such place."""
        cells = self.cells
        if isinstance(cells, dict):
            return cells.get(place, NOBODY)
        return cells[place] if place < len(cells) else NOBODY

    def at(self, place: int) -> Collection[int]:
        """Return the numbers at a place."""
        cell = self.cell(place)
        return (_NOTHING if cell == NOBODY else (cell,)) if isinstance(cell, int) else cell

    def put(self, place: int, value: int) -> bool:
        """Add a number at a place. Answer: whether it was not there before."""
        cell = self.cell(place)
        if isinstance(cell, set):
            if value in cell:
                return False
            cell.add(value)
            return True
        if isinstance(cell, tuple):
            if value in cell:
                return False
            self.cells[place] = (*cell, value) if len(cell) < _SMALL else {*cell, value}
            return True
        if cell == value:
            return False
        if cell != NOBODY:
            self.cells[place] = (cell, value)
            if self.shape.single:
                self._reshape(single=False)
            return True
        self.cells[place] = value
        self.filled += 1
        if self.shape.empty:
            self._reshape(empty=False)
        if self.filled >= self._check_at:
            self._reconsider()
        return True

    def take(self, place: int, value: int) -> bool:
        """Remove a number from a place. Answer: whether it was there."""
        cell = self.cell(place)
        if isinstance(cell, int):
            if cell != value:
                return False
            self._clear(place)
            return True
        if value not in cell:
            return False
        if isinstance(cell, set) and len(cell) > 2:
            cell.remove(value)
            return True
        rest = tuple(other for other in cell if other != value)
        self.cells[place] = rest if len(rest) > 1 else rest[0]
        return True

    def grow(self) -> None:
        """Make room for one object more."""
        if isinstance(self.cells, list):
            self.cells.append(NOBODY)
            if len(self.cells) >= self._check_at:
                self._reconsider()

    def copy_from(self, other: Column) -> None:
        """Hold what another column holds, from here on each its own."""
        cells = other.cells
        if isinstance(cells, dict):
            self.cells = {place: _copied(cell) for place, cell in cells.items()}
        else:
            self.cells = [_copied(cell) for cell in cells]
        self.filled, self._check_at, self.shape = other.filled, other._check_at, other.shape
        self._reshaped(self)

    def items(self) -> Iterator[tuple[int, Collection[int]]]:
        """Go through the places that are filled."""
        cells = self.cells
        pairs = cells.items() if isinstance(cells, dict) else enumerate(cells)
        for place, cell in pairs:
            if cell != NOBODY:
                yield place, (cell,) if isinstance(cell, int) else cell

    def _clear(self, place: int) -> None:
        if isinstance(self.cells, dict):
            del self.cells[place]
        else:
            self.cells[place] = NOBODY
        self.filled -= 1

    def _reconsider(self) -> None:
        """Change between list and dictionary when the other has become the better."""
        cells, places = self.cells, len(self._names)
        if isinstance(cells, list):
            self._check_at = 2 * places
            if self.filled * _SPARSE < places:
                self.cells = {place: cell for place, cell in enumerate(cells) if cell != NOBODY}
                self._check_at = 2 * max(self.filled, _FEW)
                self._reshape(dense=False)
        else:
            self._check_at = 2 * self.filled
            if self.filled * _DENSE >= places:
                self.cells = [cells.get(place, NOBODY) for place in range(places)]
                self._check_at = 2 * places
                self._reshape(dense=True)

    def _reshape(self, **changes: bool) -> None:
        self.shape = msgspec.structs.replace(self.shape, **changes)
        self._reshaped(self)


def _copied(cell: Cell) -> Cell:
    return set(cell) if isinstance(cell, set) else cell
