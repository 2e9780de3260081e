"""Orders what stands in each column, so that few wires cross: every item moves to the middle of its neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_SWEEPS: Final = 8
_MOST_COUNTED: Final = 300
"""With more links than that crossings are not counted, which takes the square of their number."""

Link = tuple[str, str]


def order_columns(columns: list[list[str]], links: Iterable[Link]) -> list[list[str]]:
    """Return the columns with their items in order, the best of several sweeps from left to right and back."""
    pairs = tuple(links)
    neighbours = _neighbours(columns, pairs)
    counted = len(pairs) <= _MOST_COUNTED
    best, fewest = columns, _crossings(columns, pairs) if counted else 0
    for sweep in range(_SWEEPS):
        walk = range(len(columns)) if sweep % 2 == 0 else range(len(columns) - 1, -1, -1)
        for index in walk:
            place = {item: at for column in columns for at, item in enumerate(column)}
            columns = [*columns[:index], _sorted(columns[index], neighbours, place), *columns[index + 1 :]]
        crossings = _crossings(columns, pairs) if counted else -sweep
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def _neighbours(columns: list[list[str]], links: tuple[Link, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {item: [] for column in columns for item in column}
    for one, other in links:
        found[one].append(other)
        found[other].append(one)
    return found


def _sorted(column: list[str], neighbours: Mapping[str, list[str]], place: Mapping[str, int]) -> list[str]:
    def middle(item: str) -> float:
        near = neighbours[item]
        return sum(place[other] for other in near) / len(near) if near else place[item]

    return sorted(column, key=middle)


def _crossings(columns: list[list[str]], links: tuple[Link, ...]) -> int:
    column_of = {item: index for index, column in enumerate(columns) for item in column}
    place = {item: at for column in columns for at, item in enumerate(column)}
    between: dict[int, list[tuple[int, int]]] = {}
    for one, other in links:
        left, right = (one, other) if column_of[one] < column_of[other] else (other, one)
        between.setdefault(column_of[left], []).append((place[left], place[right]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for pairs in between.values()
        for index, a in enumerate(pairs)
        for b in pairs[index + 1 :]
    )
