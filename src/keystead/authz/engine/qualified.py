"""Tuples that count only sometimes: under a condition, or until a moment. Kept apart, so that the others stay fast."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from keystead.authz.conditions import Condition
from keystead.storage.ports import Relationship

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


class Qualifier(msgspec.Struct, frozen=True):
    """When a tuple counts: while its condition holds with what is stored beside it, and before `expires_at`.

    `condition` is empty when there is none, `expires_at` is 0 when it never expires. `context` is what the tuple
    brings along for the condition's parameters, cast to their types; `text` the same as it is stored.
    """

    condition: str = ""
    context: Mapping[str, object] = _NOTHING
    expires_at: int = 0
    text: str = ""

    def written(self) -> dict[str, object]:
        """Return what the tuple brings along as somebody wrote it, for a reader."""
        return msgspec.json.decode(self.text, type=dict[str, object]) if self.text else {}


def qualifier_of(tuple: Relationship, conditions: Mapping[str, Condition]) -> Qualifier | None:
    """Return when a tuple counts. None: always. What it stores is cast here, once, and not at every question."""
    if not tuple.condition and not tuple.expires_at:
        return None
    context: Mapping[str, object] = _NOTHING
    if tuple.context:
        stored = msgspec.json.decode(tuple.context, type=dict[str, object])
        condition = conditions.get(tuple.condition)
        context = stored if condition is None else condition.prepare(stored)
    return Qualifier(tuple.condition, context, tuple.expires_at, tuple.context)


class QualifiedIndex(dict[int, dict[int, Qualifier]]):
    """Node -> whom its qualified tuples name (a user's number, or a userset's node) -> when that counts."""

    def at(self, node: int) -> Mapping[int, Qualifier]:
        """Return whom the qualified tuples of a node name, perhaps nobody."""
        return self.get(node, _NOBODY)

    def put(self, node: int, value: int, qualifier: Qualifier) -> None:
        """Let `node` lead to `value`, sometimes."""
        self.setdefault(node, {})[value] = qualifier

    def take(self, node: int, value: int) -> bool:
        """Let it lead there no longer. Answer: whether it did."""
        named = self.get(node)
        if named is None or named.pop(value, None) is None:
            return False
        if not named:
            del self[node]
        return True


_NOBODY: Final[Mapping[int, Qualifier]] = MappingProxyType({})
