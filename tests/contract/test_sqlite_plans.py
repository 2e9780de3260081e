"""No statement walks a whole table, however large it becomes: every one is a search through an index."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from keystead.storage.ports import ReadRelationships, Relationship
from keystead.storage.sql import families, feed, one_time, outbox, records, relationships, sweeper, tuple_sweeper
from keystead.storage.sqlite import open_store

CONSTANT = {records.BUMP}
"""One row, always."""


@pytest.fixture
def planner(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a fresh database."""
    path = tmp_path / "keystead.db"
    asyncio.run(open_store(str(path)).close())
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def plan(planner: sqlite3.Connection, text: str) -> list[str]:
    """Return the steps of a statement's plan."""
    values = ("x",) * text.count("?")
    return [row[3] for row in planner.execute("EXPLAIN QUERY PLAN " + text, values)]


def statements(module: ModuleType) -> Iterator[str]:
    """Yield the SQL a module holds."""
    for value in vars(module).values():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and text.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
                yield text


@pytest.mark.parametrize(
    "module",
    [families, feed, one_time, outbox, records, relationships, sweeper, tuple_sweeper],
    ids=lambda m: m.__name__,
)
def test_every_statement_searches(planner: sqlite3.Connection, module: ModuleType) -> None:
    """None of them scans."""
    seen = [text for text in statements(module) if text not in CONSTANT]
    assert seen
    for text in seen:
        steps = plan(planner, text)
        assert not [step for step in steps if step.startswith("SCAN")], (text, steps)


@pytest.mark.parametrize("number", [1, 2, relationships.TOGETHER])
def test_several_tuples_are_searched_for_one_by_one(planner: sqlite3.Connection, number: int) -> None:
    """However many keys go into a statement, each is found through the whole key."""
    steps = [step for step in plan(planner, relationships.look(number)) if " relationships " in step]
    whole = "SEARCH relationships USING PRIMARY KEY (realm=? AND store=? AND object=? AND relation=? AND user=?)"
    assert steps == [whole] * number


ALICE = Relationship("doc:1", "viewer", "user:alice")


@pytest.mark.parametrize(
    ("wanted", "search"),
    [
        (ReadRelationships("r", "s", "doc:1"), "PRIMARY KEY (realm=? AND store=? AND object=?)"),
        (
            ReadRelationships("r", "s", "doc:1", "viewer"),
            "PRIMARY KEY (realm=? AND store=? AND object=? AND relation=?)",
        ),
        (ReadRelationships("r", "s", user="u"), "relationships_by_user (realm=? AND store=? AND user=?)"),
        (
            ReadRelationships("r", "s", "doc:", "viewer", "u"),
            "relationships_by_user (realm=? AND store=? AND user=? AND object>? AND object<?)",
        ),
        (
            ReadRelationships("r", "s", user="u", after=ALICE),
            "relationships_by_user (realm=? AND store=? AND user=? AND object>?)",
        ),
        (
            ReadRelationships("r", "s", "doc:1", after=ALICE),
            "PRIMARY KEY (realm=? AND store=? AND object=? AND (relation,user)>(?,?))",
        ),
        (
            ReadRelationships("r", "s", "doc:", after=ALICE),
            "PRIMARY KEY (realm=? AND store=? AND object>? AND object<?)",
        ),
        (ReadRelationships("r", "s", after=ALICE), "PRIMARY KEY (realm=? AND store=? AND object>?)"),
    ],
)
def test_tuples_are_looked_up_by_object_or_by_user(
    planner: sqlite3.Connection, wanted: ReadRelationships, search: str
) -> None:
    """Through the narrower index, without sorting, pages included."""
    text, _ = next(relationships.read_relationships(wanted))
    (step,) = plan(planner, text)
    assert step.endswith(search)
