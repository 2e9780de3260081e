"""The engine against the oracle, over random worlds that change: every question, every answer, every proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keystead.authz.decisions import Allowed, Conditional, Denied
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.overlay import overlaid
from keystead.authz.engine.plan import compile_model
from keystead.authz.errors import InvalidQuery, Undecided
from keystead.storage.ports import Relationship
from tests.unit.authz.oracle import Oracle, World
from tests.unit.authz.random_cases import (
    CONDITIONS,
    IDS,
    TYPES,
    random_context,
    random_model,
    random_tuple,
    random_user,
)

NOW = 100
OBJECTS = {f"{type}:{id}" for type in TYPES for id in (*IDS, "stranger")}
FILTERS = ("user", "user", "robot", "doc", "group#a", "doc#b")
KINDS = ("unions", "everything", "conditions", "conditional unions")
STORIES = 100_000


@pytest.mark.attack("Z1")
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**48))
def test_every_answer_is_the_oracles(seed: int, kind: str) -> None:
    tell_a_story(seed, kind)


@pytest.mark.slow
@pytest.mark.timeout(7_200)
@pytest.mark.attack("Z1")
@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_the_oracles_in_many_worlds(kind: str) -> None:
    for seed in range(STORIES // len(KINDS)):
        tell_a_story(seed, kind)


def tell_a_story(seed: int, kind: str) -> None:
    """Write and delete in one random world, asking in between; the graph and what it remembers live on."""
    random = Random(seed)
    model = random_model(random, monotone="unions" in kind, conditions="condition" in kind)
    graph, stored = Graph(compile_model(model)), dict[tuple[str, str, str], Relationship]()
    for length in (20, 4):
        for _ in range(random.randint(0, length)):
            change(random, graph, stored)
        contextual = [random_tuple(random, model) for _ in range(random.choice((0, 0, 1, 3)))]
        ask_everything(random, graph, stored, contextual)


def change(random: Random, graph: Graph, stored: dict[tuple[str, str, str], Relationship]) -> None:
    """Write a tuple, new or in place of another, or delete one."""
    if stored and random.random() < 0.2:
        graph.discard(stored.pop(random.choice(sorted(stored))))
        return
    each = random_tuple(random, graph.plan.model)
    stored[each.object, each.relation, each.user] = each
    graph.add(each)


def ask_everything(
    random: Random,
    graph: Graph,
    stored: Mapping[tuple[str, str, str], Relationship],
    contextual: Iterable[Relationship],
) -> None:
    """Ask all there is to ask at one moment."""
    model, context = graph.plan.model, random_context(random)
    allowed = World(model, contextual, CONDITIONS, now=-1).tuples
    together = {**stored, **{(each.object, each.relation, each.user): each for each in allowed}}
    world = World(model, together.values(), CONDITIONS, NOW, context)
    evaluator = Evaluator(overlaid(graph, allowed), now=NOW, context=context)
    oracles = [oracle for user in (random_user(random), "user:1") if (oracle := oracle_of(world, user))]
    for oracle in oracles:
        compare_checks(evaluator, oracle)
        compare_objects(evaluator, oracle)
        compare_depth(random, evaluator, oracle, context)
    if random.random() < 0.5:
        compare_users(random, evaluator, world)


def oracle_of(world: World, user: str) -> Oracle | None:
    """Return the oracle, or nothing for a userset that the model does not define."""
    object, _, relation = user.partition("#")
    if relation and not world.model.relation(object.partition(":")[0], relation):
        return None
    return Oracle(world, user, OBJECTS)


def compare_checks(evaluator: Evaluator, oracle: Oracle) -> None:
    """Ask every check in each of the three ways."""
    for right in sorted(oracle.everything):
        question, expected = (oracle.user, right[1], right[0]), oracle.answer(right)
        decision = evaluator.explain(*question)
        assert (None if isinstance(decision, Conditional) else bool(decision)) is expected, (question, decision)
        assert evaluator.holds(*question) is bool(expected), question
        assert type(evaluator.decide(*question)) is type(decision), question
        if isinstance(decision, Allowed):
            check_proof(oracle, decision, right)
        elif type(decision) is Denied:
            assert (decision.reason == "authz.contradiction") is oracle.contradicts_itself(right), question


def check_proof(oracle: Oracle, decision: Allowed, right: tuple[str, str]) -> None:
    """A proof must rest on tuples that are there and count, and be enough by itself; `but not` looks at everything."""
    assert decision.path
    assert all(oracle.world.verdicts.get(each) for each in decision.tuples)
    alone = World(oracle.world.model, ())
    for each in decision.tuples:
        alone.counting.setdefault((each.object, each.relation), []).append((each.user, True))
    assert right in Oracle(alone, oracle.user, OBJECTS).grow(oracle.possible, doubtful=False)


def compare_objects(evaluator: Evaluator, oracle: Oracle) -> None:
    """A list holds exactly the objects whose check says yes; it is refused exactly if one of them hangs."""
    for type, relation in {(object.partition(":")[0], relation) for object, relation in oracle.everything}:
        rights = {right for right in oracle.everything if right[1] == relation and right[0].startswith(f"{type}:")}
        if any(oracle.answer(right) is None for right in rights):
            with pytest.raises(Undecided):
                list_objects(evaluator, type, relation, oracle.user)
            continue
        listed = list_objects(evaluator, type, relation, oracle.user)
        assert listed == sorted(object for object, _ in rights & oracle.certain), (type, relation, oracle.user)


def compare_users(random: Random, evaluator: Evaluator, world: World) -> None:
    """A list holds whoever's check says yes, and nobody else; only those that everybody covers may be left out."""
    type, relation = random.choice(evaluator.graph.plan.names)
    object, filter = f"{type}:{random.choice((*IDS, 'stranger'))}", random.choice(FILTERS)
    if world.counting and random.random() < 0.8:
        object, relation = random.choice(sorted(world.counting))
    suffix = f"#{filter.partition('#')[2]}" if "#" in filter else ""
    people = [f"{filter.partition('#')[0]}:{id}{suffix}" for id in (*IDS, "stranger", *([] if suffix else ["*"]))]
    try:
        listed = evaluator.list_users(object, relation, filter)
    except InvalidQuery:
        assert suffix
        return
    except Undecided:
        assert None in world.verdicts.values()
        return
    answers = {user: Oracle(world, user, OBJECTS).answer((object, relation)) for user in people}
    question = (object, relation, filter, listed, answers)
    assert None not in answers.values(), question
    assert all(answers[user] for user in listed), question
    everybody = any(user.endswith(":*") for user in listed)
    assert everybody is bool(answers.get(f"{filter}:*")), question
    assert everybody or set(listed) == {user for user, answer in answers.items() if answer}, question
    for size in (1, 2):
        pages, after = list[str](), ""
        while page := evaluator.list_users(object, relation, filter, after=after, limit=size):
            pages += page
            after = page[-1]
        assert pages == listed


def compare_depth(random: Random, evaluator: Evaluator, oracle: Oracle, context: Mapping[str, object]) -> None:
    """With a limit, a yes that needs what lies beyond it is in doubt; every other answer is the same."""
    right, maximum = (
        random.choice(sorted(oracle.certain & oracle.everything or oracle.everything)),
        random.randint(1, 3),
    )
    within, expected = oracle.world.fewer_steps_than(maximum, right), oracle.answer(right)
    if expected:
        expected = Oracle(oracle.world, oracle.user, OBJECTS, within).answer(right)
        assert expected is not False
    limited = Evaluator(evaluator.graph, now=NOW, context=context, maximum_depth=maximum)
    decision = limited.explain(oracle.user, right[1], right[0])
    assert (None if isinstance(decision, Conditional) else bool(decision)) is expected, (right, oracle.user, decision)
    assert type(limited.decide(oracle.user, right[1], right[0])) is type(decision)
    assert limited.holds(oracle.user, right[1], right[0]) is bool(expected)
