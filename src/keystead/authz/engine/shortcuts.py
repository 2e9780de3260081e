"""Rules made of unions only, flattened: where to look on one object, and where to go from there.

A slot has a shortcut when no `and` or `but not` can be reached from it. A slot is *group-like* when tuples
may name it as a userset, and its own rule is tuples only, of users and of group-like slots: then it can also be climbed
from the user upwards, because each tuple has one way up. Offsets instead of slots let a step be one addition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from keystead.authz.engine.rules import Also, AnyOf, Named, Rule, Through

Arrow = tuple[int, int, Mapping[str, int]]
"""(offset of a tupleset, slot to look at on every parent, or -1 and then: that slot by the parent's type)."""

Steps = tuple[tuple[int, ...], tuple[int, ...], tuple[Arrow, ...]]
"""(offsets of slots whose tuples name users, those of them that may name usersets, arrows to parents)."""

NO_STEPS: Final[Steps] = ((), (), ())
MAX_FLAT: Final = 250
"""Parts of a rule beyond which it is left to the solver: flattening takes room for every relation it passes."""


class Shortcuts(msgspec.Struct, frozen=True):
    """Flattened rules by slot; `has` tells which slots have one.

    `gives[slot]` are the offsets to the group-like slots of the same object that a tuple of `slot` gives.
    """

    has: tuple[bool, ...]
    steps: tuple[Steps, ...]
    group_like: tuple[bool, ...]
    gives: tuple[tuple[int, ...], ...]


class _Flat(NamedTuple):
    """What a union of one object comes down to."""

    named: tuple[int, ...]
    arrows: tuple[Through, ...]


def flatten(rules: tuple[Rule, ...], usersets: tuple[frozenset[int], ...]) -> Shortcuts:
    """Flatten every rule that can be. `usersets[slot]` are the slots that tuples of `slot` may name."""
    every = range(len(rules))
    flat = {slot: found for slot in every if (found := _flat(rules, slot))}
    members = {slot: frozenset(each for named in flat[slot].named for each in usersets[named]) for slot in flat}
    leads = {slot: members[slot].union(*(each.targets.values() for each in flat[slot].arrows)) for slot in flat}
    plain = _closed(leads)
    targets = frozenset().union(*usersets)
    grouped = _closed({slot: members[slot] for slot in plain & targets if not flat[slot].arrows})
    gives: list[list[int]] = [[] for _ in rules]
    for slot in sorted(grouped):
        for named in flat[slot].named:
            gives[named].append(slot - named)
    return Shortcuts(
        has=tuple(slot in plain for slot in every),
        steps=tuple(_steps(flat[slot], usersets, slot) if slot in plain else NO_STEPS for slot in every),
        group_like=tuple(slot in grouped for slot in every),
        gives=tuple(tuple(offsets) for offsets in gives),
    )


def _steps(flat: _Flat, usersets: tuple[frozenset[int], ...], slot: int) -> Steps:
    return (
        tuple(each - slot for each in flat.named),
        tuple(each - slot for each in flat.named if usersets[each]),
        tuple(_arrow(slot, each) for each in flat.arrows),
    )


def _arrow(slot: int, through: Through) -> Arrow:
    only = next(iter(through.targets.values())) if len(through.targets) == through.parent_types == 1 else -1
    return (through.tupleset - slot, only, through.targets)


def _flat(rules: tuple[Rule, ...], slot: int) -> _Flat | None:
    """Collect what a union of one object comes down to. None: it has an `and` or `but not`, or is too long."""
    named: list[int] = []
    arrows: list[Through] = []
    seen, stack, looked_at = {slot}, [rules[slot]], 0
    while stack:
        looked_at += 1
        match stack.pop():
            case AnyOf(parts):
                stack.extend(reversed(parts))
            case Also(other):
                if other not in seen:
                    seen.add(other)
                    stack.append(rules[other])
            case Named(own):
                named.append(own)
            case Through() as through:
                arrows.append(through)
            case _:
                return None
        if looked_at > MAX_FLAT:
            return None
    return _Flat(tuple(named), tuple(arrows))


def _closed(leads: Mapping[int, frozenset[int]]) -> set[int]:
    """Return the largest part of the keys from which nothing leads outside it."""
    led_from: dict[int, list[int]] = {}
    for slot, targets in leads.items():
        for target in targets:
            led_from.setdefault(target, []).append(slot)
    kept = set(leads)
    gone = [target for target in led_from if target not in kept]
    while gone:
        for slot in led_from.get(gone.pop(), ()):
            if slot in kept:
                kept.remove(slot)
                gone.append(slot)
    return kept
