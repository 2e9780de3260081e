"""Rules made of unions only, flattened: where to look on one object, and where to go from there.

A slot has a shortcut when no `and` or `but not` can be reached from it. A slot is *group-like* when tuples
may name it as a userset, and its own rule is tuples only, of users and of group-like slots: then it can also be climbed
from the user upwards, because each tuple has one way up. Offsets instead of slots let a step be one addition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from keystead.authz.engine.rules import Also, AnyOf, Named, Rule, Through, is_monotone

Arrow = tuple[int, int, Mapping[str, int]]
"""(offset of a tupleset, slot to look at on every parent, or -1 and then: that slot by the parent's type)."""

Steps = tuple[tuple[int, ...], tuple[int, ...], tuple[Arrow, ...]]
"""(offsets of slots whose tuples name users, those of them that may name usersets, arrows to parents)."""

NO_STEPS: Final[Steps] = ((), (), ())


class Shortcuts(msgspec.Struct, frozen=True):
    """Flattened rules by slot; `has` tells which slots have one.

    `gives[slot]` are the offsets to the group-like slots of the same object that a tuple of `slot` gives.
    """

    has: tuple[bool, ...]
    steps: tuple[Steps, ...]
    group_like: tuple[bool, ...]
    gives: tuple[tuple[int, ...], ...]


def flatten(rules: tuple[Rule, ...], usersets: tuple[frozenset[int], ...]) -> Shortcuts:
    """Flatten every rule that can be. `usersets[slot]` are the slots that tuples of `slot` may name."""
    every = range(len(rules))
    leads = [_leads_to(rules, usersets, slot) for slot in every]
    plain = _closed_under(leads, {slot for slot, rule in enumerate(rules) if is_monotone(rule)})
    members = [frozenset(each for named in _named_of(rules, slot) for each in usersets[named]) for slot in every]
    targets = frozenset().union(*usersets)
    grouped = _closed_under(members, {slot for slot in plain & targets if not _arrows_of(rules, slot)})
    gives: list[list[int]] = [[] for _ in rules]
    for slot in sorted(grouped):
        for named in _named_of(rules, slot):
            gives[named].append(slot - named)
    return Shortcuts(
        has=tuple(slot in plain for slot in every),
        steps=tuple(_steps(rules, usersets, slot) if slot in plain else NO_STEPS for slot in every),
        group_like=tuple(slot in grouped for slot in every),
        gives=tuple(tuple(offsets) for offsets in gives),
    )


def _steps(rules: tuple[Rule, ...], usersets: tuple[frozenset[int], ...], slot: int) -> Steps:
    named = _named_of(rules, slot)
    return (
        tuple(each - slot for each in named),
        tuple(each - slot for each in named if usersets[each]),
        tuple(_arrow(slot, each) for each in _arrows_of(rules, slot)),
    )


def _arrow(slot: int, through: Through) -> Arrow:
    only = next(iter(through.targets.values())) if len(through.targets) == through.parent_types == 1 else -1
    return (through.tupleset - slot, only, through.targets)


def _same_object(rules: tuple[Rule, ...], slot: int) -> Iterator[Named | Through]:
    """Walk what a union of one object comes down to, each slot once."""
    seen, stack = {slot}, [rules[slot]]
    while stack:
        rule = stack.pop()
        if isinstance(rule, AnyOf):
            stack.extend(reversed(rule.parts))
        elif isinstance(rule, Also):
            if rule.slot not in seen:
                seen.add(rule.slot)
                stack.append(rules[rule.slot])
        elif isinstance(rule, Named | Through):
            yield rule


def _named_of(rules: tuple[Rule, ...], slot: int) -> tuple[int, ...]:
    return tuple(rule.slot for rule in _same_object(rules, slot) if isinstance(rule, Named))


def _arrows_of(rules: tuple[Rule, ...], slot: int) -> tuple[Through, ...]:
    return tuple(rule for rule in _same_object(rules, slot) if isinstance(rule, Through))


def _leads_to(rules: tuple[Rule, ...], usersets: tuple[frozenset[int], ...], slot: int) -> frozenset[int]:
    """Return the slots that a rule mentions, one step away."""
    found: set[int] = set()
    stack = [rules[slot]]
    while stack:
        match stack.pop():
            case Named(named):
                found |= usersets[named]
            case Also(other):
                found.add(other)
            case Through(_, targets):
                found |= set(targets.values())
            case AnyOf(parts):
                stack.extend(parts)
            case _:
                pass
    return frozenset(found)


def _closed_under(leads: list[frozenset[int]], candidates: set[int]) -> set[int]:
    """Return the largest part of `candidates` that leads nowhere else."""
    while True:
        kept = {slot for slot in candidates if leads[slot] <= candidates}
        if kept == candidates:
            return kept
        candidates = kept
