"""A model compiled: every relation of every type is a slot with a number, and rules refer to slots.

A *node* is one relation of one object, encoded as `object_number * slot_count + slot`, so that a step through the
graph is arithmetic and one dictionary look-up.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from keystead.authz.conditions import Condition, compile_condition
from keystead.authz.engine.backward import Backward, turn_round
from keystead.authz.engine.layout import NO_USERSET, Layout, Who, lay_out
from keystead.authz.engine.reachable import reachable_slots
from keystead.authz.engine.rules import AllOf, Also, AnyOf, ButNot, Named, Rule, Through
from keystead.authz.engine.shortcuts import Shortcuts, flatten
from keystead.authz.model import (
    AuthorizationModel,
    Computed,
    Direct,
    Exclusion,
    FromParent,
    Restriction,
    Rewrite,
    Union,
)


class Accepts(msgspec.Struct, frozen=True):
    """What the type restrictions of a slot let into a tuple.

    `types`, `wildcards` and `usersets` say who may be named at all, whatever the condition; usersets map
    (type, relation) to the slot they are. `exactly` has every restriction whole: (type, relation, wildcard, condition).
    """

    types: frozenset[str]
    wildcards: frozenset[str]
    usersets: Mapping[tuple[str, str], int]
    exactly: frozenset[tuple[str, str, bool, str]]

    def allows(self, type: str, relation: str, wildcard: bool, condition: str) -> bool:
        """Tell whether a tuple may name this user with this condition.

        A tuple without a condition does not match a restriction that demands one, nor the other way round.
        """
        return (type, relation, wildcard, condition) in self.exactly


class Plan(msgspec.Struct, frozen=True):
    """The compiled model. Lists are indexed by slot."""

    model: AuthorizationModel
    slots: Mapping[tuple[str, str], int]
    names: tuple[tuple[str, str], ...]
    types: frozenset[str]
    rules: tuple[Rule, ...]
    accepts: tuple[Accepts, ...]
    shortcuts: Shortcuts
    backward: Backward
    layout: Layout
    reachable: tuple[int, ...]
    """slot -> the slots, itself too, whose tuples can matter to its answer, as bits (`1 << slot`)."""
    conditions: Mapping[str, Condition]
    width: int
    """How many slots there are: what an object number is multiplied by to make a node."""


def compile_model(model: AuthorizationModel) -> Plan:
    """Compile a checked model. Raises: ModelError when a condition is not a valid expression."""
    names = tuple((definition.name, relation.name) for definition in model.types for relation in definition.relations)
    slots = {name: slot for slot, name in enumerate(names)}
    relations = [relation for definition in model.types for relation in definition.relations]
    accepts = tuple(_accepts(slots, relation.restrictions) for relation in relations)
    rules = tuple(
        _compile(slots, accepts, slot, names[slot][0], relation.rewrite) for slot, relation in enumerate(relations)
    )
    usersets = tuple(frozenset(each.usersets.values()) for each in accepts)
    return Plan(
        model=model,
        slots=slots,
        names=names,
        types=frozenset(definition.name for definition in model.types),
        rules=rules,
        accepts=accepts,
        shortcuts=flatten(rules, usersets),
        backward=turn_round(rules),
        layout=lay_out(
            tuple(definition.name for definition in model.types),
            tuple(type for type, _ in names),
            tuple(_named(slots, relation.restrictions) for relation in relations),
        ),
        reachable=reachable_slots(rules, usersets),
        conditions={definition.name: compile_condition(definition) for definition in model.conditions},
        width=len(names),
    )


def _accepts(slots: Mapping[tuple[str, str], int], restrictions: tuple[Restriction, ...]) -> Accepts:
    usersets = [(who.type, who.relation) for who in restrictions if who.relation]
    return Accepts(
        types=frozenset(who.type for who in restrictions if not who.relation and not who.wildcard),
        wildcards=frozenset(who.type for who in restrictions if who.wildcard),
        usersets={name: slots[name] for name in usersets},
        exactly=frozenset((who.type, who.relation, who.wildcard, who.condition) for who in restrictions),
    )


def _named(slots: Mapping[tuple[str, str], int], restrictions: tuple[Restriction, ...]) -> tuple[Who, ...]:
    """Say whom restrictions name, conditions aside."""
    return tuple(
        Who(who.type, who.wildcard, slots[who.type, who.relation] if who.relation else NO_USERSET)
        for who in restrictions
    )


def _compile(
    slots: Mapping[tuple[str, str], int], accepts: tuple[Accepts, ...], slot: int, type: str, rewrite: Rewrite
) -> Rule:
    match rewrite:
        case Direct():
            return Named(slot)
        case Computed():
            return Also(slots[type, rewrite.relation])
        case FromParent():
            tupleset = slots[type, rewrite.tupleset]
            parents = sorted(accepts[tupleset].types)
            targets = {
                parent: slots[parent, rewrite.relation] for parent in parents if (parent, rewrite.relation) in slots
            }
            return Through(tupleset, targets, len(parents))
        case Exclusion():
            base, subtract = (_compile(slots, accepts, slot, type, part) for part in (rewrite.base, rewrite.subtract))
            return ButNot(base, subtract)
        case _:
            parts = tuple(_compile(slots, accepts, slot, type, part) for part in rewrite.children)
            return AnyOf(parts) if isinstance(rewrite, Union) else AllOf(parts)
