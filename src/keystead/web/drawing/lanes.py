"""Leads wires that skip columns through lanes between the boxes, all wires between two boxes in one lane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Pair = tuple[str, str]


def lane_id(pair: Pair, column: int) -> str:
    """Return the name of a lane, which no box can have."""
    return f"\0{pair[0]}\0{pair[1]}\0{column}"


def lanes_of(pairs: Iterable[Pair], columns: Mapping[str, int]) -> dict[Pair, tuple[str, ...]]:
    """Return for each pair of boxes the lanes between them, from the first to the second."""
    found: dict[Pair, tuple[str, ...]] = {}
    for pair in pairs:
        start, end = columns[pair[0]], columns[pair[1]]
        step = 1 if end > start else -1
        found[pair] = tuple(lane_id(pair, column) for column in range(start + step, end, step))
    return found


def column_of_lane(lane: str) -> int:
    """Return the column a lane stands in."""
    return int(lane.rpartition("\0")[2])
