"""Settles gates that depend on each other in a circle.

What is settled already is spread first. What could then only be true by going round in a circle is false (the
greatest unfounded set); that may settle more, and so on. What is left depends on its own negation, or on something
that could not be decided: undefined.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from keystead.authz.engine.vertex import Gate, Value, Vertex

MAX_WORK: Final = 100_000
"""Gates looked at before giving up on a knot of exclusions; the rest is undefined, which is no."""


def settle_loop(members: list[Vertex]) -> bool:
    """Give every member a value. Answer: whether a negation among them was left undefined."""
    loop, contradictory = _Loop(members), False
    loop.spread([child for child in loop.waiters if child.value is not None])
    work = 0
    while unsettled := [member for member in members if member.value is None]:
        work += len(unsettled)
        possible = loop.possible(unsettled)
        unfounded = [member for member in unsettled if member not in possible]
        settled, value = (unfounded, Value.FALSE) if unfounded and work <= MAX_WORK else (unsettled, Value.UNDEFINED)
        for member in settled:
            member.value = value
            contradictory = contradictory or (value is Value.UNDEFINED and member.gate is Gate.NOT)
        loop.spread(settled)
    return contradictory


class _Loop:
    """Who waits for whom, and for how many."""

    def __init__(self, members: list[Vertex]) -> None:
        self.waiters: dict[Vertex, list[Vertex]] = {}
        self.missing = {member: len(member.waiting) for member in members}
        for member in members:
            for child in member.waiting:
                self.waiters.setdefault(child, []).append(member)

    def spread(self, settled: Iterable[Vertex]) -> None:
        """Tell everyone who waits for a settled gate, and so on."""
        queue = list(settled)
        while queue:
            child = queue.pop()
            for parent in self.waiters.get(child, ()):
                if parent.value is not None:
                    continue
                self.missing[parent] -= 1
                decided = parent.take(child)
                if not decided and not self.missing[parent]:
                    parent.waiting = []
                    parent.conclude()
                    decided = True
                if decided:
                    queue.append(parent)

    def possible(self, unsettled: list[Vertex]) -> set[Vertex]:
        """Return the gates that something outside the circle, or a negation, could still make true."""
        possible: set[Vertex] = set()
        missing = {member: self.missing[member] for member in unsettled}
        queue = [each for each in unsettled if each.gate is Gate.NOT or (each.gate is Gate.ANY and each.blurred)]
        while queue:
            child = queue.pop()
            if child in possible:
                continue
            possible.add(child)
            for parent in self.waiters.get(child, ()):
                if parent.value is not None or parent.gate is Gate.NOT:
                    continue
                missing[parent] -= 1
                if parent.gate is Gate.ANY or missing[parent] == 0:
                    queue.append(parent)
        return possible
