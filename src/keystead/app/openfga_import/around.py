"""Reads from a server just the tuples that can matter to one question, and asks it here, so that the answer says why.

Flow: the tuples of the question's object, then of every object these name, and so on; objects that no question goes on
from (people) are not read.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from keystead.app.openfga_import.client import AuthorizationServer, ServerRefused
from keystead.app.openfga_import.tuples import tuple_of
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.plan import Plan, compile_model
from keystead.authz.served.model_documents import read_document
from keystead.storage.ports import Relationship

MOST_OBJECTS = 10_000


async def graph_around(
    server: AuthorizationServer, store: str, model: str, object: str, extra: Iterable[Relationship]
) -> Graph:
    """Return a graph of everything that leads on from an object. Raises: ServerRefused, ModelError."""
    document = await server.model(store, model)
    plan = compile_model(read_document(msgspec.json.encode(document)))
    graph = Graph(plan)
    added = tuple(extra)
    walk, seen = [object], {object}
    for supposed in added:
        _go_on(plan, supposed.object, walk, seen)
        _go_on(plan, supposed.user, walk, seen)
    for name in walk:
        if len(seen) > MOST_OBJECTS:
            raise ServerRefused(
                f"more than {MOST_OBJECTS:,} objects lead on from {object}: ask beside the tuples, with --database"
            )
        after = ""
        while True:
            page, after = await server.read(store, after, name)
            for each in page:
                found = tuple_of(each["key"])
                graph.add(found)
                _go_on(plan, found.user, walk, seen)
            if not after:
                break
    return graph


def _go_on(plan: Plan, user: str, walk: list[str], seen: set[str]) -> None:
    """Remember to read an object that tuples can lead on from."""
    name = user.partition("#")[0]
    type = name.partition(":")[0]
    if name not in seen and not name.endswith(":*") and any(known == type for known, _ in plan.slots):
        seen.add(name)
        walk.append(name)
