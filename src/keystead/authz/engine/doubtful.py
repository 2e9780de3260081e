"""What compiled code asks about qualified tuples: could one of those on this object matter to this user?

It never asks whether one counts. Where none could matter even if all of them counted, plain tuples alone decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import TYPE_CHECKING, Final

from keystead.authz.engine.numbering import UNKNOWN
from keystead.authz.engine.plan import Plan

if TYPE_CHECKING:
    from keystead.authz.engine.graph import Graph

ASKED: Final = ("naming", "letting_in", "names", "lets_in", "unsure")
"""Variables of compiled code: the qualified tuples that name users, by node; those that name usersets; whether one of
them at a node could matter to a user; and whether one could put a user, known to be in some groups, into another."""


def doubts_at(plan: Plan, qualified: int, slot: int, *, is_tupleset: bool) -> Iterator[str]:
    """Say as expressions when a qualified tuple of a slot, at the object whose place is `i`, could matter to `user`.

    `qualified` are the slots that have such tuples, as bits. A parent could always matter.
    """
    if not qualified >> slot & 1:
        return
    layout = plan.layout
    kind = layout.kinds[plan.names[slot][0]]
    node = f"i * {plan.width << layout.shift} + {kind * plan.width + slot}"
    if layout.users[slot]:
        yield f"{node} in naming" if is_tupleset else f"{node} in naming and names({node}, user)"
    if layout.usersets[slot]:
        yield f"{node} in letting_in and lets_in({node}, user)"


def bits_of(slots: int) -> Iterator[int]:
    """Go through a set of slots."""
    return (slot for slot in range(slots.bit_length()) if slots >> slot & 1)


def asked(graph: Graph, kind: int) -> tuple[object, ...]:
    """Return what `ASKED` stands for, in a graph, for users of a kind."""
    type, width, group_like = graph.plan.layout.types[kind], graph.plan.width, graph.plan.shortcuts.group_like
    closures = graph.closures

    def names(node: int, user: int) -> bool:
        named = graph.qualified_users.at(node)
        return user in named or graph.everybody.get(type, UNKNOWN) in named

    def unsure(user: int, groups: Set[int]) -> bool:
        return closures.unsure(user, graph.everybody.get(type, UNKNOWN), groups)

    def lets_in(node: int, user: int) -> bool:
        usersets = graph.qualified_usersets.at(node)
        groups = closures.of(user, graph.everybody.get(type, UNKNOWN))
        if groups is None or unsure(user, groups):
            return True
        return any(not group_like[userset % width] or userset in groups for userset in usersets)

    return graph.qualified_users, graph.qualified_usersets, names, lets_in, unsure


def decided(check: Callable[[int, int], bool | None], otherwise: type[Exception]) -> Callable[[int, int], bool]:
    """Return a check that raises where the other leaves the question to the solver."""

    def certain(object: int, user: int) -> bool:
        answer = check(object, user)
        if answer is None:
            raise otherwise
        return answer

    return certain
