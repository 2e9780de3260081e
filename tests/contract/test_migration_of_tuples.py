"""A database of the release before keeps its tuples: nothing expires, and the times come from the feed."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from keystead.storage.migrations import known_migrations
from keystead.storage.ports import (
    FeedView,
    ReadRelationships,
    Relationship,
    RelationshipChange,
    Store,
    StoredRelationship,
    look_at_feed,
    relationship_changes,
    stored_relationships,
)
from keystead.storage.sqlite import open_store
from keystead.storage.sqlite.opening import connect_writer, prepare_file
from keystead.storage.sqlite.schema import bring_up_to_date
from tests.contract.wire import store_at
from tests.harness.postgres import schema_for

BEFORE = (
    """INSERT INTO relationships (realm, store, object, relation, "user", condition, context)
    VALUES ('acme', 'shop', 'order:1', 'owner', 'user:alice', 'in_hours', '{"from":9}')""",
    """INSERT INTO relationship_changes
    (realm, store, revision, operation, object, relation, "user", condition, context, at) VALUES
    ('acme', 'shop', 1, 'write', 'order:1', 'owner', 'user:alice', '', '', 10),
    ('acme', 'shop', 2, 'delete', 'order:1', 'owner', 'user:alice', '', '', 20),
    ('acme', 'shop', 3, 'write', 'order:1', 'owner', 'user:alice', 'in_hours', '{"from":9}', 30),
    ('acme', 'shop', 4, 'write', 'team:1', 'member', 'user:bob', '', '', 40),
    ('acme', 'shop', 5, 'delete', 'team:1', 'member', 'user:bob', '', '', 50)""",
    "INSERT INTO relationship_revisions (realm, store, revision) VALUES ('acme', 'shop', 5)",
)
ALICE = Relationship("order:1", "owner", "user:alice", "in_hours", '{"from":9}')


async def demand_all_is_there(store: Store) -> None:
    """Look at everything that a migration fills in."""
    found = await store.read(stored_relationships(ReadRelationships("acme", "shop")))
    assert found == [StoredRelationship(ALICE, 30)]  # type: ignore[arg-type]  # plain seconds
    assert await store.read(look_at_feed("acme", "shop")) == FeedView(5, 0, 50)  # type: ignore[arg-type]  # likewise
    teams: list[RelationshipChange] = await store.read(relationship_changes("acme", "shop", type="team"))
    assert [change.revision for change in teams] == [4, 5]


async def test_sqlite(tmp_path: Path) -> None:
    """In one file."""
    path = tmp_path / "old.db"
    prepare_file(path)
    connection: sqlite3.Connection = connect_writer(path, time.monotonic() + 5)
    first = known_migrations("keystead.storage.sqlite")[:1]
    bring_up_to_date(connection, first, str(path), time.monotonic() + 5)
    for statement in BEFORE:
        connection.execute(statement)
    connection.close()
    store = open_store(str(path))
    await demand_all_is_there(store)
    await store.close()


async def test_postgres(tmp_path: Path) -> None:
    """In one schema."""
    url = schema_for(str(tmp_path))
    import asyncpg

    from keystead.storage.postgres.link import Link
    from keystead.storage.postgres.schema import bring_up_to_date as migrate

    connection: Any = await asyncpg.connect(url)
    await migrate(Link(connection, "test"), "test", known_migrations("keystead.storage.postgres")[:1])
    for statement in BEFORE:
        await connection.execute(statement)
    await connection.close()
    async with store_at(url) as store:
        await demand_all_is_there(store)
