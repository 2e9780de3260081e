"""The engine against the oracle, over random worlds."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keystead.authz.decisions import Allowed
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.plan import compile_model
from keystead.authz.errors import InvalidQuery
from keystead.authz.names import text_of
from tests.unit.authz.oracle import Oracle
from tests.unit.authz.random_cases import IDS, TYPES, random_model, random_tuples, random_user

OBJECTS = {f"{type}:{id}" for type in TYPES for id in (*IDS, "stranger")}


@pytest.mark.attack("Z1")
@pytest.mark.parametrize("monotone", [True, False], ids=["unions", "everything"])
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**48))
def test_every_answer_is_the_oracles(seed: int, monotone: bool) -> None:
    compare_a_world(seed, monotone=monotone)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.attack("Z1")
@pytest.mark.parametrize("monotone", [True, False], ids=["unions", "everything"])
def test_every_answer_is_the_oracles_in_many_worlds(monotone: bool) -> None:
    for seed in range(10_000):
        compare_a_world(seed, monotone=monotone)


def compare_a_world(seed: int, *, monotone: bool) -> None:
    """Ask everything in one random world, of the engine and of the oracle."""
    random = Random(seed)
    model, tuples = random_model(random, monotone=monotone), random_tuples(random)
    graph = Graph(compile_model(model))
    for each in tuples:
        graph.add(each)
    evaluator = Evaluator(graph)
    for user in {random_user(random) for _ in range(2)} | {"user:1", "user:stranger"}:
        try:
            evaluator.holds(user, "parent", "doc:1")
        except InvalidQuery:
            continue  # a userset whose relation this model does not define
        oracle = Oracle(model, tuples, user, OBJECTS)
        for object, relation in sorted(oracle.everything):
            expected = (object, relation) in oracle.rights
            world = (text_of(each) for each in tuples)
            assert evaluator.holds(user, relation, object) is expected, (user, relation, object, *world)
            check_proof(evaluator, oracle, (user, relation, object), expected=expected)
        for type, relation in {(object.partition(":")[0], relation) for object, relation in oracle.everything}:
            listed = list_objects(evaluator, type, relation, user)
            known = {object for object, name in oracle.rights if name == relation and object.startswith(f"{type}:")}
            assert listed == sorted(known)


def check_proof(evaluator: Evaluator, oracle: Oracle, question: tuple[str, str, str], *, expected: bool) -> None:
    """A proof must rest on tuples that are there and let the user in, and exist exactly when the answer is yes."""
    decision = evaluator.explain(*question)
    assert bool(decision) is expected
    if isinstance(decision, Allowed):
        assert decision.path
        assert set(decision.tuples) <= set(oracle.tuples)
        alone = Oracle(oracle.model, decision.tuples, question[0], OBJECTS)
        if not any(step.how == "not" for step in decision.path):
            assert (question[2], question[1]) in alone.rights
