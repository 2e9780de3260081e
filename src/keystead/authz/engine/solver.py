"""Decides a question by visiting each gate at most once, whatever the depth, with any mix of or, and, but not.

The gates reachable from the question form a circuit with loops. A depth-first walk on an explicit stack settles
everything outside loops on the way back (and stops looking as soon as a gate is decided); each strongly connected
component that is left over is settled as a whole by `keystead.authz.engine.loops`.

Semantics: the well-founded model. Going round in a circle proves nothing; what depends on its own negation is
undefined and counts as no. Time and memory are linear in the part of the graph that was looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from keystead.authz.engine.graph import Graph
from keystead.authz.engine.loops import settle_loop
from keystead.authz.engine.question import Question
from keystead.authz.engine.rules import AllOf, Also, AnyOf, ButNot, Named, Rule, Through
from keystead.authz.engine.vertex import Gate, Value, Vertex


class Solver:
    """One question being decided. `vertices` keeps every node that was looked at, for the explanation."""

    def __init__(self, graph: Graph, question: Question) -> None:
        self.graph = graph
        self.question = question
        self.vertices: dict[int, Vertex] = {}
        self.excluded: list[Vertex] = []
        self._component: list[Vertex] = []
        self._clock = 0

    def decide(self) -> Vertex:
        """Return the question's own vertex, settled."""
        root = self._at_node(self.question.object, self.question.slot)
        walk = [] if self._enter(root) else [root]
        while walk:
            vertex = walk[-1]
            child = next(vertex.children, None) if vertex.value is None else None
            if child is None:
                walk.pop()
                self._leave(vertex)
                if walk:
                    _hear(walk[-1], vertex)
            elif child.value is not None or child.order:
                _hear(vertex, child)
            elif self._enter(child):
                vertex.take(child)
            else:
                walk.append(child)
        return root

    def _enter(self, vertex: Vertex) -> bool:
        """Look at a gate for the first time: find out what it depends on, unless a tuple settles it (answer: True)."""
        if vertex.node >= 0 and vertex.node == self.question.userset:
            vertex.value = Value.TRUE
            return True
        rule = vertex.rule
        if (
            isinstance(rule, Named)
            and vertex.gate is Gate.ANY
            and self._is_named(self.graph.node(vertex.object, rule.slot))
        ):
            vertex.value = Value.TRUE
            return True
        self._clock += 1
        vertex.order = vertex.low = self._clock
        if vertex.gate is Gate.ANY:
            vertex.children = self._children(vertex)
        else:
            vertex.parts = self._parts(vertex)
            vertex.children = iter(vertex.parts)
        self._component.append(vertex)
        return False

    def _leave(self, vertex: Vertex) -> None:
        vertex.conclude()
        if vertex.low != vertex.order:
            return
        members: list[Vertex] = []
        while not members or members[-1] is not vertex:
            members.append(self._component.pop())
        unsettled = [member for member in members if member.value is None]
        if unsettled:
            settle_loop(unsettled)
        for member in members:
            member.low = 0
            if member.gate is Gate.ALL and member.because is not None and member.because.gate is Gate.NOT:
                self.excluded.append(member.because)

    def _is_named(self, node: int) -> bool:
        named = self.graph.users.at(node)
        return self.question.user in named or self.question.everybody in named

    def _parts(self, vertex: Vertex) -> tuple[Vertex, ...]:
        object, rule = vertex.object, vertex.rule
        if vertex.gate is Gate.NOT:
            return (self._at(object, rule),)
        if isinstance(rule, ButNot):
            return (self._at(object, rule.base), Vertex(Gate.NOT, object, rule.subtract))
        return tuple(self._at(object, part) for part in rule.parts) if isinstance(rule, AllOf) else ()

    def _children(self, vertex: Vertex) -> Iterator[Vertex]:
        graph, object, rule = self.graph, vertex.object, vertex.rule
        if isinstance(rule, AnyOf):
            return (self._at(object, part) for part in rule.parts)
        if isinstance(rule, Also):
            return iter((self._at_node(object, rule.slot),))
        if isinstance(rule, Through):
            parents = graph.users.at(graph.node(object, rule.tupleset))
            targets = ((parent, rule.targets.get(graph.types[parent])) for parent in parents)
            return (self._at_node(parent, slot) for parent, slot in targets if slot is not None)
        if isinstance(rule, Named):
            width, usersets = graph.plan.width, graph.usersets.at(graph.node(object, rule.slot))
            return (self._at_node(*divmod(userset, width)) for userset in usersets)
        return iter(())

    def _at(self, object: int, rule: Rule) -> Vertex:
        """Return the gate of a rule at an object. A name of another relation is that relation's own vertex."""
        if isinstance(rule, Also):
            return self._at_node(object, rule.slot)
        return Vertex(_gate(rule), object, rule)

    def _at_node(self, object: int, slot: int) -> Vertex:
        node = self.graph.node(object, slot)
        vertex = self.vertices.get(node)
        if vertex is None:
            rule = self.graph.plan.rules[slot]
            vertex = self.vertices[node] = Vertex(_gate(rule), object, rule, node)
        return vertex


def _gate(rule: Rule) -> Gate:
    return Gate.ALL if isinstance(rule, AllOf | ButNot) else Gate.ANY


def _hear(parent: Vertex, child: Vertex) -> None:
    """Pass on what is known of a child that has been visited."""
    if child.low:
        parent.low = min(parent.low, child.low)
    if child.value is not None:
        if parent.value is None:
            parent.take(child)
    else:
        parent.waiting.append(child)
