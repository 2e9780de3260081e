"""The tuples of one store under one plan, interned and indexed for walking from an object to its users.

Tuples that the model would refuse today are left out, so that narrowing a model takes rights away at once.
Objects get numbers when a tuple first names them; asking about an unknown object does not make it known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from typing import Final

from keystead.authz.engine.index import Index
from keystead.authz.engine.plan import Plan
from keystead.authz.names import WILDCARD
from keystead.storage.ports import Relationship, RelationshipChange

UNKNOWN: Final = -1
MAX_CLOSURES: Final = 10_000


class Graph:
    """Tuples at `revision`. Mutable, not thread-safe: whoever owns it decides when it moves on."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.revision = 0
        self.names: list[str] = []
        self.types: list[str] = []
        self.users = Index()
        """node -> numbers of the objects and wildcards that tuples name."""
        self.usersets = Index()
        """node -> nodes that tuples name."""
        self.memberships = Index()
        """The way up: number of a user -> group-like nodes that a tuple puts it in."""
        self.nested = Index()
        """The way up: node -> group-like nodes that a tuple puts it in."""
        self.named_in = Index()
        """Number of a user -> nodes whose tuples name it. Kept from the first call of `index_backwards`."""
        self.userset_in = Index()
        """Node -> nodes whose tuples name it as a userset. Likewise."""
        self._backwards = False
        self.closures: dict[tuple[int, int], Set[int]] = {}
        """(user, everybody) -> every group-like node they are in. Emptied when any tuple of such a node changes."""
        self.everybody: dict[str, int] = {}
        """type -> number of its wildcard, once a tuple names it."""
        self.numbers: dict[str, int] = {}
        """Name of an object or wildcard -> its number. Read it through `number`, save where time is short."""

    def number(self, name: str) -> int:
        """Return the number of an object or wildcard, `UNKNOWN` if no tuple names it."""
        return self.numbers.get(name, UNKNOWN)

    def node(self, object: int, slot: int) -> int:
        """Encode one relation of one object."""
        return object * len(self.plan.names) + slot

    def remember(self, who: tuple[int, int], groups: Set[int]) -> None:
        """Keep which groups somebody is in, until a group changes."""
        if len(self.closures) >= MAX_CLOSURES:
            self.closures.clear()
        self.closures[who] = groups

    def add(self, tuple: Relationship) -> bool:
        """Take a tuple in, unless the model refuses it. Answer: whether it was taken."""
        place = self._place(tuple)
        if place is None:
            return False
        index, node, value = place
        index.add(node, value)
        if self._backwards:
            self._back(index).add(value, node)
        way_up = self.memberships if index is self.users else self.nested
        for offset in self.plan.shortcuts.gives[node % self.plan.width]:
            way_up.add(value, node + offset)
            self.closures.clear()
        return True

    def discard(self, tuple: Relationship) -> None:
        """Take a tuple out."""
        place = self._place(tuple)
        if place is not None:
            index, node, value = place
            index.discard(node, value)
            if self._backwards:
                self._back(index).discard(value, node)
            self._discard_way_up(index, node, value)

    @contextmanager
    def extended(self, tuples: Iterable[Relationship]) -> Iterator[None]:
        """Let tuples count for the questions asked inside the `with`, and leave nothing of them behind.

        Ask and leave without suspending: nobody else may see the graph meanwhile.
        """
        known = len(self.names)
        added: list[Relationship] = []
        try:
            added.extend(each for each in tuples if not self.holds(each) and self.add(each))
            yield
        finally:
            if added:
                self._take_back(added, known)

    def _take_back(self, added: Iterable[Relationship], known: int) -> None:
        """Undo `add`, and forget the names it brought."""
        for each in added:
            self.discard(each)
        for number in range(known, len(self.names)):
            del self.numbers[self.names[number]]
            if self.everybody.get(self.types[number]) == number:
                del self.everybody[self.types[number]]
        del self.names[known:], self.types[known:]
        self.closures.clear()

    def holds(self, tuple: Relationship) -> bool:
        """Tell whether this very tuple is in the graph."""
        place = self._place(tuple)
        return place is not None and place[2] in place[0].at(place[1])

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
        for index in (self.users, self.usersets):
            back = self._back(index)
            for node, values in index.items():
                for value in values:
                    back.add(value, node)

    def _back(self, index: Index) -> Index:
        return self.named_in if index is self.users else self.userset_in

    def _discard_way_up(self, index: Index, node: int, value: int) -> None:
        """Forget that a tuple put the value in groups, save those that another tuple still puts it in."""
        shortcuts, width = self.plan.shortcuts, self.plan.width
        way_up = self.memberships if index is self.users else self.nested
        for offset in shortcuts.gives[node % width]:
            group = node + offset
            self.closures.clear()
            if not any(value in index.at(group + look) for look in shortcuts.steps[group % width][0]):
                way_up.discard(value, group)

    def _place(self, tuple: Relationship) -> tuple[Index, int, int] | None:
        """Find where a tuple belongs: which index, under which node, as what value. None: the model refuses it."""
        type = tuple.object.partition(":")[0]
        slot = self.plan.slots.get((type, tuple.relation))
        if slot is None or tuple.condition or tuple.expires_at:  # not served yet: never an unconditional yes
            return None
        accepts = self.plan.accepts[slot]
        user, _, relation = tuple.user.partition("#")
        user_type, _, user_id = user.partition(":")
        if not accepts.allows(user_type, relation, user_id == WILDCARD, tuple.condition):
            return None
        if relation:
            target = accepts.usersets[user_type, relation]
            return self.usersets, self.node(self._intern(tuple.object), slot), self.node(self._intern(user), target)
        return self.users, self.node(self._intern(tuple.object), slot), self._intern(user)

    def _intern(self, name: str) -> int:
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.names)
            self.names.append(name)
            type, _, id = name.partition(":")
            self.types.append(type)
            if id == WILDCARD:
                self.everybody[type] = number
        return number
