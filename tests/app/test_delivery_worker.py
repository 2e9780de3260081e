"""The delivery worker: what was put is sent once, soon, again after failures, and not for ever."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from keystead.app.delivery_worker import wait_before
from keystead.core.records.delivery import DELIVERY_SEAL, Delivery, new_delivery_id
from keystead.core.values import EpochSeconds
from keystead.storage.ports import MAX_PAGE, Write, claim_deliveries, deliver, due_first
from tests.contract.backends import BACKENDS, SHARED, location
from tests.issuer import Issuer
from tests.receiver import Receiver, receiver, until
from tests.sending import working


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    """A receiver."""
    async with receiver() as made:
        yield made


def clock() -> EpochSeconds:
    """The clock the worker reads too."""
    return EpochSeconds(int(time.time()))


async def put(issuer: Issuer, url: str, **more: Any) -> None:
    """Put a delivery."""
    fields: dict[str, Any] = {"purpose": "test", "body": b"hello", "content_type": "text/plain", **more}
    delivery = Delivery(realm="acme", id=new_delivery_id(), url=url, **fields)
    await issuer.store.write(lambda: deliver(delivery, clock()))


async def waiting(issuer: Issuer) -> list[Delivery]:
    """Return what is still to be sent."""
    return await issuer.store.read(due_first("acme", clock()))


async def nothing_waits(issuer: Issuer) -> None:
    """Wait until the queue is empty."""
    while await waiting(issuer):
        await asyncio.sleep(0.01)


def reasons(issuer: Issuer) -> list[str]:
    """What the journal says about deliveries."""
    return [one.reason for one in issuer.journal.decisions if one.action == "delivery.send"]


async def test_what_is_put_is_posted_with_its_sealed_authorization(issuer: Issuer, there: Receiver) -> None:
    sealed = issuer.cx.sealer.seal("acme", DELIVERY_SEAL, "test", b"Bearer for-the-receiver")
    async with working(issuer):
        await asyncio.sleep(0.1)
        await put(issuer, f"{there.origin}/hook", authorization=sealed)
        [got] = await there.wait_for(1)
        await asyncio.wait_for(nothing_waits(issuer), 20)
    assert (got.path, got.body) == ("/hook", b"hello")
    assert got.headers["authorization"] == "Bearer for-the-receiver"
    assert got.headers["content-type"] == "text/plain"
    assert reasons(issuer) == ["delivery.sent"]


async def test_a_sealed_body_is_opened_only_to_be_sent(issuer: Issuer, there: Receiver) -> None:
    body = issuer.cx.sealer.seal("acme", DELIVERY_SEAL, "test", b"tokens")
    await put(issuer, there.origin, body=body, sealed=True)
    async with working(issuer):
        [got] = await there.wait_for(1)
    assert got.body == b"tokens"


async def test_a_failure_is_tried_again_and_a_refusal_is_not(issuer: Issuer, there: Receiver) -> None:
    there.answers = [503]
    async with working(issuer):
        await put(issuer, there.origin)
        await there.wait_for(2)
        there.answers = [400]
        await put(issuer, there.origin)
        await there.wait_for(3)
        await until(lambda: len(reasons(issuer)) == 3)
    assert reasons(issuer) == ["delivery.postponed", "delivery.sent", "delivery.refused"]
    assert await waiting(issuer) == []


async def test_it_is_not_tried_for_ever_and_the_journal_says_so(issuer: Issuer, there: Receiver) -> None:
    there.usual = 500
    async with working(issuer):
        await put(issuer, there.origin, give_up_at=EpochSeconds(clock() + 1))
        await until(lambda: "delivery.given_up" in reasons(issuer))
        await asyncio.wait_for(nothing_waits(issuer), 20)


@pytest.mark.parametrize("backend", SHARED)
async def test_several_workers_on_one_database_send_each_message_once(
    backend: str, there: Receiver, tmp_path: Path
) -> None:
    nodes = [Issuer(tmp_path, store=BACKENDS[backend](location(tmp_path))) for _ in range(3)]
    try:
        async with working(*nodes):
            for number in range(60):
                await put(nodes[number % 3], f"{there.origin}/{number}")
            await there.wait_for(60)
            await asyncio.wait_for(nothing_waits(nodes[0]), 45)
    finally:
        for node in nodes:
            await node.close()
    assert sorted(got.path for got in there.got) == sorted(f"/{number}" for number in range(60))


async def test_the_claim_of_a_worker_that_died_runs_out(issuer: Issuer, there: Receiver) -> None:
    await put(issuer, there.origin)
    found, now = await waiting(issuer), clock()
    claimed = await issuer.store.write(lambda: claim_deliveries(found, EpochSeconds(now + 2), now))
    assert [one.attempts for one in claimed] == [1]
    assert await issuer.store.write(lambda: claim_deliveries(found, EpochSeconds(now + 2), now)) == []
    async with working(issuer):
        await asyncio.sleep(0.3)
        assert there.got == [] or clock() >= now + 2
        await there.wait_for(1)


async def test_a_dead_receiver_does_not_keep_the_others_waiting(issuer: Issuer, there: Receiver) -> None:
    for _ in range(40):
        await put(issuer, "http://127.0.0.1:9/nobody")
    async with working(issuer):
        await put(issuer, there.origin)
        await there.wait_for(1)


async def test_a_long_queue_for_a_silent_receiver_does_not_hide_the_others(issuer: Issuer, there: Receiver) -> None:
    """More than one page of the queue is due and cannot be sent; what comes later is still found."""
    now = clock()
    fields: dict[str, Any] = {"purpose": "test", "body": b"x", "content_type": "text/plain"}

    def put_many() -> Write[None]:
        for _ in range(MAX_PAGE + 50):
            dead = Delivery(realm="acme", id=new_delivery_id(), url=silent, **fields)
            yield from deliver(dead, EpochSeconds(now - 60))

    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes connections, and never says a word
        silent = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        await issuer.store.write(put_many)
        async with working(issuer):
            await put(issuer, there.origin)
            await there.wait_for(1)


@pytest.mark.attack("S1")
async def test_a_delivery_reaches_no_private_address(issuer: Issuer) -> None:
    async with working(issuer):
        await put(issuer, "https://169.254.169.254/latest")
        await until(lambda: reasons(issuer) == ["delivery.postponed"])
    assert "public address" in issuer.journal.decisions[-1].facts["why"]


def test_waits_double_and_stay_within_an_hour() -> None:
    for attempts in range(1, 40):
        longest = min(3600, 2 ** min(attempts, 16))
        assert all(max(1, longest / 2 - 1) <= wait_before(attempts) <= longest for _ in range(20))
