"""A pattern as an automaton: numbered steps, each with the steps that may come next.

`Step.set` is the number of the set of characters it consumes one of, `place` what it demands of where it stands; with
neither it leads on for free. The last step is the match.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.authz.conditions.patterns.classes import CharacterSet
from keystead.authz.conditions.patterns.parser import Demand, Either, One, Pattern, Repeat, Series
from keystead.authz.conditions.values import Failure

MAX_STEPS: Final = 3_000
MATCH: Final = 0


class Step(msgspec.Struct):
    """One step."""

    leads_to: tuple[int, ...] = ()
    set: int = -1
    place: str = ""


class Program:
    """The steps of a pattern. Raises: Failure when it would be too large."""

    def __init__(self, pattern: Pattern) -> None:
        self.steps = [Step()]
        self.sets: dict[CharacterSet, int] = {}
        self.start = self._build(pattern, MATCH)
        self.demanding = any(step.place for step in self.steps)

    def _add(self, step: Step) -> int:
        if len(self.steps) >= MAX_STEPS:
            raise Failure("the pattern is too large: let it repeat less")
        self.steps.append(step)
        return len(self.steps) - 1

    def _build(self, pattern: Pattern, then: int) -> int:
        """Build the steps of a pattern after which comes `then`; return the first."""
        match pattern:
            case One(set):
                return self._add(Step((then,), set=self.sets.setdefault(set, len(self.sets))))
            case Demand(place):
                return self._add(Step((then,), place=place))
            case Series(parts):
                for part in reversed(parts):
                    then = self._build(part, then)
                return then
            case Either(ways):
                return self._add(Step(tuple(self._build(way, then) for way in ways)))
            case Repeat():
                return self._repeat(pattern, then)

    def _repeat(self, pattern: Repeat, then: int) -> int:
        if pattern.most < 0:
            first = self._add(Step())
            self.steps[first].leads_to = (self._build(pattern.part, first), then)
        else:
            first = then
            for _ in range(pattern.most - pattern.least):
                first = self._add(Step((self._build(pattern.part, first), then)))
        for _ in range(pattern.least):
            first = self._build(pattern.part, first)
        return first
