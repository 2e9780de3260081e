"""The outbox: in commit order, without holes filled later, and whoever waits is woken."""

from __future__ import annotations

import asyncio
import time

import pytest

from keystead.core.values import EpochSeconds
from keystead.storage.ports import OutboxEvent, Store, Write, emit, read_outbox
from tests.contract.kinds import LATER, NOW


def say(payload: bytes, topic: str = "revocation", realm: str = "acme") -> Write[None]:
    """Emit one event."""
    return emit(realm, topic, payload, NOW, LATER)


async def test_events_are_numbered_across_realms(store: Store) -> None:
    """One sequence for all, so that one reader can follow all."""
    await store.write(lambda: say(b"1"))
    await store.write(lambda: say(b"2", realm="other"))
    await store.write(lambda: say(b"3", topic="audit"))
    events = await store.read(read_outbox())
    assert [event.payload for event in events] == [b"1", b"2", b"3"]
    assert [event.sequence for event in events] == sorted({event.sequence for event in events})
    first, second, third = events
    assert second == OutboxEvent(second.sequence, "other", "revocation", b"2", NOW)
    assert await store.read(read_outbox("audit")) == [third]
    assert await store.read(read_outbox(after=first.sequence, limit=1)) == [second]
    assert await store.read(read_outbox("revocation", after=second.sequence)) == []


async def test_a_number_is_never_given_twice(store: Store) -> None:
    """Not even when the newest events were swept, so that a reader's position stays good."""
    await store.write(lambda: say(b"1"))
    (before,) = await store.read(read_outbox())
    assert await store.sweep(LATER) == 1
    assert await store.read(read_outbox()) == []
    assert await store.changed(0, 0) == before.sequence
    await store.write(lambda: say(b"2"))
    (after,) = await store.read(read_outbox())
    assert after.sequence > before.sequence


async def test_changed_answers_at_once_when_there_is_news(store: Store) -> None:
    """Also with no time to wait."""
    assert await store.changed(0, 0) == 0
    await store.write(lambda: say(b"1"))
    newest = await store.changed(0, 10)
    assert newest > 0
    assert await store.changed(newest, 0) == newest


async def test_changed_is_woken_by_a_commit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """All waiters of the process, though nobody polls."""
    for bell in ("keystead.storage.bell", "keystead.storage.postgres.bell"):
        monkeypatch.setattr(f"{bell}.POLL_SECONDS", 600.0)
    for _ in range(10):
        newest = await store.changed(0, 0)
        waiters = [asyncio.create_task(store.changed(newest, 500)) for _ in range(5)]
        await asyncio.sleep(0)
        await store.write(lambda: say(b"1"))
        async with asyncio.timeout(40):
            assert set(await asyncio.gather(*waiters)) == {newest + 1}


async def test_changed_gives_up_in_time(store: Store) -> None:
    """When nothing comes the answer is what was known."""
    await store.write(lambda: say(b"1"))
    newest = await store.changed(0, 0)
    begun = time.perf_counter()
    assert await store.changed(newest, 0.15) == newest
    assert 0.1 < time.perf_counter() - begun < 30


async def test_changed_can_be_cancelled(store: Store) -> None:
    """And leaves nothing behind that others would trip over."""
    waiter = asyncio.create_task(store.changed(0, 10))
    await asyncio.sleep(0.01)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    await store.write(lambda: say(b"1"))
    assert await store.changed(0, 1) > 0


async def test_a_rolled_back_event_was_never_there(store: Store) -> None:
    """Events live and die with their transaction."""

    def half() -> Write[None]:
        yield from emit("acme", "revocation", b"x", NOW, EpochSeconds(LATER))
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(half)
    assert await store.read(read_outbox()) == []
    assert await store.changed(0, 0) == 0
