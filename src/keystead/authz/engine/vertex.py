"""A gate of the circuit that answers one question: true if any, all, or not, of what it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from keystead.authz.engine.doubt import Doubt
from keystead.authz.engine.rules import Rule


class Value(Enum):
    """What a gate can turn out to be.

    `UNDEFINED`: it depends on its own negation, or on something that could not be decided; a no, or a conditional.
    """

    TRUE = "true"
    FALSE = "false"
    UNDEFINED = "undefined"


class Gate(Enum):
    """How a gate combines what it depends on."""

    ANY = "any"
    ALL = "all"
    NOT = "not"


class Reading(Enum):
    """What to take a doubt for: undefined; or, when the two bounds of an answer are wanted, false and true.

    Below a `not` the bounds change places.
    """

    OPEN = "open"
    LOWER = "lower"
    UPPER = "upper"

    def turned(self) -> Reading:
        """Return the reading below a `not`."""
        return {Reading.LOWER: Reading.UPPER, Reading.UPPER: Reading.LOWER}.get(self, self)


class Vertex:
    """One gate. It stands for a rule at an object, or for a node (then `node` is not -1).

    `value` is None until it is settled; `because` is the child that settled it, when one alone did. `waiting` holds
    the children that were not settled when looked at; `blurs` those that turned out undefined; `parts` the operands
    of `and` and `not`. `doubts` are what could not be decided at this very gate. `hops` counts usersets and parents
    between the question and this gate, the way it was found. `order` and `low` are Tarjan's numbers; 0: not visited,
    or done.
    """

    __slots__ = (
        "because",
        "blurs",
        "children",
        "doubts",
        "gate",
        "hops",
        "low",
        "node",
        "object",
        "order",
        "parts",
        "reading",
        "rule",
        "value",
        "waiting",
    )

    def __init__(self, gate: Gate, object: int, rule: Rule, hops: int, reading: Reading, node: int = -1) -> None:
        self.gate = gate
        self.object = object
        self.rule = rule
        self.node = node
        self.hops = hops
        self.reading = reading
        self.children: Iterator[Vertex] = iter(())
        self.parts: tuple[Vertex, ...] = ()
        self.value: Value | None = None
        self.because: Vertex | None = None
        self.waiting: list[Vertex] = []
        self.blurs: list[Vertex] = []
        self.doubts: tuple[Doubt, ...] = ()
        self.order = 0
        self.low = 0

    @property
    def blurred(self) -> bool:
        """Whether something it depends on is undefined."""
        return bool(self.blurs or self.doubts)

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
            self.blurs.append(child)
        return decided

    def doubt(self, doubt: Doubt) -> bool:
        """Learn that something that would make this gate true could not be decided. Answer: whether that settles it."""
        if self.reading is Reading.UPPER:
            self.value = Value.TRUE
        elif self.reading is Reading.OPEN:
            self.doubts += (doubt,)
        return self.value is not None

    def conclude(self) -> None:
        """Settle when every child has been looked at and none is waited for."""
        if self.value is None and not self.waiting:
            exhausted = Value.FALSE if self.gate is Gate.ANY else Value.TRUE
            self.value = Value.UNDEFINED if self.blurred else exhausted


def doubtful_under(root: Vertex) -> tuple[Vertex, ...]:
    """Return the gates with doubts of their own that an undefined gate hangs on, nearest first."""
    found: list[Vertex] = []
    walk, seen = [root], {root}
    for vertex in walk:
        if vertex.doubts:
            found.append(vertex)
        for child in (*vertex.blurs, *vertex.waiting):
            if child.value is Value.UNDEFINED and child not in seen:
                seen.add(child)
                walk.append(child)
    return tuple(found)
