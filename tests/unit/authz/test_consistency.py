"""What an answer knows of: snapshots, revisions asked for, changes watched, several threads and processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from keystead.authz import (
    NEWEST,
    ChangesGone,
    Conditional,
    NotThereYet,
    open,
    open_sync,
    relationship,
)
from keystead.core.values import EpochSeconds
from keystead.storage.ports import CHANGES_KEPT, Relationship
from tests.harness.postgres import schema_for
from tests.unit.authz.test_embedded import MODEL

CONDITIONS: Final = """model
  schema 1.1
type user
type order
  relations
    define owner: [user]
    define viewer: [user, user with cheap] or owner
condition cheap(total: int) {
  total < 100
}
"""


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Every place an engine keeps its tuples in."""
    if request.param == "postgres":
        return schema_for(str(tmp_path))
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/service.db"


async def test_a_write_counts_for_the_next_question_of_the_same_engine(url: str) -> None:
    async with open(url, model=MODEL, maximum_lag=60) as engine:
        for number in range(5):
            revision = await engine.write([f"order:{number}#owner@user:alice"])
            decision = await engine.check("user:alice", "viewer", f"order:{number}")
            assert decision
            assert decision.revision >= revision
            assert len(await engine.list_objects("order", "viewer", "user:alice")) == number + 1


async def test_a_revision_of_another_engine_is_waited_for(tmp_path: Path) -> None:
    """However long an answer may lag: whoever brings the revision of a write gets an answer that knows of it."""
    for url in (schema_for(str(tmp_path)), f"sqlite:///{tmp_path}/service.db"):
        async with open(url, model=MODEL, maximum_lag=600) as one, open(url, model=MODEL, maximum_lag=600) as other:
            assert not await other.check("user:alice", "viewer", "order:1")
            revision = await one.write(["order:1#owner@user:alice"])
            assert await other.check("user:alice", "viewer", "order:1", at_least=revision)
            await one.write(deletes=["order:1#owner@user:alice"])
            assert not await other.check("user:alice", "viewer", "order:1", at_least=NEWEST)


async def test_over_postgres_an_answer_may_lag_by_no_more_than_it_says(tmp_path: Path) -> None:
    url = schema_for(str(tmp_path))
    async with open(url, model=MODEL, maximum_lag=0.2) as one, open(url, model=MODEL, maximum_lag=0.2) as other:
        assert not await other.check("user:alice", "viewer", "order:1")
        await one.write(["order:1#owner@user:alice"])
        await asyncio.sleep(0.25)
        assert await other.check("user:alice", "viewer", "order:1")


async def test_a_revision_that_never_was_is_an_error_and_no_answer(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        revision = await engine.write(["order:1#owner@user:alice"])
        with pytest.raises(NotThereYet, match=f"revision {revision + 1} was asked for and {revision} is the newest"):
            await engine.check("user:alice", "viewer", "order:1", at_least=revision + 1)


async def test_a_snapshot_stays_as_it_was(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        revision = await engine.write(["order:1#owner@user:alice", "order:2#owner@user:alice"])
        before = await engine.snapshot()
        later = await engine.write(["order:3#owner@user:alice"], ["order:1#owner@user:alice"])
        assert await engine.list_objects("order", "viewer", "user:alice") == ["order:2", "order:3"]
        assert before.list_objects("order", "viewer", "user:alice") == ["order:1", "order:2"]
        assert before.allows("user:alice", "viewer", "order:1")
        assert not before.allows("user:alice", "viewer", "order:3")
        assert before.check("user:alice", "viewer", "order:1").revision == before.revision == revision
        answers = before.check_many([("user:alice", "owner", "order:1"), ("user:alice", "owner", "order:3")])
        assert [bool(each) for each in answers] == [True, False]
        assert before.explain("user:bob", "viewer", "order:1", tuples=["order:1#reader@user:bob"])
        after = await engine.snapshot(at_least=later)
        assert after.revision == later
        del before
        await engine.write(["order:4#owner@user:alice"])
        assert not after.allows("user:alice", "viewer", "order:4")


async def test_pages_of_a_list_have_every_object_once(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write([f"order:{number}#owner@user:alice" for number in range(25)])
        everything = await engine.list_objects("order", "viewer", "user:alice")
        seen: list[str] = []
        after = ""
        while page := await engine.list_objects("order", "viewer", "user:alice", after=after, limit=7):
            seen += page
            after = page[-1]
        assert seen == everything
        assert len(seen) == 25


async def test_context_decides_conditions_and_nothing_is_remembered_of_it(url: str) -> None:
    async with open(url, model=CONDITIONS) as engine:
        await engine.write([Relationship("order:1", "viewer", "user:bob", "cheap")])
        ask = ("user:bob", "viewer", "order:1")
        assert await engine.check(*ask, context={"total": 5})
        assert not await engine.check(*ask, context={"total": 500})
        undecided = await engine.check(*ask)
        assert isinstance(undecided, Conditional)
        assert undecided.missing == ("total",)
        assert [bool(each) for each in await engine.check_many([ask], context={"total": 5})] == [True]
        assert await engine.list_objects("order", "viewer", "user:bob", context={"total": 5}) == ["order:1"]


async def test_who_has_it_and_why(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write(
            ["order:1#reader@group:staff#member", "group:staff#member@user:bob", "order:1#owner@user:al"]
        )
        assert await engine.list_users("order:1", "viewer", "user") == ["user:al", "user:bob"]
        assert await engine.list_users("order:1", "viewer", "user", after="user:al", limit=1) == ["user:bob"]
        expansion = await engine.expand("group:staff", "member", tuples=["group:staff#member@user:eve"])
        assert "user:eve" in str(expansion)
        now = await engine.snapshot()
        assert now.list_users("order:1", "viewer", "user") == ["user:al", "user:bob"]
        assert "user:bob" in str(now.expand("group:staff", "member"))


async def test_an_expired_tuple_counts_no_longer_at_once(url: str) -> None:
    """Long before the sweeper comes, and it is not listed either."""
    now = [1_000.0]
    async with open(url, model=MODEL, clock=lambda: now[0]) as engine:
        brief = Relationship("order:1", "owner", "user:alice", expires_at=EpochSeconds(1_010))
        await engine.write([brief])
        assert await engine.check("user:alice", "viewer", "order:1")
        assert await engine.read() == [brief]
        now[0] = 1_010.0
        assert not await engine.check("user:alice", "viewer", "order:1")
        assert await engine.list_objects("order", "viewer", "user:alice") == []
        assert await engine.read() == []
        await engine.backend.sweep(EpochSeconds(1_010))
        swept = [change.operation async for change in engine.watch(0, idle=0)]
        assert swept == ["write", "delete"]


async def test_watching_goes_on_where_it_ended(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write(["order:1#owner@user:alice", "order:2#owner@user:alice"])
        first = [change async for change in engine.watch(0, idle=0)]
        assert [change.relationship for change in first] == [
            relationship("order:1#owner@user:alice"),
            relationship("order:2#owner@user:alice"),
        ]
        await engine.write([], ["order:1#owner@user:alice"])
        more = [change async for change in engine.watch(first[-1].revision, idle=0)]
        assert [(change.revision, change.operation) for change in more] == [(3, "delete")]


async def test_watching_hears_of_writes_as_they_come(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        changes = engine.watch()
        next_one = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0.05)
        await engine.write(["order:1#owner@user:alice"])
        change = await asyncio.wait_for(next_one, 30)
        assert change.relationship == relationship("order:1#owner@user:alice")
        await changes.aclose()


async def test_watching_from_before_the_feed_begins_is_an_error(url: str) -> None:
    """And an engine that fell behind loads everything anew."""
    now = [1_000.0]
    async with (
        open(url, model=MODEL, clock=lambda: now[0]) as engine,
        open(url, model=MODEL, maximum_lag=0) as other,
    ):
        behind = engine if url == "memory://" else other
        await engine.write(["order:1#owner@user:alice"])
        assert url == "memory://" or await behind.check("user:alice", "viewer", "order:1")
        await engine.write(["order:2#owner@user:alice"], ["order:1#owner@user:alice"])
        await engine.backend.sweep(EpochSeconds(1_000 + CHANGES_KEPT))
        with pytest.raises(ChangesGone, match="between revisions 1 and 3"):
            await anext(engine.watch(1))
        assert not await behind.check("user:alice", "viewer", "order:1")
        assert await behind.check("user:alice", "viewer", "order:2")


async def test_a_database_put_back_from_a_backup_counts_as_it_is(url: str) -> None:
    """Whatever this process remembers of later times."""
    async with open("memory://", model=MODEL) as engine, open(url, model=MODEL) as backup:
        await backup.write(["order:1#owner@user:alice"])
        await engine.write(["order:1#owner@user:bob", "order:2#owner@user:bob"])
        assert await engine.check("user:bob", "viewer", "order:1")
        engine.backend = backup.backend
        assert not await engine.check("user:bob", "viewer", "order:1")
        assert await engine.check("user:alice", "viewer", "order:1")


def test_the_blocking_engine_has_it_all(url: str) -> None:
    with open_sync(url, model=CONDITIONS, maximum_lag=60) as engine:
        revision = engine.write(["order:1#owner@user:alice", Relationship("order:2", "viewer", "user:alice", "cheap")])
        now = engine.snapshot(at_least=revision)
        assert now.allows("user:alice", "viewer", "order:1")
        for _ in range(3):
            assert engine.check("user:alice", "viewer", "order:2", context={"total": 1}, at_least=revision)
        assert engine.list_objects("order", "viewer", "user:alice", context={"total": 1}, limit=1) == ["order:1"]
        assert [change.revision for change in engine.watch(0, idle=0)] == [1, 2]
        assert engine.list_users("order:2", "viewer", "user", context={"total": 1}) == ["user:alice"]
        assert "user:alice" in str(engine.expand("order:1", "owner"))
        with pytest.raises(NotThereYet):
            engine.check("user:alice", "viewer", "order:1", at_least=revision + 1)


def test_threads_that_write_and_ask_never_miss_their_own_write(url: str) -> None:
    with open_sync(url, model=MODEL, maximum_lag=60) as engine, ThreadPoolExecutor(4) as pool:

        def turn(number: int) -> bool:
            revision = engine.write([f"order:{number}#owner@user:{number}"])
            held = engine.snapshot()
            seen = engine.check(f"user:{number}", "viewer", f"order:{number}")
            engine.write(deletes=[f"order:{number}#owner@user:{number}"])
            gone = not engine.check(f"user:{number}", "viewer", f"order:{number}")
            return bool(seen) and gone and held.revision >= revision

        assert all(pool.map(turn, range(40)))


def test_a_write_of_another_process_is_seen_without_a_look_at_the_clock(tmp_path: Path) -> None:
    """The blocking engine answers in the asking thread only while nothing was committed by anybody."""
    url = f"sqlite:///{tmp_path}/service.db"
    script = (
        "import sys\nfrom keystead.authz import open_sync\n"
        "with open_sync(sys.argv[1], model=sys.argv[2]) as engine:\n"
        "    print(engine.write(['order:1#owner@user:alice']))\n"
    )
    with open_sync(url, model=MODEL) as engine:
        for _ in range(3):
            assert not engine.check("user:alice", "viewer", "order:1")
        subprocess.run([sys.executable, "-c", script, url, MODEL], check=True, capture_output=True)
        assert engine.check("user:alice", "viewer", "order:1")


async def test_loading_tells_how_far_it_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/service.db"
    async with open(url, model=MODEL) as engine:
        await engine.write([f"order:{number}#owner@user:alice" for number in range(100)])
    told: list[int] = []
    async with open(url, model=MODEL, progress=told.append) as engine:
        assert await engine.check("user:alice", "viewer", "order:99")
    assert told == [100]
