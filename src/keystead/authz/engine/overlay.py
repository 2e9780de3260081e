"""Tuples that count for one question only, laid over a graph without touching it.

What a contextual tuple says replaces what a stored tuple with the same object, relation and user says. The graph
below keeps its closures; the overlay uses them too, until one of its own tuples concerns a group.
Use one for a question and let go of it: it must not outlive the next change of the graph below.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterable, Iterator, Mapping, Set

from keystead.authz.engine.closures import Closures
from keystead.authz.engine.column import NOBODY, Cell, Column, Shape
from keystead.authz.engine.compiled import Checks
from keystead.authz.engine.graph import Graph, Place
from keystead.authz.engine.index import Index
from keystead.authz.engine.numbering import NameList, Numbering
from keystead.authz.engine.qualified import QualifiedIndex, Qualifier
from keystead.authz.engine.reverse import Reverse
from keystead.authz.engine.source import Look, Read
from keystead.storage.ports import Relationship


def overlaid(graph: Graph, tuples: Iterable[Relationship]) -> Graph:
    """Return a graph in which `tuples` count too; the graph itself when there are none."""
    tuples = tuple(tuples)
    return Overlay(graph, tuples) if tuples else graph


class Overlay(Graph):
    """A graph that reads through to another where it has nothing of its own. It is never written back.

    `add` and `discard` change what is laid over, never what is below.
    """

    def __init__(self, below: Graph, tuples: Iterable[Relationship]) -> None:
        self.plan = below.plan
        self.revision = below.revision
        self.below = below
        self.doorkeeper = below.doorkeeper
        self.overlay_sources = below.overlay_sources
        self.numbering = _MoreNumbering(below.numbering)
        self.qualified_users = _MoreQualified(below.qualified_users)
        self.qualified_usersets = _MoreQualified(below.qualified_usersets)
        self.qualified_slots = dict(below.qualified_slots)
        self.qualified_bits = below.qualified_bits
        self.columns = list(below.columns)
        self.closures = _MoreClosures(below.closures, self.numbering)
        self._dense = [[] for _ in self.numbering.names]
        self._reverse = None
        self._laid: list[Relationship] = []
        self._look()
        self.checks = Checks(self, below.overlay_sources)
        for each in tuples:
            self.add(each)

    def look(self, column: int) -> Look:
        """Say how compiled code may read a column: by asking it."""
        return Look(Read.CALL, single=False, empty=False)

    def reader(self, column: int) -> object:
        """Return what answers it."""
        return self.columns[column].cell

    def _turned_round(self) -> Reverse:
        reverse = _MoreReverse(self.below.reverse())
        for place in filter(None, map(self._known_place, self._laid)):
            index, node, value = self._qualified_place(place)
            plain = self.columns[place.column].at(place.object >> self.numbering.shift)
            if place.value in plain or value in index.at(node):
                reverse.put(*place)
            else:
                reverse.take(*place)
        return reverse

    def _add(self, tuple: Relationship) -> bool:
        self._laid.append(tuple)
        return super()._add(tuple)

    def _discard(self, tuple: Relationship) -> None:
        self._laid.append(tuple)
        super()._discard(tuple)

    def _put(self, place: Place) -> None:
        self._own(place.column)
        super()._put(place)

    def _take(self, place: Place) -> None:
        self._own(place.column)
        super()._take(place)

    def _own(self, column: int) -> None:
        """Lay a column of our own over the one below, before it changes."""
        if not isinstance(self.columns[column], _MoreCells):
            self.columns[column] = _MoreCells(self.columns[column])


class _MoreNumbering(Numbering):
    """New names get numbers that the graph below has not given away, and it never learns of them."""

    def __init__(self, below: Numbering) -> None:
        self.layout, self.shift, self.mask, self.types = below.layout, below.shift, below.mask, below.types
        self.numbers = ChainMap({}, below.numbers)
        self.names = [_MoreNames(names) for names in below.names]
        self.everybody = dict(below.everybody)
        self._starts = [len(names) for names in below.names]

    def is_new(self, number: int) -> bool:
        """Tell whether a number was given away here, and not below."""
        return number >= 0 and number >> self.shift >= self._starts[number & self.mask]


class _MoreNames:
    """A list that goes on where another ends."""

    def __init__(self, below: NameList) -> None:
        self._below = below
        self._start = len(below)
        self._more: list[str] = []

    def __len__(self) -> int:
        return self._start + len(self._more)

    def __getitem__(self, place: int) -> str:
        return self._below[place] if place < self._start else self._more[place - self._start]

    def __iter__(self) -> Iterator[str]:
        yield from self._below
        yield from self._more

    def append(self, name: str) -> None:
        """Add one at the end."""
        self._more.append(name)


class _MoreCells(Column):
    """A column with some cells of its own."""

    __slots__ = ("_below", "_own")

    def __init__(self, below: Column) -> None:
        super().__init__(below.door, (), _ignore)
        self.shape = Shape(empty=False, single=False)
        self._below = below
        self._own: dict[int, Cell] = {}

    def cell(self, place: int) -> Cell:
        """Return what is at a place."""
        own = self._own.get(place)
        return self._below.cell(place) if own is None else own

    def put(self, place: int, value: int) -> bool:
        """Add a number at a place, on top."""
        values = self.at(place)
        if value in values:
            return False
        self._own[place] = value if not values else {*values, value} if len(values) > 1 else (*values, value)
        return True

    def take(self, place: int, value: int) -> bool:
        """Remove a number from a place, on top."""
        values = self.at(place)
        if value not in values:
            return False
        rest = tuple(other for other in values if other != value)
        self._own[place] = rest if len(rest) > 1 else rest[0] if rest else NOBODY
        return True


class _MoreReverse(Reverse):
    """Columns turned round, copied where they change."""

    def __init__(self, below: Reverse) -> None:
        super().__init__(below.plan, list(below.columns), below.shift)

    def put(self, column: int, object: int, value: int) -> None:
        """A tuple of a column names `value` at `object`."""
        self._own(column)
        super().put(column, object, value)

    def take(self, column: int, object: int, value: int) -> None:
        """It does no longer."""
        self._own(column)
        super().take(column, object, value)

    def _own(self, column: int) -> None:
        if not isinstance(self.columns[column], _MoreCells):
            self.columns[column] = _MoreCells(self.columns[column])


class _MoreClosures(Closures):
    """The closures below, until a group changes; what is found for names below is kept below."""

    def __init__(self, below: Closures, numbering: _MoreNumbering) -> None:
        super().__init__(numbering)
        self._below = below
        self._is_new = numbering.is_new
        self.memberships, self.nested = _MoreIndex(below.memberships), _MoreIndex(below.nested)
        self._apart = False

    def of(self, user: int, everybody: int) -> Set[int] | None:
        """Return every group-like node a user is in, or None if they are too many."""
        if self._apart or self._is_new(user) or self._is_new(everybody):
            return super().of(user, everybody)
        return self._below.of(user, everybody)

    def _changed(self, value: int, *, is_userset: bool) -> None:
        self._apart = True
        super()._changed(value, is_userset=is_userset)


class _MoreIndex(Index):
    """An index that copies what it changes. Empty where something below was taken away."""

    def __init__(self, below: Index) -> None:
        super().__init__()
        self._below = below

    def at(self, key: int) -> Collection[int]:
        """Return what a key leads to."""
        values = super().get(key)
        return self._below.at(key) if values is None else values

    def add(self, key: int, value: int) -> None:
        """Let `key` lead to `value` too, on top."""
        self._own(key)
        super().add(key, value)

    def discard(self, key: int, value: int) -> None:
        """Let it no longer, on top."""
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
        """Return whom the qualified tuples of a node name."""
        named = super().get(node)
        return self._below.at(node) if named is None else named

    def put(self, node: int, value: int, qualifier: Qualifier) -> None:
        """Let `node` lead to `value`, sometimes, on top."""
        self[node] = {**self.at(node), value: qualifier}

    def take(self, node: int, value: int) -> bool:
        """Let it lead there no longer, on top."""
        named = self.at(node)
        if value not in named:
            return False
        self[node] = {other: when for other, when in named.items() if other != value}
        return True


def _ignore(_: Column) -> None:
    """Nothing is compiled for an overlay's own columns that would have to be forgotten."""
