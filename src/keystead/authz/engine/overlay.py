"""Tuples that count for one question only, laid over a graph without touching it.

What a contextual tuple says replaces what a stored tuple with the same object, relation and user says. The graph
below keeps its closures; the overlay uses them too, until one of its own tuples concerns a group.
Use one for a question and let go of it: it must not outlive the next change of the graph below.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import overload

from keystead.authz.engine.graph import Graph
from keystead.authz.engine.index import Index
from keystead.authz.engine.qualified import QualifiedIndex, Qualifier
from keystead.storage.ports import Relationship


def overlaid(graph: Graph, tuples: Iterable[Relationship]) -> Graph:
    """Return a graph in which `tuples` count too; the graph itself when there are none."""
    tuples = tuple(tuples)
    return Overlay(graph, tuples) if tuples else graph


class Overlay(Graph):
    """A graph that reads through to another where it has nothing of its own. It is never written back."""

    def __init__(self, below: Graph, tuples: Iterable[Relationship]) -> None:
        super().__init__(below.plan)
        self._below = below
        self._laid = tuple(tuples)
        self.revision = below.revision
        self.names = self._names = _MoreNames(below.names)
        self.types = self._types = _MoreNames(below.types)
        self.numbers, self.everybody = ChainMap({}, below.numbers), dict(below.everybody)
        self.users, self.usersets = _MoreIndex(below.users), _MoreIndex(below.usersets)
        self.qualified_users = _MoreQualified(below.qualified_users)
        self.qualified_usersets = _MoreQualified(below.qualified_usersets)
        self.qualified_slots, self._qualified_bits = dict(below.qualified_slots), below._qualified_bits
        self.memberships, self.nested = _MoreIndex(below.memberships), _MoreIndex(below.nested)
        self.closures = below.closures
        for each in self._laid:
            self.add(each)

    def remember(self, who: tuple[int, int], groups: Set[int]) -> None:
        """Keep which groups somebody is in; below only if the graph below knows them by the same numbers."""
        if self.closures is not self._below.closures:
            super().remember(who, groups)
        elif max(who) < len(self._below.names):
            self._below.remember(who, groups)

    def index_backwards(self) -> None:
        """Index by whom tuples name: the graph below once, and what is laid over it."""
        if self._backwards:
            return
        self._below.index_backwards()
        self.named_in, self.userset_in = _MoreIndex(self._below.named_in), _MoreIndex(self._below.userset_in)
        self._backwards = True
        for place in filter(None, map(self._known_place, self._laid)):
            back = self.userset_in if place.is_userset else self.named_in
            indexes = (self._index(place), self._qualified_index(place))
            if any(place.value in index.at(place.node) for index in indexes):
                back.add(place.value, place.node)
            else:
                back.discard(place.value, place.node)

    def _append(self, name: str, type: str) -> None:
        self._names.append(name)
        self._types.append(type)

    def _forget_closures(self) -> None:
        if self.closures is self._below.closures:
            self.closures = {}
        self.closures.clear()


class _MoreNames(Sequence[str]):
    """A list that goes on where another ends."""

    def __init__(self, below: Sequence[str]) -> None:
        self._below = below
        self._start = len(below)
        self._more: list[str] = []

    def __len__(self) -> int:
        return self._start + len(self._more)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        return self._below[place] if place < self._start else self._more[place - self._start]

    def append(self, name: str) -> None:
        self._more.append(name)


class _MoreIndex(Index):
    """An index that copies what it changes. Empty where something below was taken away."""

    def __init__(self, below: Index) -> None:
        super().__init__()
        self._below = below

    def get(self, key: int, default: Collection[int] | None = None) -> Collection[int] | None:  # type: ignore[override]  # `dict` says it in overloads
        values = super().get(key)
        return self._below.get(key, default) if values is None else values

    def at(self, key: int) -> Collection[int]:
        values = super().get(key)
        return self._below.at(key) if values is None else values

    def add(self, key: int, value: int) -> None:
        self._own(key)
        super().add(key, value)

    def discard(self, key: int, value: int) -> None:
        if value in self._own(key):
            self[key] = tuple(other for other in self[key] if other != value)

    def _own(self, key: int) -> Collection[int]:
        if key not in self:
            values = self._below.at(key)
            self[key] = set(values) if isinstance(values, set) else tuple(values)
        return self[key]


class _MoreQualified(QualifiedIndex):
    """The same for qualified tuples."""

    def __init__(self, below: QualifiedIndex) -> None:
        super().__init__()
        self._below = below

    def at(self, node: int) -> Mapping[int, Qualifier]:
        named = super().get(node)
        return self._below.at(node) if named is None else named

    def put(self, node: int, value: int, qualifier: Qualifier) -> None:
        self[node] = {**self.at(node), value: qualifier}

    def take(self, node: int, value: int) -> bool:
        named = self.at(node)
        if value not in named:
            return False
        self[node] = {other: when for other, when in named.items() if other != value}
        return True
