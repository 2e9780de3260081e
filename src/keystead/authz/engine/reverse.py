"""The columns turned round: from whom tuples name to the objects they stand on. Made when a list is first asked for.

Qualified tuples are in it like the others: what is found through it is a candidate wherever one can be met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import TYPE_CHECKING, Final

from keystead.authz.engine.column import NOBODY, Column
from keystead.authz.engine.layout import NO_USERSET, Door
from keystead.authz.engine.plan import Plan

if TYPE_CHECKING:
    from keystead.authz.engine.graph import Graph


SAME: Final = -1
"""Stands for a column where no step is taken: another relation of the same object."""


class Reverse:
    """`columns[id]` leads from the place of a user, or of a userset's object, to numbers of objects."""

    def __init__(self, plan: Plan, columns: list[Column], shift: int) -> None:
        self.plan = plan
        self.columns = columns
        self.shift = shift
        self._onward: dict[int, tuple[tuple[int, int], ...]] = {}

    def put(self, column: int, object: int, value: int) -> None:
        """A tuple of a column names `value` at `object`."""
        self.columns[column].put(value >> self.shift, object)

    def take(self, column: int, object: int, value: int) -> None:
        """It does no longer."""
        self.columns[column].take(value >> self.shift, object)

    def having(self, slot: int, users: Iterable[int], nodes: Iterable[int]) -> Set[int]:
        """Return the objects at which one of the users, or whoever is at one of the nodes, may have a slot.

        Where only unions lie between, it has; where there is more, this errs on the side of too many.
        """
        search = _Search(self, self.plan.reachable[slot])
        for user in users:
            for column in self.plan.layout.naming_kind[user & ((1 << self.shift) - 1)]:
                search.gain(self.plan.layout.doors[column].slot, set(self.columns[column].at(user >> self.shift)))
        at: dict[int, set[int]] = {}
        for object, held in (divmod(node, self.plan.width) for node in nodes):
            at.setdefault(held, set()).add(object)
        for held, objects in at.items():
            search.gain(held, objects)
        search.run()
        return search.found.get(slot, frozenset())

    def onward(self, slot: int) -> tuple[tuple[int, int], ...]:
        """Say what having a slot leads to: (column to follow, or `SAME` for the same object; the slot had there)."""
        steps = self._onward.get(slot)
        if steps is None:
            plan, layout = self.plan, self.plan.layout
            here = layout.kinds[plan.names[slot][0]]
            self._onward[slot] = steps = (
                *((SAME, other) for other in plan.backward.also[slot]),
                *((column, layout.doors[column].slot) for column in layout.naming_userset[slot]),
                *(
                    (column, other)
                    for tupleset, other in plan.backward.through[slot]
                    for column in layout.users[tupleset]
                    if layout.doors[column].kind == here
                ),
            )
        return steps


class _Search:
    """One list being made. `found`: slot -> objects at which somebody may have it; `fresh`: those not followed yet."""

    def __init__(self, reverse: Reverse, relevant: int) -> None:
        self.found: dict[int, set[int]] = {}
        self._fresh: dict[int, set[int]] = {}
        self._ends: dict[int, bool] = {}
        self._reverse = reverse
        self._relevant = relevant

    def gain(self, slot: int, objects: set[int]) -> None:
        """Note that a slot is had at these objects. The set is ours from here on."""
        if not self._relevant >> slot & 1 or not objects:
            return
        found = self.found.get(slot)
        if found is None:
            self.found[slot] = objects
            if not self._is_end(slot):
                self._fresh[slot] = objects.copy()
        elif self._is_end(slot):
            found |= objects
        else:
            objects -= found
            if objects:
                found |= objects
                fresh = self._fresh.get(slot)
                if fresh is None:
                    self._fresh[slot] = objects
                else:
                    fresh |= objects

    def run(self) -> None:
        """Follow what was gained until nothing new comes of it: groups first, then parents."""
        plan = self._reverse.plan

        def upstream(slot: int) -> int:
            return plan.reachable[slot].bit_count()

        while self._fresh:
            slot = min(self._fresh, key=upstream) if len(self._fresh) > 1 else next(iter(self._fresh))
            objects = self._fresh.pop(slot)
            for column, other in self._reverse.onward(slot):
                if column == SAME:
                    self.gain(other, objects.copy())
                elif self._relevant >> other & 1:
                    self._follow(column, objects, other)

    def _is_end(self, slot: int) -> bool:
        """Tell whether having a slot leads to nothing that matters: then nobody needs to know what is new."""
        end = self._ends.get(slot)
        if end is None:
            relevant = self._relevant
            end = self._ends[slot] = not any(relevant >> other & 1 for _, other in self._reverse.onward(slot))
        return end

    def _follow(self, column: int, objects: Iterable[int], slot: int) -> None:
        reverse, shift = self._reverse.columns[column], self._reverse.shift
        if reverse.shape.empty:
            return
        cells = reverse.cells
        if isinstance(cells, list):
            found = [cells[object >> shift] for object in objects]
        else:
            found = [reverse.cell(object >> shift) for object in objects]
        several = [cell for cell in found if cell.__class__ is not int]
        gained: set[int] = {cell for cell in found if cell.__class__ is int}
        gained.discard(NOBODY)
        gained.update(*several)  # type: ignore[arg-type]  # what is no number is a collection of them
        self.gain(slot, gained)


def turned_round(graph: Graph, regrown: Callable[[Column], None]) -> Reverse:
    """Turn all columns of a graph round. `regrown` is told of columns that become dense, or no longer are."""
    numbering, layout, width = graph.numbering, graph.plan.layout, graph.plan.width
    doors = [Door(door.slot, door.kind, door.object_kind, door.userset) for door in layout.doors]
    columns = [Column(door, numbering.names[door.object_kind], regrown) for door in doors]
    reverse = Reverse(graph.plan, columns, numbering.shift)
    numbers = [[numbering.numbers[name] for name in names] for names in numbering.names]
    for id, column in enumerate(graph.columns):
        kind = column.door.object_kind
        for place, values in column.items():
            for value in values:
                reverse.put(id, numbers[kind][place], value)
    for node, users in graph.qualified_users.items():
        object, slot = divmod(node, width)
        for user in users:
            door = Door(slot, object & numbering.mask, user & numbering.mask, NO_USERSET)
            reverse.put(layout.at[door], object, user)
    for node, usersets in graph.qualified_usersets.items():
        object, slot = divmod(node, width)
        for value, userset in (divmod(each, width) for each in usersets):
            door = Door(slot, object & numbering.mask, value & numbering.mask, userset)
            reverse.put(layout.at[door], object, value)
    return reverse
