"""The tuples of one store under one plan, interned and kept in columns for walking from an object to its users.

Tuples that the model would refuse today are left out, so that narrowing a model takes rights away at once.
Objects get numbers when a tuple first names them; asking about an unknown object does not make it known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from keystead.authz.engine.closures import Closures
from keystead.authz.engine.column import Column
from keystead.authz.engine.compiled import Checks
from keystead.authz.engine.doorkeeper import Doorkeeper
from keystead.authz.engine.layout import NO_USERSET, Door
from keystead.authz.engine.numbering import UNKNOWN as UNKNOWN
from keystead.authz.engine.numbering import NamesByNumber, Numbering, TypesByNumber
from keystead.authz.engine.plan import Plan
from keystead.authz.engine.qualified import QualifiedIndex, Qualifier, qualifier_of
from keystead.authz.engine.reverse import Reverse, turned_round
from keystead.authz.engine.source import Look, Read, Source
from keystead.authz.engine.views import NodeIndex, NodeToNodes
from keystead.storage.ports import Relationship, RelationshipChange, TupleRow


class Place(NamedTuple):
    """Where a tuple belongs: in which column, at which object, naming which number."""

    column: int
    object: int
    value: int


class Graph:
    """Tuples at `revision`. Mutable, not thread-safe: whoever owns it decides when it moves on."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.revision = 0
        self.doorkeeper = Doorkeeper(plan)
        self.numbering = Numbering(plan.layout)
        self.qualified_users = QualifiedIndex()
        """node -> number of a user -> when the tuple counts that names it. Never also in `users`."""
        self.qualified_usersets = QualifiedIndex()
        """node -> node -> when the tuple counts that names it. Never also in `usersets`."""
        self.qualified_slots: dict[int, int] = {}
        """slot -> how many qualified tuples it has; a slot without any is not in it."""
        self.qualified_bits = 0
        """The same slots, as bits."""
        self._dense: list[list[Column]] = [[] for _ in self.numbering.names]
        self.columns = [
            Column(door, self.numbering.names[door.object_kind], self._reshaped) for door in plan.layout.doors
        ]
        self.closures = Closures(self.numbering)
        self.overlay_sources: dict[tuple[int, int], Source | None] = {}
        """(slot, kind of user) -> the check for whatever is laid over this graph."""
        self._reverse: Reverse | None = None
        self._look()

    def _look(self) -> None:
        """Set up the views of what has been set up."""
        plan, numbering = self.plan, self.numbering
        self.numbers: Mapping[str, int] = numbering.numbers
        """Name of an object or wildcard -> its number."""
        self.mask = numbering.mask
        self.names = NamesByNumber(numbering)
        """Number -> name."""
        self.types = TypesByNumber(numbering)
        """Number -> type."""
        self.everybody: Mapping[str, int] = numbering.everybody
        """type -> number of its wildcard, once a tuple names it."""
        self.users = NodeIndex(self.columns, plan.layout.users, plan.width, numbering.shift)
        """node -> numbers of the objects and wildcards that unqualified tuples name."""
        self.usersets = NodeToNodes(self.columns, plan.layout.usersets, plan.width, numbering.shift)
        """node -> nodes that unqualified tuples name."""
        self.checks = Checks(self)

    def number(self, name: str) -> int:
        """Return the number of an object or wildcard, `UNKNOWN` if no tuple names it."""
        return self.numbers.get(name, UNKNOWN)

    def objects_of(self, type: str) -> Iterable[str]:
        """Return the names of the objects of a type that tuples mention, in no order."""
        kind = self.plan.layout.kinds.get(type)
        return () if kind is None else self.numbering.names[kind]

    def node(self, object: int, slot: int) -> int:
        """Encode one relation of one object."""
        return object * self.plan.width + slot

    def qualified_below(self, slot: int) -> bool:
        """Tell whether a qualified tuple can matter to the answer for a slot; if not, the short cut is exact."""
        return bool(self.plan.reachable[slot] & self.qualified_bits)

    def add(self, tuple: Relationship) -> bool:
        """Take a tuple in, in place of one with the same object, relation and user, unless the model refuses it.

        Answer: whether it was taken.
        """
        taken = self._add(tuple)
        self.closures.settle()
        return taken

    def load(self, rows: Iterable[TupleRow]) -> None:
        """Take many tuples in, as rows: quickest where those of an object follow one another."""
        add = self._add
        for row in rows:
            add(Relationship(*row))
        self.closures.settle()

    def discard(self, tuple: Relationship) -> None:
        """Take the tuple with this object, relation and user out, whatever it is qualified by."""
        self._discard(tuple)
        self.closures.settle()

    def apply(self, changes: Iterable[RelationshipChange]) -> None:
        """Follow a change feed."""
        for change in changes:
            if change.operation == "write":
                self._add(change.relationship)
            else:
                self._discard(change.relationship)
            self.revision = change.revision
        self.closures.settle()

    def look(self, column: int) -> Look:
        """Say how compiled code may read a column."""
        shape = self.columns[column].shape
        return Look(Read.LIST if shape.dense else Read.DICTIONARY, shape.single, shape.empty)

    def reader(self, column: int) -> object:
        """Return what compiled code reads a column with, as `look` said it may."""
        cells = self.columns[column].cells
        return cells if isinstance(cells, list) else cells.get

    def quick(self, user: str, relation: str, object: str) -> bool | None:
        """Decide by compiled code. None: there is none for this question, or it needs care."""
        numbers, mask = self.numbers, self.mask
        number, who = numbers.get(object), numbers.get(user)
        if number is None or who is None:
            return None
        check = self.checks[relation, number & mask, who & mask]
        return None if check is None else check(number, who)

    def holds(self, tuple: Relationship) -> bool:
        """Tell whether a tuple with this object, relation and user is in the graph, qualified as this one is."""
        place = self._known_place(tuple)
        if place is None:
            return False
        qualifier = qualifier_of(tuple, self.plan.conditions)
        if qualifier is None:
            return place.value in self.columns[place.column].at(place.object >> self.numbering.shift)
        index, node, value = self._qualified_place(place)
        return index.at(node).get(value) == qualifier

    def reverse(self) -> Reverse:
        """Return the columns turned round; they are made at the first call, and kept in step from then on."""
        if self._reverse is None:
            self._reverse = self._turned_round()
        return self._reverse

    def _turned_round(self) -> Reverse:
        return turned_round(self, self._regrown)

    def _add(self, tuple: Relationship) -> bool:
        if self.qualified_bits or tuple.condition or tuple.expires_at:
            self._discard(tuple)
        place = self._place(tuple)
        if place is None:
            return False
        qualifier = qualifier_of(tuple, self.plan.conditions)
        if qualifier is None:
            self._put(place)
        else:
            self._put_qualified(place, qualifier)
        return True

    def _discard(self, tuple: Relationship) -> None:
        place = self._known_place(tuple)
        if place is not None and not self._take_qualified(place):
            self._take(place)

    def _put(self, place: Place) -> None:
        column, object, value = place
        if self.columns[column].put(object >> self.numbering.shift, value):
            if self._reverse is not None:
                self._reverse.put(column, object, value)
            door = self.columns[column].door
            for group, member in self._gives(door, object, value):
                self.closures.join(member, group, is_userset=door.userset != NO_USERSET)

    def _take(self, place: Place) -> None:
        column, object, value = place
        if not self.columns[column].take(object >> self.numbering.shift, value):
            return
        if self._reverse is not None:
            self._reverse.take(column, object, value)
        door, shortcuts, width = self.columns[column].door, self.plan.shortcuts, self.plan.width
        index = self.users if door.userset == NO_USERSET else self.usersets
        for group, member in self._gives(door, object, value):
            if not any(member in index.at(group + look) for look in shortcuts.steps[group % width][0]):
                self.closures.leave(member, group, is_userset=door.userset != NO_USERSET)

    def _gives(self, door: Door, object: int, value: int) -> Iterable[tuple[int, int]]:
        """Say which group-like nodes a tuple leads up to, and from what."""
        offsets = self.plan.shortcuts.gives[door.slot]
        if offsets:
            node = self.node(object, door.slot)
            member = value if door.userset == NO_USERSET else self.node(value, door.userset)
            for offset in offsets:
                yield node + offset, member

    def _put_qualified(self, place: Place, qualifier: Qualifier) -> None:
        index, node, value = self._qualified_place(place)
        index.put(node, value, qualifier)
        if self._reverse is not None:
            self._reverse.put(*place)
        self._count_qualified(place, 1)

    def _take_qualified(self, place: Place) -> bool:
        if not self.qualified_bits:
            return False
        index, node, value = self._qualified_place(place)
        if not index.take(node, value):
            return False
        if self._reverse is not None:
            self._reverse.take(*place)
        self._count_qualified(place, -1)
        return True

    def _count_qualified(self, place: Place, change: int) -> None:
        door = self.plan.layout.doors[place.column]
        for _, member in self._gives(door, place.object, place.value):
            self.closures.perhaps(member, change, is_userset=door.userset != NO_USERSET)
        slot = door.slot
        count = self.qualified_slots.get(slot, 0) + change
        if count:
            self.qualified_slots[slot] = count
        else:
            del self.qualified_slots[slot]
        if bool(count) != bool(self.qualified_bits >> slot & 1):
            self.qualified_bits ^= 1 << slot
            self.checks.forget()

    def _qualified_place(self, place: Place) -> tuple[QualifiedIndex, int, int]:
        door = self.plan.layout.doors[place.column]
        node = self.node(place.object, door.slot)
        if door.userset == NO_USERSET:
            return self.qualified_users, node, place.value
        return self.qualified_usersets, node, self.node(place.value, door.userset)

    def _place(self, tuple: Relationship) -> Place | None:
        """Find where a tuple belongs, numbering new names. None: the model refuses it."""
        column = self.doorkeeper.admit(tuple)
        if column is None:
            return None
        door = self.plan.layout.doors[column]
        user = tuple.user.partition("#")[0]
        return Place(column, self._intern(tuple.object, door.object_kind), self._intern(user, door.kind))

    def _known_place(self, tuple: Relationship) -> Place | None:
        """Find where a tuple would be, whether the model allows it or not. None: it cannot be in the graph."""
        column = self.doorkeeper.column(tuple)
        object, user = self.number(tuple.object), self.number(tuple.user.partition("#")[0])
        return None if column is None or UNKNOWN in (object, user) else Place(column, object, user)

    def _intern(self, name: str, kind: int) -> int:
        number = self.numbers.get(name)
        if number is None:
            number = self.numbering.add(name, kind)
            for column in self._dense[kind]:
                column.grow()
        return number

    def _reshaped(self, column: Column) -> None:
        """Compiled code must be made anew."""
        self.checks.forget()
        self._regrown(column)

    def _regrown(self, column: Column) -> None:
        """A column that became dense grows with the names; one that no longer is does not."""
        others = [each for each in self._dense[column.door.object_kind] if each is not column]
        self._dense[column.door.object_kind] = [*others, column] if column.shape.dense else others
