"""Facts of a served store, followed into an engine: the same answers, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import msgspec
import pytest

from keystead.authz import AuthorizationEngine, Denied, InvalidRelationship, StaleFacts, open, open_sync
from keystead.authz.served import AuthorizationStores
from keystead.authz.served.feed import Cursor
from keystead.authz.shared import CursorRefused, FactsPage
from keystead.authz.shared.page import KeptFacts
from keystead.core.values import EpochSeconds
from keystead.storage.memory import MemoryStore
from keystead.storage.ports import CHANGES_KEPT, Relationship, RelationshipsWritten, WriteRelationships

MODEL: Final = """model
  schema 1.1
type user
type tenant
  relations
    define member: [user, group#member]
    define barred: [user]
type group
  relations
    define member: [user, group#member]
type order
  relations
    define owner: [user]
    define tenant: [tenant]
    define reader: [group#member]
    define viewer: (owner or reader or member from tenant) but not barred from tenant
"""
REALM: Final = "default"
SHARED: Final = frozenset(("group", "tenant"))


class Line:
    """What stands between a store and who follows it: everything is really served, and the line may be cut."""

    def __init__(self, stores: AuthorizationStores, store: str) -> None:
        self.types = SHARED
        self.fail_closed_after = 0.0
        self.fail_closed: Mapping[str, float] = {}
        self.cut = False
        self.kept: KeptFacts | None = None
        self.forged: list[Relationship] = []
        self._stores = stores
        self._store = store

    async def pull(self, cursor: str, wait: float) -> FactsPage:
        """Ask the store, through JSON."""
        if cursor == "unknown":
            raise CursorRefused("never heard of it")
        before = msgspec.json.decode(cursor, type=Cursor) if cursor else None
        looks = 40 if wait else 1
        while True:
            if self.cut:
                raise ConnectionError("the line is cut")
            page, after = await self._stores.facts(REALM, self._store, self.types, before)
            looks -= 1
            if page.reset or page.more or page.changes or not looks:
                break
            await asyncio.sleep(0.01)
        tuples = [*page.tuples, *[msgspec.structs.astuple(each) for each in self.forged]] if page.tuples else []
        sent = msgspec.structs.replace(page, cursor=msgspec.json.encode(after).decode(), tuples=tuples)
        return msgspec.json.decode(msgspec.json.encode(sent), type=FactsPage)

    def remembered(self) -> KeptFacts | None:
        """Return what was kept."""
        return self.kept

    def remember(self, facts: KeptFacts) -> None:
        """Keep it."""
        self.kept = facts

    async def close(self) -> None:
        """Nothing is open."""


class Owner:
    """The served store that owns the facts."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.backend = MemoryStore()
        self.stores = AuthorizationStores(self.backend, lambda: self.now)
        self.store = ""

    async def write(self, writes: tuple[str, ...] = (), deletes: tuple[str, ...] = ()) -> int:
        """Write facts. Answer: the revision."""
        from keystead.authz import relationship

        coming, going = (tuple(relationship(each) for each in some) for some in (writes, deletes))
        now = EpochSeconds(int(self.now))
        outcome = await self.stores.write(WriteRelationships(REALM, self.store, coming, going, now))
        assert isinstance(outcome, RelationshipsWritten)
        return outcome.revision


@pytest.fixture
async def owner() -> Owner:
    """A store with some facts."""
    owner = Owner()
    owner.store = (await owner.stores.create(REALM, "facts")).id
    await owner.write(("group:staff#member@user:alice", "tenant:acme#member@group:staff#member"))
    return owner


@pytest.fixture
def line(owner: Owner) -> Line:
    """The way to it."""
    return Line(owner.stores, owner.store)


@pytest.fixture
async def engine(line: Line) -> AsyncIterator[AuthorizationEngine]:
    """A service's engine with tuples of its own, and the shared facts."""
    async with open("memory://", model=MODEL, shared=line) as engine:
        await engine.write(["order:1#tenant@tenant:acme", "order:2#reader@group:staff#member"])
        yield engine


async def until(holds: Callable[[], bool]) -> None:
    """Wait for the follower."""
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.005)


async def reached(engine: AuthorizationEngine, revision: int) -> None:
    """Wait until a revision of the owner has come."""
    following = engine.shared
    assert following is not None
    await until(lambda: following.position >= revision)


async def test_own_tuples_and_shared_facts_are_one_graph(engine: AuthorizationEngine) -> None:
    for number in (1, 2):
        decision = await engine.check("user:alice", "viewer", f"order:{number}")
        assert decision
        assert "group:staff" in str(decision)
        assert not await engine.check("user:bob", "viewer", f"order:{number}")
    assert await engine.list_objects("order", "viewer", "user:alice") == ["order:1", "order:2"]
    assert await engine.list_users("order:1", "viewer", "user") == ["user:alice"]


async def test_changes_come_by_themselves(engine: AuthorizationEngine, owner: Owner) -> None:
    assert await engine.check("user:alice", "viewer", "order:1")
    await reached(engine, await owner.write(("group:staff#member@user:bob", "tenant:acme#barred@user:alice")))
    assert not await engine.check("user:alice", "viewer", "order:1")
    assert await engine.check("user:bob", "viewer", "order:1")
    await reached(engine, await owner.write((), ("group:staff#member@user:bob",)))
    assert not await engine.check("user:bob", "viewer", "order:1")
    assert not await engine.check("user:bob", "viewer", "order:2")


async def test_shared_facts_are_only_read_here(engine: AuthorizationEngine) -> None:
    with pytest.raises(InvalidRelationship, match="a shared fact"):
        await engine.write(["group:staff#member@user:eve"])
    with pytest.raises(InvalidRelationship, match="a shared fact"):
        await engine.write([], ["group:staff#member@user:alice"])
    assert await engine.check("user:eve", "viewer", "order:2", tuples=["group:staff#member@user:eve"])
    assert not await engine.check("user:eve", "viewer", "order:2")


@pytest.mark.attack("C1")
async def test_local_tuples_of_shared_types_do_not_count(owner: Owner, line: Line) -> None:
    """Left over from before the types were shared, or written by another hand into the same file."""
    async with open("memory://", model=MODEL) as before:
        await before.write(["group:staff#member@user:eve", "order:2#reader@group:staff#member"])
        async with open("memory://", model=MODEL, shared=line) as engine:
            engine.backend = before.backend
            assert await engine.check("user:alice", "viewer", "order:2")
            assert not await engine.check("user:eve", "viewer", "order:2")
            await before.write(["group:staff#member@user:mallory", "order:3#reader@group:staff#member"])
            assert await engine.check("user:alice", "viewer", "order:3")
            assert not await engine.check("user:mallory", "viewer", "order:3")


@pytest.mark.attack("C1")
async def test_a_server_cannot_give_away_what_is_not_shared(line: Line) -> None:
    line.forged = [Relationship("order:1", "owner", "user:mallory")]
    async with open("memory://", model=MODEL, shared=line) as engine:
        await engine.write(["order:2#reader@group:staff#member"])
        assert await engine.check("user:alice", "viewer", "order:2")
        assert not await engine.check("user:mallory", "viewer", "order:1")


async def test_decisions_go_on_when_the_line_is_cut(engine: AuthorizationEngine, owner: Owner, line: Line) -> None:
    assert await engine.check("user:alice", "viewer", "order:1")
    following = engine.shared
    assert following is not None
    line.cut = True
    await until(lambda: bool(following.last_failure))
    revision = await owner.write((), ("group:staff#member@user:alice",))
    stale = following.staleness
    assert await engine.check("user:alice", "viewer", "order:1")
    await asyncio.sleep(0.02)
    assert following.staleness > stale
    assert "the line is cut" in following.last_failure
    line.cut = False
    await reached(engine, revision)
    assert not await engine.check("user:alice", "viewer", "order:1")
    assert following.last_failure == ""


async def test_what_hangs_on_old_facts_may_be_denied(engine: AuthorizationEngine, line: Line) -> None:
    """Beyond the bound, for relations that can reach shared facts; the others are decided as ever."""
    await engine.write(["order:9#owner@user:alice"])
    assert await engine.check("user:alice", "viewer", "order:1")
    following = engine.shared
    assert following is not None
    line.cut = True
    await until(lambda: bool(following.last_failure))
    line.fail_closed = {"order#viewer": 0.001}
    await until(lambda: following.staleness > 0.002)
    refused = await engine.check("user:alice", "viewer", "order:1")
    assert isinstance(refused, Denied)
    assert refused.reason == "authz.stale_facts"
    assert "the line is cut" in refused.detail
    assert await engine.check("user:alice", "owner", "order:9")
    assert await engine.check("user:alice", "reader", "order:2")
    answers = await engine.check_many([("user:alice", "viewer", "order:1"), ("user:alice", "owner", "order:9")])
    assert [bool(each) for each in answers] == [False, True]
    now = await engine.snapshot()
    assert not now.allows("user:alice", "viewer", "order:1")
    with pytest.raises(StaleFacts):
        await engine.list_objects("order", "viewer", "user:alice")
    with pytest.raises(StaleFacts):
        await engine.list_users("order:1", "viewer", "user")
    line.fail_closed, line.fail_closed_after = {}, 3600.0
    assert await engine.check("user:alice", "viewer", "order:1")


async def test_before_the_facts_came_nothing_that_hangs_on_them_is_allowed(line: Line) -> None:
    """Not even what a missing fact would have taken away."""
    line.cut = True
    async with open("memory://", model=MODEL, shared=line) as engine:
        await engine.write(["order:1#owner@user:alice", "order:1#tenant@tenant:acme"])
        refused = await engine.check("user:alice", "viewer", "order:1")
        assert isinstance(refused, Denied)
        assert refused.reason == "authz.stale_facts"
        assert await engine.check("user:alice", "owner", "order:1")
        line.cut = False
        following = engine.shared
        assert following is not None
        await until(lambda: following.complete)
        assert await engine.check("user:alice", "viewer", "order:1")


async def test_who_was_away_too_long_gets_everything_anew(
    engine: AuthorizationEngine, owner: Owner, line: Line
) -> None:
    assert await engine.check("user:alice", "viewer", "order:1")
    following = engine.shared
    assert following is not None
    line.cut = True
    await until(lambda: bool(following.last_failure))
    await owner.write(("group:staff#member@user:bob",), ("group:staff#member@user:alice",))
    await owner.backend.sweep(EpochSeconds(1_000 + CHANGES_KEPT))
    line.cut = False
    await until(lambda: not following.last_failure and following.position == 4)
    assert not await engine.check("user:alice", "viewer", "order:1")
    assert await engine.check("user:bob", "viewer", "order:1")


async def test_a_cursor_the_server_does_not_know_begins_anew(engine: AuthorizationEngine, owner: Owner) -> None:
    assert await engine.check("user:alice", "viewer", "order:1")
    following = engine.shared
    assert following is not None
    following._cursor = "unknown"
    await reached(engine, await owner.write((), ("group:staff#member@user:alice",)))
    assert not await engine.check("user:alice", "viewer", "order:1")


async def test_many_facts_come_in_pages_while_others_change(owner: Owner, line: Line) -> None:
    """Pages are read at different states, and what comes of them is the last one."""
    everything = tuple(f"group:g{number:05}#member@user:u{number}" for number in range(5_400))
    for start in range(0, len(everything), 900):
        await owner.write(everything[start : start + 900])
    pull = line.pull

    async def pull_and_change(cursor: str, wait: float) -> FactsPage:
        page = await pull(cursor, wait)
        if page.reset:
            await owner.write(("group:g00000#member@user:late", "group:zz#member@user:late"), everything[:1])
        return page

    line.pull = pull_and_change  # type: ignore[method-assign]  # something happens between two pages
    async with open("memory://", model=MODEL, shared=line) as engine:
        await engine.write(["order:1#reader@group:g00000#member", "order:2#reader@group:g05399#member"])
        await engine.check("user:u5399", "viewer", "order:2")
        following = engine.shared
        assert following is not None
        await until(lambda: following.complete)
        assert await engine.check("user:u5399", "viewer", "order:2")
        assert await engine.check("user:late", "viewer", "order:1")
        assert not await engine.check("user:u0", "viewer", "order:1")
        assert len(following.facts) == 5_400 + 2 + 1


async def test_a_held_snapshot_does_not_see_later_facts(engine: AuthorizationEngine, owner: Owner) -> None:
    before = await engine.snapshot()
    assert before.allows("user:alice", "viewer", "order:1")
    await reached(engine, await owner.write((), ("group:staff#member@user:alice",)))
    assert before.allows("user:alice", "viewer", "order:1")
    assert not await engine.check("user:alice", "viewer", "order:1")


def test_the_blocking_engine_follows_too() -> None:
    owner = Owner()

    async def furnish() -> None:
        owner.store = (await owner.stores.create(REALM, "facts")).id
        await owner.write(("group:staff#member@user:alice",))

    asyncio.run(furnish())
    with open_sync("memory://", model=MODEL, shared=Line(owner.stores, owner.store)) as engine:
        engine.write(["order:2#reader@group:staff#member"])
        assert engine.check("user:alice", "viewer", "order:2")
        assert engine.shared is not None
        assert engine.shared.staleness < 60
        assert engine.shared.position == 1
