"""A service stays connected from token to token: no message lost, none twice; and it comes back when it was cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from keystead.core.errors import ConfigurationError
from keystead.core.records.workload import RoleAssignment, Workload
from keystead.core.trace import new_trace
from keystead.core.values import EpochSeconds, Secret
from keystead.sdk.bus import Bus, BusMessage, BusUnavailable, Handler
from keystead.sdk.kept_tokens import ObtainedToken
from tests.attack.local_bus import BILLING, LocalBus, clock, free_port, local_bus, start_server


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[LocalBus]:
    async with local_bus(tmp_path) as running:
        yield running


async def test_renewal_on_both_sides_loses_nothing_and_repeats_nothing(bus: LocalBus) -> None:
    sender, sent_reports = await bus.bus("orders", lifetime=3)
    receiver, received_reports = await bus.bus("billing", lifetime=3)
    received: list[int] = []

    async def keep(message: BusMessage) -> None:
        received.append(int(message.payload))

    await receiver.subscribe("orders.>", keep)
    loop = asyncio.get_running_loop()
    began, count = loop.time(), 0
    while loop.time() - began < 5.5:
        for _ in range(5):
            await sender.publish("orders.placed", str(count).encode())
            count += 1
        await asyncio.sleep(0.002)
    await sender.flush()
    await _until(lambda: len(received) >= count)
    connects = [one for one in bus.journal.decisions if one.action == "bus.connect" and one.allowed]
    await sender.close()
    await receiver.close()
    assert sorted(received) == list(range(count))
    assert count > 100
    for workload in ("orders", "billing"):
        assert len([one for one in connects if one.subject == workload]) >= 3
    assert sent_reports == received_reports == []


async def test_what_one_service_publishes_keeps_its_order_across_its_renewals(bus: LocalBus) -> None:
    sender, _ = await bus.bus("orders")
    receiver, _ = await bus.bus("billing")
    received: list[int] = []

    async def keep(message: BusMessage) -> None:
        received.append(int(message.payload))

    await receiver.subscribe("orders.>", keep)
    for number in range(3_000):
        await sender.publish("orders.placed", str(number).encode())
        if number % 500 == 250:
            token = ObtainedToken(Secret(await bus.token("orders")), EpochSeconds(clock() + 300))
            await sender._take_over(token)
    await sender.flush()
    await _until(lambda: len(received) == 3_000)
    await sender.close()
    await receiver.close()
    assert received == list(range(3_000))


async def test_a_handler_may_publish_while_the_connection_is_renewed(bus: LocalBus) -> None:
    """A handler at work when a renewal is due must not make the renewal and the publication wait for each other."""
    both = Workload(realm="acme", id="both", roles=(*BILLING, RoleAssignment("bus-sender", "done.>")))
    await bus.change("workload", "both", both)
    service, reports = await bus.bus("both", lifetime=3)
    sender, _ = await bus.bus("orders")
    done: list[int] = []

    async def work(message: BusMessage) -> None:
        await asyncio.sleep(0.25)
        await service.publish("done.it", message.payload)
        done.append(int(message.payload))

    await service.subscribe("orders.>", work)
    for number in range(14):
        await sender.publish("orders.placed", str(number).encode())
    await sender.flush()
    async with asyncio.timeout(60):
        while len(done) < 14:
            await asyncio.sleep(0.05)
    await service.close()
    await sender.close()
    assert done == list(range(14))
    assert reports == []


async def test_members_of_a_queue_share(bus: LocalBus) -> None:
    sender, _ = await bus.bus("orders")
    members = [(await bus.bus("billing"))[0] for _ in range(3)]
    received: list[tuple[int, bytes]] = []

    def keeper(number: int) -> Handler:
        async def keep(message: BusMessage) -> None:
            received.append((number, message.payload))

        return keep

    for number, member in enumerate(members):
        await member.subscribe("orders.>", keeper(number), queue="billing")
    for number in range(60):
        await sender.publish("orders.placed", str(number).encode())
    await sender.flush()
    await _until(lambda: len(received) >= 60)
    for one in (sender, *members):
        await one.close()
    assert len(received) == 60
    assert {number for number, _ in received} == {0, 1, 2}


async def test_the_trace_goes_along(bus: LocalBus) -> None:
    sender, _ = await bus.bus("orders")
    receiver, _ = await bus.bus("billing")
    arrived: asyncio.Future[BusMessage] = asyncio.get_running_loop().create_future()

    async def keep(message: BusMessage) -> None:
        arrived.set_result(message)

    await receiver.subscribe("orders.>", keep)
    trace = new_trace()
    await sender.publish("orders.placed", b"x", trace=trace, headers={"kind": "test"})
    message = await asyncio.wait_for(arrived, 40)
    assert message.trace.trace_id == trace.trace_id
    assert message.trace.parent_id == trace.span_id
    assert message.headers["kind"] == "test"
    await sender.close()
    await receiver.close()


async def test_kicked_and_back_when_the_role_is(bus: LocalBus) -> None:
    sender, _ = await bus.bus("orders")
    receiver, reports = await bus.bus("billing")
    received: list[bytes] = []

    async def keep(message: BusMessage) -> None:
        received.append(message.payload)

    await receiver.subscribe("orders.>", keep)
    await bus.change("role_assignment", "billing", Workload(realm="acme", id="billing"))
    await _until(lambda: any(reason == "bus.renewal_failed" for reason, _ in reports))
    await sender.publish("orders.placed", b"nobody hears this")
    await sender.flush()
    await bus.change("role_assignment", "billing", Workload(realm="acme", id="billing", roles=BILLING))
    for number in range(100):
        await sender.publish("orders.placed", str(number).encode())
        if received:
            break
        await asyncio.sleep(0.1)
    assert received
    assert b"nobody hears this" not in received
    assert reports[0][0] in {"bus.connection_lost", "bus.problem"}
    await sender.close()
    await receiver.close()


async def test_the_server_goes_and_comes_back(bus: LocalBus, tmp_path: Path) -> None:
    sender, _ = await bus.bus("orders")
    port = int(bus.url.rpartition(":")[2])
    bus.server.kill()
    await bus.server.wait()
    publishing = asyncio.create_task(sender.publish("orders.placed", b"waits"))
    await asyncio.sleep(0.3)
    server, _ = await start_server(tmp_path / "bus", port=port)
    try:
        await asyncio.wait_for(publishing, 40)
        await sender.flush()
        await sender.close()
    finally:
        server.kill()
        await server.wait()


async def test_no_bus_at_all_is_said_at_once() -> None:
    async def tokens() -> ObtainedToken:
        return ObtainedToken(Secret("x"), EpochSeconds(clock() + 300))

    with pytest.raises(BusUnavailable, match="cannot be reached"):
        await asyncio.wait_for(Bus.connect(f"nats://127.0.0.1:{free_port()}", tokens), 40)


async def test_a_token_never_crosses_a_network_in_the_clear() -> None:
    async def tokens() -> ObtainedToken:
        raise AssertionError("no token is fetched")

    for url in ("nats://10.0.0.1:4222", "nats://bus.example", "ws://bus.example", "nats://127.0.0.1.evil.example"):
        with pytest.raises(ConfigurationError, match="use tls"):
            await Bus.connect(url, tokens)


async def _until(condition: Callable[[], bool], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
