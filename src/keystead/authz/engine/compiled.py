"""The checks of a graph as compiled code: made when first asked for, forgotten when what they rely on changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Set
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from keystead.authz.engine.column import Cell
from keystead.authz.engine.doubtful import asked, decided
from keystead.authz.engine.layers import Spent, write_layers
from keystead.authz.engine.numbering import UNKNOWN
from keystead.authz.engine.reach import reaches
from keystead.authz.engine.source import Source, write_check

if TYPE_CHECKING:
    from keystead.authz.engine.graph import Graph

Check = Callable[[int, int], bool | None]
"""(number of an object, number of a user) -> whether the user has the relation. None: ask the solver."""
_SHARED: Final = 512
"""Sources kept compiled for other graphs under the same plan, by their text."""


class Checks(dict[tuple[str, int, int], Check | None]):
    """(relation, kind of object, kind of user) -> its check. None: no code can say; ask the solver.

    Only relations the model has are ever kept, so that no question makes it grow for good.
    """

    def __init__(self, graph: Graph, sources: dict[tuple[int, int], Source | None] | None = None) -> None:
        super().__init__()
        self._graph = graph
        self._sources = sources
        """Where to look for sources first: those of overlays are all the same, and outlive them."""

    def forget(self) -> None:
        """Make everything anew from here on."""
        self.clear()

    def __missing__(self, key: tuple[str, int, int]) -> Check | None:
        """Compile a check."""
        graph, (relation, object_kind, kind) = self._graph, key
        types = graph.plan.layout.types
        if object_kind >= len(types) or kind >= len(types):
            return None  # a wildcard asks or is asked about: that takes care
        slot = graph.plan.slots.get((types[object_kind], relation))
        if slot is None:
            return None
        is_overlay = self._sources is not None
        self[key] = check = None if is_overlay and graph.qualified_below(slot) else self._compile(slot, kind)
        return check

    def _compile(self, slot: int, kind: int) -> Check | None:
        source = self._source(slot, kind)
        if source is None:
            return None
        if self._graph.plan.shortcuts.has[slot]:
            return bind(self._graph, source, slot, kind)
        return bind_layers(self._graph, source, kind, [self._plain(each, kind) for each in source.plain])

    def _source(self, slot: int, kind: int) -> Source | None:
        graph, sources = self._graph, self._sources
        write = write_check if graph.plan.shortcuts.has[slot] else write_layers
        if sources is None:
            return write(graph.plan, slot, kind, graph.look, graph.qualified_bits)
        if (slot, kind) not in sources:
            sources[slot, kind] = write(graph.plan, slot, kind, graph.look)
        return sources[slot, kind]

    def _plain(self, slot: int, kind: int) -> Check:
        """Return the check of a slot made of unions, for others to call."""
        type, relation = self._graph.plan.names[slot]
        check = self[relation, self._graph.plan.layout.kinds[type], kind]
        check = _give_up(self._graph, slot, kind) if check is None else check
        return decided(check, Spent) if self._graph.qualified_below(slot) else check


def bind(graph: Graph, source: Source, slot: int, kind: int) -> Check:
    """Let compiled source read the columns of a graph."""
    type, width, closures = graph.plan.layout.types[kind], graph.plan.width, graph.closures

    def climb(user: int) -> Set[int] | None:
        return closures.of(max(user, UNKNOWN), graph.everybody.get(type, UNKNOWN))

    def meet(named: Collection[int], slot: int, groups: Set[int]) -> bool:
        if len(named) <= len(groups):
            return any(each * width + slot in groups for each in named)
        return any(group % width == slot and group // width in named for group in groups)

    readers = [graph.reader(column) for column in source.columns]
    give_up = _give_up(graph, slot, kind)
    check: Check = _code(source.text)(closures.kept.get, climb, meet, give_up, *asked(graph, kind), *readers)
    return check


def bind_layers(graph: Graph, source: Source, kind: int, plain: list[Check]) -> Check:
    """Let compiled source of a rule with `and` or `but not` read the columns of a graph."""
    readers = [graph.reader(column) for column in source.columns]
    check: Check = _code(source.text)(left := [0], Spent, _has, _leads(left), *asked(graph, kind), *readers, *plain)
    return check


def _give_up(graph: Graph, slot: int, kind: int) -> Check:
    type, width = graph.plan.layout.types[kind], graph.plan.width

    def reach(object: int, user: int) -> bool | None:
        found = reaches(graph, max(user, UNKNOWN), graph.everybody.get(type, UNKNOWN), object * width + slot)
        return None if not found and graph.qualified_below(slot) else found

    return reach


def _has(cell: Cell, user: int) -> bool:
    """Tell whether a cell that may hold several names a user."""
    return cell == user or (not isinstance(cell, int) and user in cell)


def _leads(left: list[int]) -> Callable[[Cell, Check, int], bool | None]:
    """Return what tells whether the user has something at any of the objects in a cell.

    Each object is a call of those that are `left`: what is behind one is looked at again behind the next.
    """

    def leads(cell: Cell, check: Check, user: int) -> bool | None:
        if isinstance(cell, int):
            return cell >= 0 and check(cell, user)
        left[0] -= len(cell)
        if left[0] < 0:
            raise Spent
        return any(check(each, user) for each in cell)

    return leads


@lru_cache(maxsize=_SHARED)
def _code(text: str) -> Callable[..., Check]:
    """Compile a source. Nothing a user or a model said is in it, save in comments, as literals."""
    space: dict[str, Callable[..., Check]] = {}
    exec(compile(text, "<compiled check>", "exec"), {}, space)  # noqa: S102  # our own source, see the module's text
    return space["bind"]
