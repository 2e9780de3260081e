"""On PostgreSQL too no statement walks a whole table, whatever the planner has seen of it when the plan was made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from keystead.core.records.record import Record
from keystead.storage.ports import (
    ReadRelationships,
    Relationship,
    Write,
    WriteRelationships,
    offer,
    put,
    write_relationships,
)
from keystead.storage.sql import families, feed, one_time, outbox, records, relationships, sweeper, tuple_sweeper
from tests.contract.kinds import LATER, NOW, Person
from tests.contract.test_sqlite_plans import ALICE, CONSTANT, statements
from tests.contract.wire import store_at
from tests.harness.postgres import schema_for

MODULES = [families, feed, one_time, outbox, records, relationships, sweeper, tuple_sweeper]


class Planner:
    """Explains statements the way a store's connection would run them."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._number = 0

    async def plan(self, text: str) -> list[str]:
        """Return the lines of the plan that is kept for a statement."""
        from keystead.storage.postgres.link import translated

        self._number += 1
        await self._connection.execute(f"PREPARE q{self._number} AS {translated(text)}")
        values = f"({', '.join(['NULL'] * text.count('?'))})" if "?" in text else ""
        rows = await self._connection.fetch(f"EXPLAIN EXECUTE q{self._number}{values}")
        return [row[0].strip() for row in rows]


@pytest.fixture(params=["empty", "full"])
async def planner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Planner]:
    """A connection to a database nobody has used yet, or to one that was filled and analysed."""
    async with store_at(schema_for(str(tmp_path))) as store:
        if request.param == "full":
            for part in range(2):
                await store.write(lambda: fill(range(part * 250, part * 250 + 250)))  # noqa: B023
        link = await store._writer._connector.connect()  # type: ignore[attr-defined]  # as a store's connections are
        if request.param == "full":
            await link.script("ANALYZE")
        yield Planner(link._connection)
        await link.close()


def fill(numbers: range) -> Write[None]:
    """Store some of everything that is looked up."""
    tuples = []
    for number in numbers:
        person: Record = Person(realm="r", id=str(number), name=str(number), town=f"t{number % 7}", expires_at=LATER)
        yield from put(person, NOW)
        yield from offer("r", "code", str(number), b"", LATER)
        tuples.append(Relationship(f"doc:{number % 100}", "viewer", f"user:{number}"))
    yield from write_relationships(WriteRelationships("r", "s", tuple(tuples), (), NOW))


async def test_every_statement_searches(planner: Planner) -> None:
    """None of them scans a table."""
    seen = [text for module in MODULES for text in statements(module) if text not in CONSTANT]
    assert len(seen) > 30
    for text in seen:
        steps = await planner.plan(text)
        assert not [step for step in steps if "Seq Scan" in step], (text, steps)


LOOKS = (
    (ReadRelationships("r", "s", "doc:1"), ["object"]),
    (ReadRelationships("r", "s", "doc:1", "viewer"), ["object", "relation"]),
    (ReadRelationships("r", "s", user="u"), ['"user"']),
    (ReadRelationships("r", "s", "doc:", "viewer", "u"), ['"user"', "object"]),
    (ReadRelationships("r", "s", user="u", after=ALICE), ['"user"', "object"]),
    (ReadRelationships("r", "s", "doc:1", after=ALICE), ["object", "relation"]),
    (ReadRelationships("r", "s", "doc:", after=ALICE), ["object"]),
    (ReadRelationships("r", "s", after=ALICE), ["object"]),
)
"""What is asked for, and the columns by which it must be found."""


async def test_tuples_are_looked_up_by_object_or_by_user(planner: Planner) -> None:
    """Through an index on all that is known."""
    for wanted, columns in LOOKS:
        text, _ = next(relationships.read_relationships(wanted))
        steps = await planner.plan(text)
        (condition,) = [step for step in steps if step.startswith("Index Cond")]
        assert all(column in condition for column in columns), steps


@pytest.mark.parametrize("number", [1, 2, relationships.TOGETHER])
async def test_several_tuples_are_searched_for_one_by_one(planner: Planner, number: int) -> None:
    """However many keys go into a statement, each is found through the whole key."""
    steps = await planner.plan(relationships.look(number))
    conditions = [step for step in steps if step.startswith("Index Cond")]
    assert len(conditions) == number
    whole = ("realm", "store", "object", "relation", '"user"')
    assert all(f"{column} = " in condition for condition in conditions for column in whole), steps
