"""Finds how far down everything in a column stands: near its neighbours, never on top of each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_PASSES: Final = 6


def place_vertically(
    columns: list[list[str]], heights: Mapping[str, float], links: Iterable[tuple[str, str]], gap: float
) -> dict[str, float]:
    """Return the top of every item; the topmost is at 0."""
    near: dict[str, list[str]] = {item: [] for column in columns for item in column}
    for one, other in links:
        near[one].append(other)
        near[other].append(one)
    tops: dict[str, float] = {}
    for column in columns:
        at = 0.0
        for item in column:
            tops[item] = at
            at += heights[item] + gap
    for turn in range(_PASSES):
        for column in columns if turn % 2 == 0 else columns[::-1]:
            wanted = [_wanted(item, near[item], tops, heights) for item in column]
            room = [heights[item] + gap for item in column]
            tops |= dict(zip(column, _apart(wanted, room), strict=True))
    highest = min(tops.values(), default=0.0)
    return {item: top - highest for item, top in tops.items()}


def _wanted(item: str, near: list[str], tops: Mapping[str, float], heights: Mapping[str, float]) -> float:
    if not near:
        return tops[item]
    middle = sum(tops[other] + heights[other] / 2 for other in near) / len(near)
    return middle - heights[item] / 2


def _apart(wanted: list[float], room: list[float]) -> list[float]:
    """Return tops in the same order, each at least the room of the one before below it, near what was wanted.

    Items that would overlap form a block that stands where its members want it on average.
    """
    blocks: list[tuple[float, int, float]] = []  # where its first item wants to be (summed), how many, their room
    for want, size in zip(wanted, room, strict=True):
        block = (want, 1, size)
        while blocks and blocks[-1][0] / blocks[-1][1] + blocks[-1][2] > block[0] / block[1]:
            total, count, before = blocks.pop()
            block = (total + block[0] - before * block[1], count + block[1], before + block[2])
        blocks.append(block)
    tops: list[float] = []
    for total, count, _ in blocks:
        at = total / count
        for size in room[len(tops) : len(tops) + count]:
            tops.append(at)
            at += size
    return tops
