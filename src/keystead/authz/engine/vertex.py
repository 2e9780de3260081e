"""A gate of the circuit that answers one question: true if any, all, or not, of what it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from keystead.authz.engine.rules import Rule


class Value(Enum):
    """What a gate can turn out to be. `UNDEFINED`: it depends on its own negation; it counts as no."""

    TRUE = "true"
    FALSE = "false"
    UNDEFINED = "undefined"


class Gate(Enum):
    """How a gate combines what it depends on."""

    ANY = "any"
    ALL = "all"
    NOT = "not"


class Vertex:
    """One gate. It stands for a rule at an object, or for a node (then `node` is not -1).

    `value` is None until it is settled; `because` is the child that settled it, when one alone did. `waiting` holds
    the children that were not settled when looked at; `parts` the operands of `and` and `not`. `order` and `low`
    are Tarjan's numbers; 0: not visited, or done.
    """

    __slots__ = (
        "because",
        "blurred",
        "children",
        "gate",
        "low",
        "node",
        "object",
        "order",
        "parts",
        "rule",
        "value",
        "waiting",
    )

    def __init__(self, gate: Gate, object: int, rule: Rule, node: int = -1) -> None:
        self.gate = gate
        self.object = object
        self.rule = rule
        self.node = node
        self.children: Iterator[Vertex] = iter(())
        self.parts: tuple[Vertex, ...] = ()
        self.value: Value | None = None
        self.because: Vertex | None = None
        self.waiting: list[Vertex] = []
        self.blurred = False
        self.order = 0
        self.low = 0

    def take(self, child: Vertex) -> bool:
        """Learn a settled child's value, and settle if that decides. Answer: whether it did."""
        value = child.value
        if self.gate is Gate.ANY:
            decided = value is Value.TRUE
        elif self.gate is Gate.ALL:
            decided = value is Value.FALSE
        else:
            decided = value is not Value.UNDEFINED
            value = Value.FALSE if value is Value.TRUE else Value.TRUE if decided else value
        if decided:
            self.value = value
            self.because = child
        elif value is Value.UNDEFINED:
            self.blurred = True
        return decided

    def conclude(self) -> None:
        """Settle when every child has been looked at and none is waited for."""
        if self.value is None and not self.waiting:
            exhausted = Value.FALSE if self.gate is Gate.ANY else Value.TRUE
            self.value = Value.UNDEFINED if self.blurred else exhausted
