"""The view over rows answers as the engine does over the tuples that the rows amount to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.plan import compile_model
from keystead.authz.errors import InvalidQuery
from keystead.authz.rows.sqlalchemy import over
from keystead.authz.rows.view import RowView
from tests.unit.authz.rows.databases import DATABASES, engine_of
from tests.unit.authz.rows.worlds import World


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty database of each kind."""
    engine = engine_of(request.param, tmp_path)
    yield engine
    engine.dispose()


@pytest.mark.attack("Z1")
@pytest.mark.parametrize("monotone", [True, False], ids=["unions", "everything"])
def test_the_view_answers_as_the_engine(database: sa.Engine, monotone: bool) -> None:
    assert sum(compare_a_world(database, seed, monotone=monotone) for seed in range(8)) > 12


@pytest.mark.attack("Z1")
def test_a_tuple_that_ran_out_takes_nothing_from_a_row_that_says_the_same(database: sa.Engine) -> None:
    assert compare_a_world(database, 5_098, monotone=True) > 0


@pytest.mark.slow
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("monotone", [True, False], ids=["unions", "everything"])
def test_the_view_answers_as_the_engine_in_many_worlds(database: sa.Engine, monotone: bool) -> None:
    for seed in range(5_000, 6_000):
        compare_a_world(database, seed, monotone=monotone)


def compare_a_world(database: sa.Engine, seed: int, *, monotone: bool) -> int:
    """Ask everything of one random world, both ways. Answer: how often the answer was yes."""
    world = World(Random(seed), monotone=monotone)
    graph = Graph(compile_model(world.model))
    for each in world.tuples:
        graph.add(each)
    evaluator = Evaluator(graph)
    named = sorted({each.user for each in world.tuples}) or ["user:1"]
    with database.connect() as connection:
        world.create(connection)
        view = over(world.mapping, connection)
        count = 0
        for user in (world.user(), world.random.choice(named)):
            for definition in world.model.types:
                for relation in definition.relations:
                    count += compare(view, evaluator, world, (user, relation.name, definition.name))
        connection.rollback()
        if database.dialect.name == "sqlite":
            world.metadata.drop_all(connection)
    return count


def compare(view: RowView, evaluator: Evaluator, world: World, question: tuple[str, str, str]) -> int:
    """Compare one relation of one type, both ways."""
    user, relation, type = question
    objects = [f"{type}:{id}" for id in (*world.ids_of(type), "x1")]
    try:
        expected = [evaluator.holds(user, relation, object) for object in objects]
    except InvalidQuery:
        return 0
    decisions = view.check_many([(user, relation, object) for object in objects])
    assert list(map(bool, decisions)) == expected, (question, world.describe())
    assert view.list_objects(type, relation, user) == list_objects(evaluator, type, relation, user)
    single = view.check(user, relation, objects[0])
    assert bool(single) is expected[0]
    assert view.list_users(objects[0], relation, "user") == evaluator.list_users(objects[0], relation, "user")
    return sum(expected)
