"""A circuit that decides one node for all candidates at once: sets of candidates are numbers, one bit each.

Bit 0 stands for somebody no tuple names; `-1` has every bit, so a wildcard is `-1` and "not" is `~`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from keystead.authz.engine.allowance import Spend, without_limit

STRANGER: Final = 1
EVERYBODY: Final = -1
MAX_WORK: Final = 100_000
"""Nodes looked at before giving up on a knot of exclusions, as in `loops`; what is certain by then is certain."""


class Leaf(msgspec.Struct, frozen=True):
    """Who tuples name: some themselves, perhaps everybody, and whoever `targets`, other nodes, let in."""

    named: int
    everybody: bool
    targets: tuple[int, ...]


class Either(msgspec.Struct, frozen=True):
    """At least one."""

    parts: tuple[Formula, ...]


class Every(msgspec.Struct, frozen=True):
    """Every one."""

    parts: tuple[Formula, ...]


class Without(msgspec.Struct, frozen=True):
    """The base and not the other."""

    base: Formula
    subtract: Formula


Formula = Leaf | Either | Every | Without
Masks = Mapping[int, int]


def solve(formulas: Mapping[int, Formula], itself: Masks, spend: Spend = without_limit) -> dict[int, int]:
    """Return for every node who certainly has it. `itself`: who a node lets in anyhow.

    The well-founded model, as the solver has it: what could hold only by going round in a circle does not. Circles are
    settled one by one, innermost first, so that time stays linear where there are none.
    """
    circuit = _Circuit(formulas, itself, spend)
    certain, possible = dict.fromkeys(formulas, 0), dict.fromkeys(formulas, 0)
    for members in components(formulas):
        if len(members) == 1 and members[0] not in targets_of(formulas[members[0]]):
            circuit.grow(members, partial(_value, other=possible), certain)
            circuit.grow(members, partial(_value, other=certain), possible)
            continue
        before: list[int] = []
        for _ in range(2 + MAX_WORK // len(members)):
            circuit.grow(members, partial(_value, other=certain), possible)
            circuit.grow(members, partial(_value, other=possible), certain)
            if before == (before := [certain[member] for member in members]):
                break
    return certain


def named(
    formulas: Mapping[int, Formula], itself: Masks, certain: Masks, spend: Spend = without_limit
) -> dict[int, int]:
    """Return for every node which of those who certainly have it are named on the way, wildcards left aside.

    Under `and` it is enough to be named in one part.
    """

    def value(formula: Formula, values: Masks) -> int:
        match formula:
            case Leaf(named, _, targets):
                return named | _union(values[target] for target in targets)
            case Either(parts) | Every(parts):
                return _union(value(part, values) for part in parts) & _value(formula, certain, certain)
            case Without(base, _):
                return value(base, values) & _value(formula, certain, certain)

    values = dict.fromkeys(formulas, 0)
    _Circuit(formulas, itself, spend).grow(list(formulas), value, values)
    return values


class _Circuit:
    """Grows values until nothing changes."""

    def __init__(self, formulas: Mapping[int, Formula], itself: Masks, spend: Spend) -> None:
        self._spend = spend
        self.formulas = formulas
        self.itself = itself
        self.led_from: dict[int, list[int]] = {}
        for node, formula in formulas.items():
            for target in targets_of(formula):
                self.led_from.setdefault(target, []).append(node)

    def grow(self, members: list[int], value: Callable[[Formula, Masks], int], values: dict[int, int]) -> None:
        """Set the least values of some nodes that are closed under their formulas, each applied once by `value`."""
        values.update(dict.fromkeys(members, 0))
        queue, waiting, among = list(members), set(members), set(members)
        for node in queue:
            self._spend()
            waiting.discard(node)
            found = self.itself.get(node, 0) | value(self.formulas[node], values)
            if found != values[node]:
                values[node] = found
                more = [each for each in self.led_from.get(node, ()) if each in among and each not in waiting]
                waiting.update(more)
                queue += more


def components(formulas: Mapping[int, Formula]) -> Iterator[list[int]]:
    """Yield the nodes in groups that depend on each other in a circle, innermost first (Tarjan's way)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    place: dict[int, int] = {}
    path: list[int] = []
    for start in formulas:
        walk = [] if start in order else [start]
        ahead: dict[int, Iterator[int]] = {}
        while walk:
            node = walk[-1]
            if node not in order:
                order[node] = low[node] = len(order)
                place[node] = len(path)
                path.append(node)
                ahead[node] = iter(targets_of(formulas[node]))
            target = next(ahead[node], None)
            if target is None:
                walk.pop()
                if walk:
                    low[walk[-1]] = min(low[walk[-1]], low[node])
                if low[node] == order[node]:
                    members = path[place[node] :]
                    del path[place[node] :]
                    low.update(dict.fromkeys(members, len(formulas)))
                    yield members
            elif target not in order:
                walk.append(target)
            else:
                low[node] = min(low[node], low[target])


def _value(formula: Formula, values: Masks, other: Masks) -> int:
    """Apply one formula once. What `but not` takes away is read from the other values."""
    match formula:
        case Leaf(named, everybody, targets):
            return EVERYBODY if everybody else named | _union(values[target] for target in targets)
        case Either(parts):
            return _union(_value(part, values, other) for part in parts)
        case Every(parts):
            found = EVERYBODY
            for part in parts:
                found &= _value(part, values, other)
            return found
        case Without(base, subtract):
            return _value(base, values, other) & ~_value(subtract, other, values)


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found


def targets_of(formula: Formula) -> Sequence[int]:
    """Return every node a formula reads."""
    found: list[int] = []
    stack = [formula]
    while stack:
        match stack.pop():
            case Leaf(_, _, targets):
                found.extend(targets)
            case Either(parts) | Every(parts):
                stack.extend(parts)
            case Without(base, subtract):
                stack += (base, subtract)
    return found
