"""What one process keeps of served stores: replicas by model, the least used forgotten first.

Flow: `known` says what a store is and how long ago that was read; `replica` holds its tuples under one model.
Does not: read the store; `stores` does, and says when.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

import msgspec

from keystead.authz.engine.graph import Graph
from keystead.authz.engine.plan import Plan
from keystead.authz.model import AuthorizationModel
from keystead.authz.replica import Replica
from keystead.core.records.authorization import AuthorizationStore

V = TypeVar("V")


class Opened(msgspec.Struct, frozen=True):
    """A store under one of its models, ready for questions: `graph` is at the revision the caller asked for.

    Ask before the next `await`, or `hold` it: whoever comes in between may move the graph on.
    """

    store: AuthorizationStore
    model_id: str
    graph: Graph
    replica: Replica

    def hold(self) -> object:
        """Keep the graph as it is, while what this returns is kept. To be called before the next `await`."""
        return self.replica.hold(self.graph)

    @property
    def plan(self) -> Plan:
        """The model, compiled."""
        return self.graph.plan

    @property
    def model(self) -> AuthorizationModel:
        """The model."""
        return self.graph.plan.model

    @property
    def revision(self) -> int:
        """The state of the tuples."""
        return self.graph.revision


class Known(msgspec.Struct):
    """A store as it was when this process last looked. `version` is the backend's, where it can tell."""

    store: AuthorizationStore
    looked_at: float
    version: int = 0


class Kept(Generic[V]):
    """A bounded mapping that forgets what was not asked for the longest."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._values: OrderedDict[tuple[str, ...], V] = OrderedDict()

    def get(self, key: tuple[str, ...]) -> V | None:
        """Return a value and remember that it was asked for."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def keep(self, key: tuple[str, ...], value: V) -> V:
        """Keep a value, and forget the least used beyond the bound."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._largest:
            self._values.popitem(last=False)
        return value

    def forget(self, *beginning: str) -> None:
        """Forget every key that begins so."""
        for key in [key for key in self._values if key[: len(beginning)] == beginning]:
            del self._values[key]

    def under(self, *beginning: str) -> list[V]:
        """Return every value whose key begins so."""
        return [value for key, value in self._values.items() if key[: len(beginning)] == beginning]

    def __len__(self) -> int:
        """Count what is kept."""
        return len(self._values)
