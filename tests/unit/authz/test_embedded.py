"""What a service holds in its hands: writing, reading, asking, on both embedded backends."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from keystead.authz import (
    Allowed,
    Denied,
    InvalidQuery,
    InvalidRelationship,
    ModelError,
    Preconditions,
    WriteRefused,
    open,
    open_sync,
    relationship,
)
from keystead.core import decisions
from keystead.core.errors import ConfigurationError
from keystead.storage.ports import Relationship

MODEL: Final = """model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type order
  relations
    define owner: [user]
    define reader: [user, user:*, group#member] or owner
    define blocked: [user]
    define viewer: reader but not blocked
"""


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Both embedded backends."""
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/service.db"


async def test_a_yes_carries_the_path_and_its_tuples(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        revision = await engine.write(["order:17#reader@group:staff#member", "group:staff#member@user:alice"])
        decision = await engine.check("user:alice", "viewer", "order:17")
    assert isinstance(decision, Allowed)
    assert isinstance(decision, decisions.Allowed)
    assert decision.revision == revision
    assert [str(each) for each in decision.tuples] == [
        str(relationship("order:17#reader@group:staff#member")),
        str(relationship("group:staff#member@user:alice")),
    ]
    assert str(decision).splitlines() == [
        "allowed",
        "  order:17#viewer: all of the following",
        "    order:17#reader: given to group:staff#member",
        "    group:staff#member: named by a tuple",
        "    order:17#viewer: not order:17#blocked",
    ]


async def test_a_no_carries_the_reason(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write(["order:17#owner@user:alice"])
        decision = await engine.check("user:bob", "viewer", "order:17")
        assert isinstance(decision, Denied)
        assert isinstance(decision, decisions.Denied)
        assert (bool(decision), decision.reason) == (False, "authz.no_path")
        assert "order:17#owner" in decision.looked_at
        await engine.write(["order:17#blocked@user:alice"])
        taken = await engine.explain("user:alice", "viewer", "order:17")
        assert isinstance(taken, Denied)
        assert taken.reason == "authz.excluded"
        assert "order:17#blocked" in taken.detail


async def test_many_questions_are_answered_at_one_revision(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write(["order:1#owner@user:alice", "order:2#owner@user:bob"])
        asked = [("user:alice", "viewer", f"order:{number}") for number in (1, 2, 3)]
        answers = await engine.check_many(asked)
        assert [bool(each) for each in answers] == [True, False, False]
        assert {each.revision for each in answers} == {2}


async def test_deletes_take_effect_at_once(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        first = await engine.write(["group:staff#member@user:alice", "order:1#reader@group:staff#member"])
        assert await engine.check("user:alice", "viewer", "order:1")
        assert await engine.write(deletes=["group:staff#member@user:alice"]) > first
        assert not await engine.check("user:alice", "viewer", "order:1")
        assert await engine.list_objects("order", "viewer", "user:alice") == []


async def test_a_write_the_model_does_not_allow_is_refused_with_the_remedy(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        for text, hint in {
            "order:1#owner@group:staff#member": r"takes \[user\]",
            "order:1#viewer@user:alice": "is computed and takes no tuples",
            "order:1#seller@user:alice": "no `seller` on type `order`",
            "parcel:1#owner@user:alice": "type `parcel`",
            "order:1#owner@user:*": r"takes \[user\]",
            "order 1#owner@user:alice": "without spaces",
            "order:1 owner user:alice": "write `order:17#owner@user:alice`",
        }.items():
            with pytest.raises(InvalidRelationship, match=hint):
                await engine.write(["order:9#owner@user:alice", text])
        with pytest.raises(InvalidRelationship, match=r"with today: .* takes \[user\]"):
            await engine.write([Relationship("order:1", "owner", "user:alice", condition="today")])
        assert await engine.read() == []


async def test_writes_are_all_or_nothing(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write(["order:1#owner@user:alice"])
        with pytest.raises(WriteRefused, match="duplicate") as refused:
            await engine.write(["order:2#owner@user:alice", "order:1#owner@user:alice"])
        assert refused.value.which == "order:1#owner@user:alice"
        with pytest.raises(WriteRefused, match="missing"):
            await engine.write(["order:2#owner@user:alice"], ["order:3#owner@user:alice"])
        assert not await engine.check("user:alice", "owner", "order:2")
        await engine.write(
            ["order:1#owner@user:alice"], ["order:3#owner@user:x"], ignore_duplicates=True, ignore_missing=True
        )


async def test_preconditions_are_decided_with_the_write(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write(["order:1#owner@user:alice"])
        handover = Preconditions(must_exist=("order:1#owner@user:alice",), must_not_exist=("order:1#owner@user:bob",))
        arguments = (["order:1#owner@user:bob"], ["order:1#owner@user:alice"], handover)
        await engine.write(*arguments)
        with pytest.raises(WriteRefused, match="must_exist"):
            await engine.write(*arguments)
        assert [each.user for each in await engine.read("order:1")] == ["user:bob"]


async def test_reading_filters_and_pages(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        await engine.write([f"order:{number:04}#owner@user:alice" for number in range(1_200)])
        await engine.write(["group:staff#member@user:alice"])
        first = await engine.read("order:")
        rest = await engine.read("order:", after=first[-1])
        assert (len(first), len(rest)) == (1_000, 200)
        assert len(await engine.read(relation="member")) == 1
        assert len(await engine.list_objects("order", "viewer", "user:alice")) == 1_200


async def test_two_engines_on_one_database_see_each_others_writes_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/service.db"
    async with open(url, model=MODEL) as one, open(url, model=MODEL) as other:
        for number in range(50):
            await one.write([f"order:{number}#owner@user:alice"])
            assert await other.check("user:alice", "viewer", f"order:{number}")
            await other.write(deletes=[f"order:{number}#owner@user:alice"])
            assert not await one.check("user:alice", "viewer", f"order:{number}")


async def test_a_write_of_another_process_counts_for_the_next_question(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/service.db"
    script = (
        "import sys\nfrom keystead.authz import open_sync\n"
        "with open_sync(sys.argv[1], model=sys.argv[2]) as engine:\n"
        "    print(engine.write(['order:1#owner@user:alice']))\n"
    )
    async with open(url, model=MODEL) as engine:
        assert not await engine.check("user:alice", "viewer", "order:1")
        subprocess.run([sys.executable, "-c", script, url, MODEL], check=True, capture_output=True)
        assert await engine.check("user:alice", "viewer", "order:1")


async def test_tuples_outlive_the_process_and_a_narrower_model_takes_rights_away(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/service.db"
    async with open(url, model=MODEL) as engine:
        await engine.write(["order:1#reader@user:*", "order:1#owner@user:alice"])
    narrower = MODEL.replace("[user, user:*, group#member]", "[user, group#member]")
    async with open(url, model=narrower) as engine:
        assert not await engine.check("user:bob", "viewer", "order:1")
        assert await engine.check("user:alice", "viewer", "order:1")


async def test_nonsense_is_an_error_and_says_what_there_is(url: str) -> None:
    async with open(url, model=MODEL) as engine:
        with pytest.raises(InvalidQuery, match="type `order` has no relation `seller`: it has blocked, owner, reader"):
            await engine.check("user:alice", "seller", "order:1")
        with pytest.raises(InvalidQuery, match="no type `robot`"):
            await engine.check("robot:1", "viewer", "order:1")
        with pytest.raises(InvalidQuery, match="no relation `seller`"):
            await engine.check("order:1#seller", "viewer", "order:1")
        with pytest.raises(InvalidQuery):
            await engine.list_objects("parcel", "viewer", "user:alice")
        with pytest.raises(InvalidQuery):
            await engine.list_objects("order", "viewer", "alice")


def test_opening_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="9:19: the relation `boss` does not exist"):
        open("memory://", model=MODEL.replace("[user]\n    define reader", "boss\n    define reader"))
    for url in ("sqlite://", "sqlite:///", "postgresql://", "mysql://localhost/x", "orders.db", "memory"):
        with pytest.raises(ConfigurationError, match="memory://"):
            open(url, model=MODEL)


def test_threads_share_the_blocking_engine(url: str) -> None:
    with open_sync(url, model=MODEL) as engine, ThreadPoolExecutor(8) as pool:

        def own(number: int) -> bool:
            engine.write([f"order:{number}#owner@user:{number % 7}"])
            return bool(engine.check(f"user:{number % 7}", "viewer", f"order:{number}"))

        assert all(pool.map(own, range(100)))
        assert [
            bool(each) for each in engine.check_many([("user:1", "owner", "order:1"), ("user:1", "owner", "order:2")])
        ] == [True, False]
        assert len(engine.list_objects("order", "viewer", "user:3")) == 14
        assert len(engine.read("order:8")) == 1
        assert isinstance(engine.explain("user:1", "owner", "order:1"), Allowed)
    engine.close()


def test_the_blocking_engine_refuses_a_wrong_model_and_leaves_no_thread() -> None:
    import threading

    with pytest.raises(ModelError):
        open_sync("memory://", model="model")
    assert not [thread for thread in threading.enumerate() if thread.name == "keystead-authz"]
