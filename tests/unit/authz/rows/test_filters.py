"""The filtered rows are exactly those for which the engine says yes, in one query, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.plan import compile_model
from keystead.authz.errors import InvalidQuery
from keystead.authz.rows import NotExpressible
from keystead.authz.rows.sqlalchemy import filter_for
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
def test_the_rows_are_those_the_engine_allows(database: sa.Engine, monotone: bool) -> None:
    seen = Counter[str]()
    for seed in range(12):
        compare_a_world(database, seed, seen, monotone=monotone)
    assert seen["rows"] > 25
    assert seen["refused"] < seen["compared"] / 2


@pytest.mark.slow
@pytest.mark.timeout(7_200)
@pytest.mark.attack("Z1")
@pytest.mark.parametrize("monotone", [True, False], ids=["unions", "everything"])
def test_the_rows_are_those_the_engine_allows_in_many_worlds(database: sa.Engine, monotone: bool) -> None:
    for seed in range(1_000, 4_000):
        compare_a_world(database, seed, Counter[str](), monotone=monotone)


def sent_by(sent: list[str]) -> Callable[..., None]:
    """Return a listener that writes down every statement."""
    return lambda *about: sent.append(about[2])


def compare_a_world(database: sa.Engine, seed: int, seen: Counter[str], *, monotone: bool) -> None:
    """Filter every mapped table by every relation, for a few users of one random world."""
    world = World(Random(seed), monotone=monotone)
    graph = Graph(compile_model(world.model))
    for each in world.tuples:
        graph.add(each)
    evaluator = Evaluator(graph)
    named = sorted({each.user for each in world.tuples} - {"user:*"}) or ["user:1"]
    users = [world.user(), *(world.random.choice(named) for _ in range(2))]
    with database.connect() as connection:
        world.create(connection)
        for user in users:
            for type in world.mapped:
                compare_a_table(connection, world, evaluator, (seed, user, type), seen)
        connection.rollback()
        if database.dialect.name == "sqlite":
            world.metadata.drop_all(connection)


def compare_a_table(
    connection: sa.Connection, world: World, evaluator: Evaluator, case: tuple[int, str, str], seen: Counter[str]
) -> None:
    """Filter one table by each of its relations."""
    _, user, type = case
    definition = world.model.type(type)
    assert definition
    table = world.tables[type]
    for relation in definition.relations:
        try:
            expected = {
                row["id"] for row in world.rows[type] if evaluator.holds(user, relation.name, f"{type}:{row['id']}")
            }
            condition = filter_for(world.mapping, user, relation.name, table, few=world.random.random() < 0.4)
        except (NotExpressible, InvalidQuery) as refusal:
            seen["refused" if isinstance(refusal, NotExpressible) else "invalid"] += 1
            continue
        sent: list[str] = []
        note = sent_by(sent)
        sa.event.listen(connection, "before_cursor_execute", note)
        found = list(connection.scalars(sa.select(table.c.id).where(condition)))
        sa.event.remove(connection, "before_cursor_execute", note)
        assert len(sent) == 1
        assert len(found) == len(set(found))
        assert set(found) == expected, (case, relation, world.describe())
        seen["compared"] += 1
        seen["rows"] += len(found)
