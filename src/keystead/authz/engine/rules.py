"""What a slot's rule is made of: the rewrites of the model with names turned into slot numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec


class Named(msgspec.Struct, frozen=True):
    """Whoever a tuple of this slot names: directly, by wildcard, or as a userset."""

    slot: int


class Also(msgspec.Struct, frozen=True):
    """Whoever has another slot of the same object."""

    slot: int


class Through(msgspec.Struct, frozen=True):
    """Whoever has a slot of an object that a tuple of `tupleset` names. `targets`: type of that object -> slot.

    `parent_types` counts the types such an object may have, also those without the slot.
    """

    tupleset: int
    targets: Mapping[str, int]
    parent_types: int


class AnyOf(msgspec.Struct, frozen=True):
    """At least one."""

    parts: tuple[Rule, ...]


class AllOf(msgspec.Struct, frozen=True):
    """Every one."""

    parts: tuple[Rule, ...]


class ButNot(msgspec.Struct, frozen=True):
    """The base and not the other."""

    base: Rule
    subtract: Rule


Rule = Named | Also | Through | AnyOf | AllOf | ButNot


def leaves(rule: Rule) -> Iterator[Named | Also | Through]:
    """Go through what a rule is made of in the end."""
    stack = [rule]
    while stack:
        match stack.pop():
            case AnyOf(parts) | AllOf(parts):
                stack.extend(parts)
            case ButNot(base, subtract):
                stack += (base, subtract)
            case leaf:
                yield leaf
