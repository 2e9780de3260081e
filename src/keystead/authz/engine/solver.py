"""Decides a question by visiting each gate at most once, whatever the depth, with any mix of or, and, but not.

The gates reachable from the question form a circuit with loops. A depth-first walk on an explicit stack settles
everything outside loops on the way back (and stops looking as soon as a gate is decided); each strongly connected
component that is left over is settled as a whole by `keystead.authz.engine.loops`.

Semantics: the well-founded model over Kleene's three values. Going round in a circle proves nothing; what depends on
its own negation, or on a condition that cannot be evaluated, is undefined. Time and memory are linear in the part of
the graph that was looked at.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Final

from keystead.authz.engine.allowance import EVERY
from keystead.authz.engine.doubt import Doubt, Judge
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.loops import settle_loop
from keystead.authz.engine.qualified import Qualifier
from keystead.authz.engine.question import Question
from keystead.authz.engine.rules import AllOf, Also, AnyOf, ButNot, Named, Rule, Through
from keystead.authz.engine.vertex import Gate, Reading, Value, Vertex

TOO_DEEP: Final = Doubt("authz.too_deep", "more usersets and parents lie between the two than `maximum_depth` allows")


class Solver:
    """One question being decided. `vertices` keeps every node that was looked at, for the explanation.

    `within`: the nodes that may be looked at, None for all; the others are in doubt. `contradictory` tells whether a
    loop with a negation was left undefined, `deepest` the most hops of any gate that was looked at.
    """

    def __init__(self, graph: Graph, question: Question, judge: Judge, within: Container[int] | None = None) -> None:
        self.graph = graph
        self.question = question
        self.judge = judge
        self.vertices: dict[int, Vertex] = {}
        self.excluded: list[Vertex] = []
        self.contradictory = False
        self.deepest = 0
        self.within = within
        self._lower: dict[int, Vertex] = {}
        self._upper: dict[int, Vertex] = {}
        self._component: list[Vertex] = []
        self._clock = 0

    def decide(self, reading: Reading = Reading.OPEN) -> Vertex:
        """Return the question's own vertex, settled."""
        root = self._at_node(self.question.object, self.question.slot, 0, reading)
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
        if vertex.node >= 0:
            self.deepest = max(self.deepest, vertex.hops)
            if vertex.node == self.question.userset:
                vertex.value = Value.TRUE
                return True
        rule = vertex.rule
        if isinstance(rule, Named) and vertex.gate is Gate.ANY and self._is_named(vertex, rule):
            vertex.value = Value.TRUE
            return True
        self._clock += 1
        if not self._clock % EVERY:
            self.judge.spend()
        vertex.order = vertex.low = self._clock
        if vertex.gate is Gate.ANY:
            vertex.children = self._children(vertex)
        else:
            vertex.parts = vertex.parts or self._parts(vertex)
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
        if unsettled and settle_loop(unsettled):
            self.contradictory = True
        for member in members:
            member.low = 0
            if member.gate is Gate.ALL and member.because is not None and member.because.gate is Gate.NOT:
                self.excluded.append(member.because)

    def _is_named(self, vertex: Vertex, rule: Named) -> bool:
        """Tell whether a tuple names the user, and note those of which it is not known whether they count."""
        node = self.graph.node(vertex.object, rule.slot)
        named, who = self.graph.users.at(node), (self.question.user, self.question.everybody)
        if who[0] in named or who[1] in named:
            return True
        qualified = self.graph.qualified_users.at(node)
        verdicts = [self.judge.counts(qualified[each]) for each in who if each in qualified]
        doubts = [verdict for verdict in verdicts if isinstance(verdict, Doubt)]
        return True in verdicts or any(vertex.doubt(doubt) for doubt in doubts)

    def _parts(self, vertex: Vertex) -> tuple[Vertex, ...]:
        rule = vertex.rule
        if vertex.gate is Gate.NOT:
            return (self._at(vertex, rule),)
        if isinstance(rule, ButNot):
            negated = Vertex(Gate.NOT, vertex.object, rule.subtract, vertex.hops, vertex.reading.turned())
            return (self._at(vertex, rule.base), negated)
        return tuple(self._at(vertex, part) for part in rule.parts) if isinstance(rule, AllOf) else ()

    def _children(self, vertex: Vertex) -> Iterator[Vertex]:
        rule = vertex.rule
        if isinstance(rule, AnyOf):
            return (self._at(vertex, part) for part in rule.parts)
        if isinstance(rule, Also):
            return iter((self._at_node(vertex.object, rule.slot, vertex.hops, vertex.reading),))
        if isinstance(rule, Through):
            return self._parents(vertex, rule)
        if isinstance(rule, Named):
            return self._usersets(vertex, rule)
        return iter(())

    def _parents(self, vertex: Vertex, rule: Through) -> Iterator[Vertex]:
        graph, node = self.graph, self.graph.node(vertex.object, rule.tupleset)
        for parent in graph.users.at(node):
            slot = rule.targets.get(graph.types[parent])
            if slot is not None:
                yield self._at_node(parent, slot, vertex.hops + 1, vertex.reading)
        for parent, doubt in self._counting(vertex, graph.qualified_users.at(node)):
            slot = rule.targets.get(graph.types[parent])
            if slot is not None:
                child = self._at_node(parent, slot, vertex.hops + 1, vertex.reading)
                yield child if doubt is None else self._both(vertex, child, doubt)

    def _usersets(self, vertex: Vertex, rule: Named) -> Iterator[Vertex]:
        graph, node = self.graph, self.graph.node(vertex.object, rule.slot)
        for userset in graph.usersets.at(node):
            yield self._member(vertex, userset)
        for userset, doubt in self._counting(vertex, graph.qualified_usersets.at(node)):
            child = self._member(vertex, userset)
            yield child if doubt is None else self._both(vertex, child, doubt)

    def _member(self, vertex: Vertex, userset: int) -> Vertex:
        """Return the gate of a userset that a tuple names. The very userset that asks is no step away."""
        object, slot = divmod(userset, self.graph.plan.width)
        if userset != self.question.userset:
            return self._at_node(object, slot, vertex.hops + 1, vertex.reading)
        child = Vertex(Gate.ANY, object, self.graph.plan.rules[slot], vertex.hops, vertex.reading, userset)
        child.value = Value.TRUE
        return child

    def _counting(self, vertex: Vertex, named: Mapping[int, Qualifier]) -> Iterator[tuple[int, Doubt | None]]:
        """Yield whom qualified tuples name, unless they do not count, with the doubt if nobody knows."""
        for who, qualifier in named.items():
            verdict = self.judge.counts(qualifier)
            if verdict is True or (isinstance(verdict, Doubt) and vertex.reading is Reading.UPPER):
                yield who, None
            elif isinstance(verdict, Doubt) and vertex.reading is Reading.OPEN:
                yield who, verdict

    def _both(self, vertex: Vertex, child: Vertex, doubt: Doubt) -> Vertex:
        """Return a gate that is no better than the doubt, and no better than what the tuple leads to."""
        both = Vertex(Gate.ALL, vertex.object, vertex.rule, vertex.hops, vertex.reading)
        both.parts = (child, self._in_doubt(vertex, doubt))
        return both

    def _in_doubt(self, vertex: Vertex, doubt: Doubt) -> Vertex:
        leaf = Vertex(Gate.ANY, vertex.object, vertex.rule, vertex.hops, vertex.reading)
        leaf.doubt(doubt)
        leaf.conclude()
        return leaf

    def _at(self, vertex: Vertex, rule: Rule) -> Vertex:
        """Return the gate of a rule at the same object. A name of another relation is that relation's own vertex."""
        if isinstance(rule, Also):
            return self._at_node(vertex.object, rule.slot, vertex.hops, vertex.reading)
        return Vertex(_gate(rule), vertex.object, rule, vertex.hops, vertex.reading)

    def _at_node(self, object: int, slot: int, hops: int, reading: Reading) -> Vertex:
        node = self.graph.node(object, slot)
        known = self.vertices if reading is Reading.OPEN else self._lower if reading is Reading.LOWER else self._upper
        vertex = known.get(node)
        if vertex is None:
            rule = self.graph.plan.rules[slot]
            vertex = known[node] = Vertex(_gate(rule), object, rule, hops, reading, node)
            if self.within is not None and node not in self.within:
                vertex.doubt(TOO_DEEP)
                vertex.gate = Gate.ANY
                vertex.conclude()
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
