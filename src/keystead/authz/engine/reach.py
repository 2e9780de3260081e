"""The short cut: decide a question whose rules are unions only, for a user that is no userset.

Two phases, each visiting a node at most once. From the object outwards: its own tuples, its parents, theirs; usersets
met on the way that are group-like are put aside as goals. Then between the goals and the user's own groups, from
whichever side is smaller, so that neither a huge group nor a user in many groups is slow by itself.

Compiled checks (`keystead.authz.engine.source`) do the same for the questions they fit; this is for the others.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

from keystead.authz.engine.numbering import UNKNOWN

if TYPE_CHECKING:
    from keystead.authz.engine.graph import Graph


def reaches(graph: Graph, user: int, everybody: int, start: int) -> bool:
    """Tell whether a user, or everybody of its type, is reached from a node whose slot has a shortcut."""
    plan, types = graph.plan, graph.types
    steps, group_like, width = plan.shortcuts.steps, plan.shortcuts.group_like, plan.width
    named_at, usersets_at = graph.users.at, graph.usersets.at
    goals: set[int] = set()
    walk, seen = [start], {start}
    for node in walk:
        looks, sets, arrows = steps[node % width]
        for offset in looks:
            named = named_at(node + offset)
            if named and (user in named or (everybody >= 0 and everybody in named)):
                return True
        for offset in sets:
            for userset in usersets_at(node + offset):
                if group_like[userset % width]:
                    goals.add(userset)
                elif userset not in seen:
                    seen.add(userset)
                    walk.append(userset)
        for offset, only_target, targets in arrows:
            for parent in named_at(node + offset):
                slot = only_target if only_target >= 0 else targets.get(types[parent], UNKNOWN)
                target = parent * width + slot
                if slot >= 0 and target not in seen:
                    seen.add(target)
                    walk.append(target)
    return bool(goals) and _meet(graph, user, everybody, goals)


def _meet(graph: Graph, user: int, everybody: int, goals: set[int]) -> bool:
    """Tell whether the user is in one of the goals."""
    groups = groups_of(graph, user, everybody)
    return _meet_halfway(graph, user, everybody, goals) if groups is None else not goals.isdisjoint(groups)


def groups_of(graph: Graph, user: int, everybody: int) -> Set[int] | None:
    """Return every group-like node the user is in, from memory if no group changed, or None if they are too many."""
    return graph.closures.of(user, everybody)


def _meet_halfway(graph: Graph, user: int, everybody: int, goals: set[int]) -> bool:
    """Climb from the user's groups and descend from the goals, always on the smaller side, until they meet."""
    mine = {*graph.closures.memberships.at(user), *graph.closures.memberships.at(everybody)}
    if not goals.isdisjoint(mine):
        return True
    above, below = list(mine), list(goals)
    while above and below:
        if len(above) <= len(below):
            above = _climb(graph, above, mine)
            if not goals.isdisjoint(above):
                return True
        else:
            below = _descend(graph, below, goals)
            if not mine.isdisjoint(below):
                return True
    return False


def _climb(graph: Graph, nodes: list[int], known: set[int]) -> list[int]:
    """Return the group-like nodes, not known before, whose tuples name one of these."""
    found: list[int] = []
    for node in nodes:
        for group in graph.closures.nested.at(node):
            if group not in known:
                known.add(group)
                found.append(group)
    return found


def _descend(graph: Graph, nodes: list[int], known: set[int]) -> list[int]:
    """Return the group-like nodes, not known before, that the tuples of these name."""
    width, steps, usersets_at = graph.plan.width, graph.plan.shortcuts.steps, graph.usersets.at
    found: list[int] = []
    for node in nodes:
        for offset in steps[node % width][1]:
            for member in usersets_at(node + offset):
                if member not in known:
                    known.add(member)
                    found.append(member)
    return found
