"""The tuples of one store under one plan, interned and indexed for walking from an object to its users.

Tuples that the model would refuse today are left out, so that narrowing a model takes rights away at once.
Objects get numbers when a tuple first names them; asking about an unknown object does not make it known.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence, Set
from typing import Final, NamedTuple, Protocol

from keystead.authz.engine.index import Index
from keystead.authz.engine.plan import Plan
from keystead.authz.engine.qualified import QualifiedIndex, Qualifier, qualifier_of
from keystead.authz.names import WILDCARD
from keystead.storage.ports import Relationship, RelationshipChange

UNKNOWN: Final = -1
MAX_CLOSURES: Final = 10_000


class NameList(Protocol):
    """A list that only grows."""

    def append(self, name: str, /) -> None:
        """Add one at the end."""
        ...


class Place(NamedTuple):
    """Where a tuple belongs: under which node, as what value; the value is a node when the tuple names a userset."""

    is_userset: bool
    node: int
    value: int


class Graph:
    """Tuples at `revision`. Mutable, not thread-safe: whoever owns it decides when it moves on."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.revision = 0
        names: list[str] = []
        types: list[str] = []
        self.names: Sequence[str] = names
        """Number -> name."""
        self.types: Sequence[str] = types
        """Number -> type."""
        self._names: NameList = names
        self._types: NameList = types
        self.users = Index()
        """node -> numbers of the objects and wildcards that unqualified tuples name."""
        self.usersets = Index()
        """node -> nodes that unqualified tuples name."""
        self.qualified_users = QualifiedIndex()
        """node -> number of a user -> when the tuple counts that names it. Never also in `users`."""
        self.qualified_usersets = QualifiedIndex()
        """node -> node -> when the tuple counts that names it. Never also in `usersets`."""
        self.qualified_slots: dict[int, int] = {}
        """slot -> how many qualified tuples it has; a slot without any is not in it."""
        self.memberships = Index()
        """The way up: number of a user -> group-like nodes that an unqualified tuple puts it in."""
        self.nested = Index()
        """The way up: node -> group-like nodes that an unqualified tuple puts it in."""
        self.named_in = Index()
        """Number of a user -> nodes whose tuples, qualified or not, name it. Kept from `index_backwards` on."""
        self.userset_in = Index()
        """Node -> nodes whose tuples, qualified or not, name it as a userset. Likewise."""
        self.closures: dict[tuple[int, int], Set[int]] = {}
        """(user, everybody) -> every group-like node they are in. Emptied when any tuple of such a node changes."""
        self.everybody: dict[str, int] = {}
        """type -> number of its wildcard, once a tuple names it."""
        self.numbers: MutableMapping[str, int] = {}
        """Name of an object or wildcard -> its number. Read it through `number`, save where time is short."""
        self._backwards = False
        self._qualified_bits = 0

    def number(self, name: str) -> int:
        """Return the number of an object or wildcard, `UNKNOWN` if no tuple names it."""
        return self.numbers.get(name, UNKNOWN)

    def node(self, object: int, slot: int) -> int:
        """Encode one relation of one object."""
        return object * self.plan.width + slot

    def remember(self, who: tuple[int, int], groups: Set[int]) -> None:
        """Keep which groups somebody is in, until a group changes."""
        if len(self.closures) >= MAX_CLOSURES:
            self.closures.clear()
        self.closures[who] = groups

    def qualified_below(self, slot: int) -> bool:
        """Tell whether a qualified tuple can matter to the answer for a slot; if not, the short cut is exact."""
        return bool(self.plan.reachable[slot] & self._qualified_bits)

    def add(self, tuple: Relationship) -> bool:
        """Take a tuple in, in place of one with the same object, relation and user, unless the model refuses it.

        Answer: whether it was taken. Refused, it takes the place of the other all the same.
        """
        if self._qualified_bits or tuple.condition or tuple.expires_at:
            self.discard(tuple)
        place = self._place(tuple)
        if place is None:
            return False
        qualifier = qualifier_of(tuple)
        if qualifier is None:
            self._put(place)
        else:
            self._put_qualified(place, qualifier)
        if self._backwards:
            (self.userset_in if place.is_userset else self.named_in).add(place.value, place.node)
        return True

    def discard(self, tuple: Relationship) -> None:
        """Take the tuple with this object, relation and user out, whatever it is qualified by."""
        place = self._known_place(tuple)
        if place is None:
            return
        is_userset, node, value = place
        if not self._take_qualified(place):
            self._index(place).discard(node, value)
            self._discard_way_up(place)
        if self._backwards:
            (self.userset_in if is_userset else self.named_in).discard(value, node)

    def holds(self, tuple: Relationship) -> bool:
        """Tell whether a tuple with this object, relation and user is in the graph, qualified as this one is."""
        place = self._known_place(tuple)
        if place is None:
            return False
        qualifier = qualifier_of(tuple)
        if qualifier is None:
            return place.value in self._index(place).at(place.node)
        return self._qualified_index(place).at(place.node).get(place.value) == qualifier

    def apply(self, changes: Iterable[RelationshipChange]) -> None:
        """Follow a change feed."""
        for change in changes:
            if change.operation == "write":
                self.add(change.relationship)
            else:
                self.discard(change.relationship)
            self.revision = change.revision

    def index_backwards(self) -> None:
        """Index the tuples by whom they name too, once, for as long as the graph lives."""
        if self._backwards:
            return
        self._backwards = True
        for back, indexes in (
            (self.named_in, (self.users, self.qualified_users)),
            (self.userset_in, (self.usersets, self.qualified_usersets)),
        ):
            for index in indexes:
                for node, values in index.items():
                    for value in values:
                        back.add(value, node)

    def _put(self, place: Place) -> None:
        is_userset, node, value = place
        self._index(place).add(node, value)
        way_up = self.nested if is_userset else self.memberships
        for offset in self.plan.shortcuts.gives[node % self.plan.width]:
            way_up.add(value, node + offset)
            self._forget_closures()

    def _put_qualified(self, place: Place, qualifier: Qualifier) -> None:
        slot = place.node % self.plan.width
        self._qualified_index(place).put(place.node, place.value, qualifier)
        self.qualified_slots[slot] = self.qualified_slots.get(slot, 0) + 1
        self._qualified_bits |= 1 << slot

    def _take_qualified(self, place: Place) -> bool:
        if not self._qualified_bits or not self._qualified_index(place).take(place.node, place.value):
            return False
        slot = place.node % self.plan.width
        self.qualified_slots[slot] -= 1
        if not self.qualified_slots[slot]:
            del self.qualified_slots[slot]
            self._qualified_bits &= ~(1 << slot)
        return True

    def _discard_way_up(self, place: Place) -> None:
        """Forget that a tuple put the value in groups, save those that another tuple still puts it in."""
        is_userset, node, value = place
        shortcuts, width, index = self.plan.shortcuts, self.plan.width, self._index(place)
        way_up = self.nested if is_userset else self.memberships
        for offset in shortcuts.gives[node % width]:
            group = node + offset
            self._forget_closures()
            if not any(value in index.at(group + look) for look in shortcuts.steps[group % width][0]):
                way_up.discard(value, group)

    def _append(self, name: str, type: str) -> None:
        self._names.append(name)
        self._types.append(type)

    def _forget_closures(self) -> None:
        self.closures.clear()

    def _index(self, place: Place) -> Index:
        return self.usersets if place.is_userset else self.users

    def _qualified_index(self, place: Place) -> QualifiedIndex:
        return self.qualified_usersets if place.is_userset else self.qualified_users

    def _place(self, tuple: Relationship) -> Place | None:
        """Find where a tuple belongs, numbering new names. None: the model refuses it."""
        slot = self.plan.slots.get((tuple.object.partition(":")[0], tuple.relation))
        if slot is None:
            return None
        user, _, relation = tuple.user.partition("#")
        user_type, _, user_id = user.partition(":")
        if not self.plan.accepts[slot].allows(user_type, relation, user_id == WILDCARD, tuple.condition):
            return None
        object = self._intern(tuple.object)
        if relation:
            userset = self.node(self._intern(user), self.plan.slots[user_type, relation])
            return Place(True, self.node(object, slot), userset)
        return Place(False, self.node(object, slot), self._intern(user))

    def _known_place(self, tuple: Relationship) -> Place | None:
        """Find where a tuple would be, whether the model allows it or not. None: it cannot be in the graph."""
        slots = self.plan.slots
        user, _, relation = tuple.user.partition("#")
        slot, object = slots.get((tuple.object.partition(":")[0], tuple.relation)), self.number(tuple.object)
        number = self.number(user)
        if slot is None or object == UNKNOWN or number == UNKNOWN:
            return None
        if not relation:
            return Place(False, self.node(object, slot), number)
        user_slot = slots.get((user.partition(":")[0], relation))
        return None if user_slot is None else Place(True, self.node(object, slot), self.node(number, user_slot))

    def _intern(self, name: str) -> int:
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.names)
            type, _, id = name.partition(":")
            self._append(name, type)
            if id == WILDCARD:
                self.everybody[type] = number
        return number
