"""Which slots the answer for a slot can depend on. A set of slots is an integer with one bit for each."""

from __future__ import annotations

from collections.abc import Iterator

from keystead.authz.engine.rules import AllOf, Also, AnyOf, ButNot, Rule, Through


def reachable_slots(rules: tuple[Rule, ...], usersets: tuple[frozenset[int], ...]) -> tuple[int, ...]:
    """Return, for every slot, itself and the slots whose tuples can matter to it, as bits.

    `usersets[slot]` are the slots that tuples of `slot` may name. Slots that reach each other share their answer, so
    each strongly connected component (Tarjan) is looked at once, after those it leads to.
    """
    leads = [_leads(rule) | usersets[slot] for slot, rule in enumerate(rules)]
    walk = _Walk(leads)
    for slot in range(len(rules)):
        if not walk.order[slot]:
            walk.visit(slot)
    return tuple(walk.reachable)


class _Walk:
    """Depth first, on a stack of its own. `order`, `low`: Tarjan's numbers; `reachable` is 0 until it is known."""

    def __init__(self, leads: list[frozenset[int]]) -> None:
        self.leads = leads
        self.order = [0] * len(leads)
        self.low = [0] * len(leads)
        self.reachable = [0] * len(leads)
        self._component: list[int] = []
        self._clock = 0

    def visit(self, start: int) -> None:
        """Settle everything that can be reached from a slot."""
        walk = [self._enter(start)]
        while walk:
            slot, ahead = walk[-1]
            target = next(ahead, None)
            if target is None:
                walk.pop()
                self._leave(slot)
                if walk:
                    self.low[walk[-1][0]] = min(self.low[walk[-1][0]], self.low[slot])
            elif not self.order[target]:
                walk.append(self._enter(target))
            elif not self.reachable[target]:
                self.low[slot] = min(self.low[slot], self.order[target])

    def _enter(self, slot: int) -> tuple[int, Iterator[int]]:
        self._clock += 1
        self.order[slot] = self.low[slot] = self._clock
        self._component.append(slot)
        return slot, iter(self.leads[slot])

    def _leave(self, slot: int) -> None:
        if self.low[slot] != self.order[slot]:
            return
        members: list[int] = []
        while not members or members[-1] != slot:
            members.append(self._component.pop())
        found = 0
        for member in members:
            found |= 1 << member
            for target in self.leads[member]:
                found |= self.reachable[target]
        for member in members:
            self.reachable[member] = found


def _leads(rule: Rule) -> frozenset[int]:
    """Return the slots that a rule mentions."""
    found: set[int] = set()
    stack = [rule]
    while stack:
        match stack.pop():
            case AnyOf(parts) | AllOf(parts):
                stack.extend(parts)
            case ButNot(base, subtract):
                stack += [base, subtract]
            case Also(other):
                found.add(other)
            case Through(tupleset, targets):
                found.update((tupleset, *targets.values()))
            case _:
                pass
    return frozenset(found)
