"""Compiled checks where tuples with a condition or an expiry lie below: they say only what none of those can change."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from random import Random

import msgspec
import pytest

from keystead.authz.engine.copying import copied
from keystead.authz.engine.doubt import Judge
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.plan import compile_model
from keystead.authz.engine.question import ask
from keystead.authz.engine.solver import Solver
from keystead.authz.engine.vertex import Value
from keystead.authz.language import read_model
from keystead.authz.names import relationship
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship
from tests.unit.authz.random_cases import TYPES, random_model, random_tuple

USERS = ("user:1", "user:2", "doc:1")
MODEL = """model
  schema 1.1
type user
type group
  relations
    define member: [user, user:*, group#member]
type doc
  relations
    define parent: [doc]
    define blocked: [user]
    define viewer: [user, group#member, doc#viewer] or viewer from parent
    define reader: viewer but not blocked
"""


def until(text: str) -> Relationship:
    """Make an expiring tuple."""
    return msgspec.structs.replace(relationship(text), expires_at=EpochSeconds(1_000))


def below_qualified(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """Go through the questions that a qualified tuple may matter to."""
    for (type, relation), slot in graph.plan.slots.items():
        if graph.qualified_below(slot):
            yield from ((user, relation, f"{type}:{id}") for id in ("1", "2") for user in USERS)


@pytest.mark.attack("Z1")
@pytest.mark.parametrize("monotone", [True, False], ids=["unions", "everything"])
def test_what_code_says_is_the_solvers_whatever_is_asked_with(monotone: bool) -> None:
    answers: Counter[bool | None] = Counter()
    for seed in range(80):
        random = Random(seed)
        graph = Graph(compile_model(random_model(random, monotone=monotone, conditions=True)))
        present = [random_tuple(random, graph.plan.model) for _ in range(25)]
        for each in present:
            graph.add(each)
        for _ in range(4):
            graph.discard(present.pop(random.randrange(len(present))))
            present.append(random_tuple(random, graph.plan.model))
            graph.add(present[-1])
            answers.update(compare(graph))
    assert answers[False] > 300
    assert answers[True] > 50
    assert answers[None] > 300


def compare(graph: Graph) -> Iterator[bool | None]:
    """Ask everything of code and, where it answers, of the solver: so that many count, or few."""
    assert {type for type, _ in graph.plan.slots} == set(TYPES)
    judges = [
        Judge(graph.plan.conditions, now, context)
        for now, context in ((100.0, {}), (0.0, {"age": 10, "loud": False}), (math.inf, {"age": 40, "loud": True}))
    ]
    for user, relation, object in below_qualified(graph):
        quick = graph.quick(user, relation, object)
        yield quick
        for judge in judges if quick is not None else ():
            root = Solver(graph, ask(graph, user, relation, object), judge).decide()
            assert root.value is (Value.TRUE if quick else Value.FALSE), (user, relation, object)


@pytest.mark.attack("Z1")
def test_one_expiring_tuple_leaves_everybody_else_the_compiled_check() -> None:
    graph = Graph(compile_model(read_model(MODEL)))
    for text in (
        "doc:1#parent@doc:0", "doc:1#viewer@group:g#member", "group:g#member@user:1", "doc:2#viewer@user:3",
        "doc:2#viewer@user:4",
    ):  # fmt: skip
        graph.add(relationship(text))
    for text in (
        "doc:0#viewer@user:2", "group:h#member@user:3", "doc:2#blocked@user:4", "group:x#member@group:h#member",
    ):  # fmt: skip
        graph.add(until(text))
    for relation in ("viewer", "reader"):
        assert graph.quick("user:1", relation, "doc:1") is True
        assert graph.quick("user:2", relation, "doc:1") is None  # the grant on the parent
        assert graph.quick("user:3", relation, "doc:1") is None  # a member of `h` for a while: of `g`, too?
        assert graph.quick("user:2", relation, "doc:2") is False
        assert graph.quick("user:3", relation, "doc:2") is True
    assert graph.quick("user:1", "viewer", "doc:2") is False
    assert graph.quick("user:4", "viewer", "doc:2") is True
    assert graph.quick("user:4", "reader", "doc:2") is None
    graph.discard(relationship("group:h#member@user:3"))
    assert graph.quick("user:3", "viewer", "doc:1") is False


@pytest.mark.attack("Z1")
@pytest.mark.parametrize(
    ("plain", "qualified"),
    [
        ("doc:1#viewer@group:g#member", "group:g#member@user:1"),
        ("doc:1#viewer@group:g#member", "group:g#member@user:*"),
        ("group:g#member@user:1", "doc:1#viewer@group:g#member"),
        ("doc:0#viewer@user:1", "doc:1#parent@doc:0"),
        ("doc:0#viewer@user:1", "doc:1#viewer@doc:0#viewer"),
        ("doc:1#parent@doc:0", "doc:0#viewer@user:1"),
    ],
)
def test_no_qualified_tuple_on_the_way_is_overlooked(plain: str, qualified: str) -> None:
    graph = Graph(compile_model(read_model(MODEL)))
    for text in (plain, "doc:2#viewer@user:1", "doc:2#blocked@user:2", "group:other#member@user:1"):
        graph.add(relationship(text))
    graph.add(until(qualified))
    for relation in ("viewer", "reader"):
        assert graph.quick("user:1", relation, "doc:1") is None
    graph.discard(relationship(qualified))
    assert graph.quick("user:1", "viewer", "doc:1") is False
    graph.add(relationship(qualified))
    assert graph.quick("user:1", "viewer", "doc:1") is True


@pytest.mark.attack("Z1")
def test_in_a_group_that_is_in_another_for_a_while() -> None:
    graph = Graph(compile_model(read_model(MODEL)))
    for text in ("doc:1#viewer@group:outer#member", "group:inner#member@user:1", "group:far#member@user:2"):
        graph.add(relationship(text))
    graph.add(until("group:outer#member@group:inner#member"))
    assert graph.quick("user:1", "viewer", "doc:1") is None
    assert graph.quick("user:2", "viewer", "doc:1") is False
    graph.add(relationship("group:inner#member@group:far#member"))
    graph.add(until("group:outer#member@user:3"))
    graph.add(relationship("doc:2#viewer@user:3"))
    for each in (graph, copied(graph)):
        assert each.quick("user:1", "viewer", "doc:1") is None
        assert each.quick("user:2", "viewer", "doc:1") is None
        assert each.quick("user:3", "viewer", "doc:1") is None
        assert each.quick("user:2", "viewer", "doc:2") is False
