"""Puts a settled question into words: the steps that prove a yes, the reason for a no."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from keystead.authz.decisions import Allowed, AuthorizationDecision, Conditional, Denied, Step
from keystead.authz.engine.doubt import Doubt, missing_of
from keystead.authz.engine.plan import Plan
from keystead.authz.engine.qualified import Qualifier
from keystead.authz.engine.question import Question
from keystead.authz.engine.rules import AllOf, Also, AnyOf, ButNot, Named, Rule, Through
from keystead.authz.engine.solver import Solver
from keystead.authz.engine.vertex import Gate, Reading, Value, Vertex, doubtful_under
from keystead.authz.names import WILDCARD
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship

MAX_LOOKED_AT: Final = 20
MAX_DOUBTS: Final = 5


def explain(solver: Solver, root: Vertex) -> AuthorizationDecision:
    """Turn a settled root into a decision with its proof or reason."""
    revision = solver.graph.revision
    if root.value is Value.TRUE:
        return Allowed(prove(solver, root), revision)
    question = solver.question
    looked_at = tuple(_name(solver, vertex) for vertex in list(solver.vertices.values())[:MAX_LOOKED_AT])
    denied = wanted(solver.graph.plan, question)
    if doubts := doubts_of(solver, root):
        places = dict.fromkeys(_place(solver, vertex) for vertex in doubtful_under(root))
        return conditional(doubts, denied, tuple(places)[:MAX_LOOKED_AT], revision)
    if root.value is Value.UNDEFINED:
        detail = f"{denied}: the tuples make it depend on its own negation"
        return Denied("authz.contradiction", detail, looked_at, revision)
    if solver.excluded and (subtracted := solver.excluded[0].because):
        steps = "; ".join(str(step).strip() for step in prove(solver, subtracted))
        return Denied("authz.excluded", f"{denied}: taken away because {steps}", looked_at, revision)
    return Denied("authz.no_path", f"{denied}: no tuple leads from one to the other", looked_at, revision)


def doubts_of(solver: Solver, root: Vertex) -> tuple[Doubt, ...]:
    """Return what the answer hangs on; nothing if it is decided, or no whatever comes of the doubts."""
    vertices = doubtful_under(root) if root.value is Value.UNDEFINED else ()
    doubts = tuple(dict.fromkeys(doubt for vertex in vertices for doubt in vertex.doubts))
    if doubts and solver.contradictory:
        best = Solver(solver.graph, solver.question, solver.judge, solver.within).decide(Reading.UPPER)
        return doubts if best.value is Value.TRUE else ()
    return doubts


def conditional(doubts: tuple[Doubt, ...], denied: str, looked_at: tuple[str, ...], revision: int) -> Conditional:
    """Say what an answer hangs on: the first reason, every missing parameter."""
    detail = "; ".join(dict.fromkeys(doubt.detail for doubt in doubts[:MAX_DOUBTS]))
    missing = missing_of(doubts)
    return Conditional(doubts[0].reason, f"{denied} for certain: {detail}", looked_at, revision, missing)


def wanted(plan: Plan, question: Question) -> str:
    """Say what does not hold."""
    return f"{question.user_name} is not {question.object_name}#{plan.names[question.slot][1]}"


def prove(solver: Solver, root: Vertex) -> tuple[Step, ...]:
    """Return the steps from the object to the user, outermost first."""
    steps: list[Step] = []
    stack = [(root, 0, _name(solver, root))]
    while stack:
        vertex, depth, has = stack.pop()
        if vertex.node >= 0:
            has = _name(solver, vertex)
        if vertex.gate is Gate.ALL:
            steps.append(Step("all", has, depth=depth))
            stack += [(part, depth + 1, has) for part in reversed(vertex.parts)]
            continue
        step = _step(solver, vertex, depth, has)
        if step:
            steps.append(step)
        if vertex.gate is Gate.ANY and vertex.because:
            stack.append((vertex.because, depth, has))
    return tuple(steps)


def describe(plan: Plan, rule: Rule) -> str:
    """Write a rule as in the language: `banned from shop`."""
    match rule:
        case Named(slot):
            return f"named as {plan.names[slot][1]}"
        case Also(slot):
            return plan.names[slot][1]
        case Through(tupleset, targets):
            names = {plan.names[slot][1] for slot in targets.values()}
            return f"{'/'.join(sorted(names))} from {plan.names[tupleset][1]}"
        case ButNot(base, subtract):
            return f"({describe(plan, base)} but not {describe(plan, subtract)})"
        case AnyOf(parts) | AllOf(parts):
            word = " or " if isinstance(rule, AnyOf) else " and "
            return f"({word.join(describe(plan, part) for part in parts)})"


def _step(solver: Solver, vertex: Vertex, depth: int, has: str) -> Step | None:
    """Say what one gate contributes; gates inside a rule contribute nothing of their own."""
    child, rule = vertex.because, vertex.rule
    if vertex.gate is Gate.NOT:
        through = _name(solver, child) if child and child.node >= 0 else describe(solver.graph.plan, rule)
        return Step("not", has, through, depth=depth)
    if child is None:
        return _last_step(solver, vertex, depth, has)
    if isinstance(rule, Named):
        return _tuple_step(
            solver, Step("userset", has, _name(solver, child), depth=depth), vertex, rule.slot, child.node
        )
    if isinstance(rule, Through):
        step = Step("parent", has, _name(solver, child), depth=depth)
        return _tuple_step(solver, step, vertex, rule.tupleset, child.object)
    return Step("also", has, _name(solver, child), depth=depth) if child.node >= 0 else None


def _last_step(solver: Solver, vertex: Vertex, depth: int, has: str) -> Step | None:
    question, rule, graph = solver.question, vertex.rule, solver.graph
    if vertex.node == question.userset >= 0:
        return Step("itself", has, depth=depth)
    if not isinstance(rule, Named):
        return None
    node = graph.node(vertex.object, rule.slot)
    qualified = graph.qualified_users.at(node)
    if question.user in graph.users.at(node) or _counts(solver, qualified.get(question.user)):
        return _tuple_step(solver, Step("tuple", has, depth=depth), vertex, rule.slot, question.user)
    everybody = f"{question.user_type}:{WILDCARD}"
    return _tuple_step(solver, Step("everybody", has, everybody, depth=depth), vertex, rule.slot, question.everybody)


def _counts(solver: Solver, qualifier: Qualifier | None) -> bool:
    return qualifier is not None and solver.judge.counts(qualifier) is True


def _tuple_step(solver: Solver, step: Step, vertex: Vertex, slot: int, value: int) -> Step:
    """Complete a step with its tuple, whose user is a number or (`userset`) a node, and why the tuple counts."""
    graph, node = solver.graph, solver.graph.node(vertex.object, slot)
    object, relation = _object(solver, vertex.object), graph.plan.names[slot][1]
    is_userset = step.how == "userset"
    user = step.through if is_userset else _object(solver, value)
    qualifier = (graph.qualified_usersets if is_userset else graph.qualified_users).at(node).get(value)
    if qualifier is None or value in (graph.usersets if is_userset else graph.users).at(node):
        return replace(step, tuple=Relationship(object, relation, user))
    tuple = Relationship(
        object, relation, user, qualifier.condition, qualifier.text, EpochSeconds(qualifier.expires_at)
    )
    definition = graph.plan.model.condition(qualifier.condition)
    values = solver.judge.values(qualifier) | qualifier.written()
    shown = {each.name: values[each.name] for each in definition.parameters} if definition else {}
    return replace(step, tuple=tuple, values=shown)


def _place(solver: Solver, vertex: Vertex) -> str:
    """Name the relation whose tuples are in doubt: `order:17#viewer`."""
    rule = vertex.rule
    if vertex.node < 0 and isinstance(rule, Named | Through):
        slot = rule.slot if isinstance(rule, Named) else rule.tupleset
        return f"{_object(solver, vertex.object)}#{solver.graph.plan.names[slot][1]}"
    return _name(solver, vertex)


def _name(solver: Solver, vertex: Vertex) -> str:
    """Name a node: `order:17#viewer`."""
    slot = vertex.node % solver.graph.plan.width
    return f"{_object(solver, vertex.object)}#{solver.graph.plan.names[slot][1]}"


def _object(solver: Solver, number: int) -> str:
    names = solver.graph.names
    return names[number] if number < len(names) else solver.question.object_name
