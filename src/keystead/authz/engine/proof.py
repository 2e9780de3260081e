"""Puts a settled question into words: the steps that prove a yes, the reason for a no."""

from __future__ import annotations

from typing import Final

from keystead.authz.decisions import Allowed, AuthorizationDecision, Denied, Step
from keystead.authz.engine.plan import Plan
from keystead.authz.engine.question import Question
from keystead.authz.engine.rules import AllOf, Also, AnyOf, ButNot, Named, Rule, Through
from keystead.authz.engine.solver import Solver
from keystead.authz.engine.vertex import Gate, Value, Vertex
from keystead.authz.names import WILDCARD
from keystead.storage.ports import Relationship

MAX_LOOKED_AT: Final = 20


def explain(solver: Solver, root: Vertex) -> AuthorizationDecision:
    """Turn a settled root into a decision with its proof or reason."""
    revision = solver.graph.revision
    if root.value is Value.TRUE:
        return Allowed(prove(solver, root), revision)
    question = solver.question
    looked_at = tuple(_name(solver, vertex) for vertex in list(solver.vertices.values())[:MAX_LOOKED_AT])
    denied = wanted(solver.graph.plan, question)
    if root.value is Value.UNDEFINED:
        detail = f"{denied}: the tuples make it depend on its own negation"
        return Denied("authz.contradiction", detail, looked_at, revision)
    if solver.excluded and (subtracted := solver.excluded[0].because):
        steps = "; ".join(str(step).strip() for step in prove(solver, subtracted))
        return Denied("authz.excluded", f"{denied}: taken away because {steps}", looked_at, revision)
    return Denied("authz.no_path", f"{denied}: no tuple leads from one to the other", looked_at, revision)


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
        through = _name(solver, child)
        return Step("userset", has, through, Relationship(*_split(_named(solver, vertex, rule)), through), depth)
    if isinstance(rule, Through):
        parent = _object(solver, child.object)
        relation = solver.graph.plan.names[rule.tupleset][1]
        tuple = Relationship(_object(solver, vertex.object), relation, parent)
        return Step("parent", has, _name(solver, child), tuple, depth)
    return Step("also", has, _name(solver, child), depth=depth) if child.node >= 0 else None


def _last_step(solver: Solver, vertex: Vertex, depth: int, has: str) -> Step | None:
    question, rule = solver.question, vertex.rule
    if vertex.node == question.userset >= 0:
        return Step("itself", has, depth=depth)
    if not isinstance(rule, Named):
        return None
    named = _named(solver, vertex, rule)
    object, relation = _split(named)
    if question.user in solver.graph.users.at(solver.graph.node(vertex.object, rule.slot)):
        return Step("tuple", has, tuple=Relationship(object, relation, question.user_name), depth=depth)
    everybody = f"{question.user_type}:{WILDCARD}"
    return Step("everybody", has, everybody, Relationship(object, relation, everybody), depth)


def _named(solver: Solver, vertex: Vertex, rule: Named) -> str:
    return f"{_object(solver, vertex.object)}#{solver.graph.plan.names[rule.slot][1]}"


def _split(name: str) -> tuple[str, str]:
    object, _, relation = name.partition("#")
    return object, relation


def _name(solver: Solver, vertex: Vertex) -> str:
    """Name a node: `order:17#viewer`."""
    slot = vertex.node % solver.graph.plan.width
    return f"{_object(solver, vertex.object)}#{solver.graph.plan.names[slot][1]}"


def _object(solver: Solver, number: int) -> str:
    names = solver.graph.names
    return names[number] if number < len(names) else solver.question.object_name
