"""What if: a store's tuples with some added and some thought away, for one question."""

from __future__ import annotations

from collections.abc import Iterable

from keystead.authz.engine.graph import Graph
from keystead.authz.engine.overlay import Overlay
from keystead.storage.ports import Relationship


def supposed(graph: Graph, extra: Iterable[Relationship], without: Iterable[Relationship]) -> Graph:
    """Return the graph as it would be. The graph itself stays as it is; ask before the next `await`."""
    added, gone = tuple(extra), tuple(without)
    if not added and not gone:
        return graph
    over = Overlay(graph, added)
    for each in gone:
        over.discard(each)
    return over
