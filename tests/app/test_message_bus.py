"""The whole path of a service identity: agent, token, bus; from one file, every part its own process."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from keystead.bus.nats.server import find_nats_server
from tests.harness.issuer import RunningIssuer
from tests.harness.processes import Process, free_port

BUS = "https://bus.test"

ORDERS = """
import asyncio, sys
from keystead.sdk.agent import AgentClient
from keystead.sdk.bus import Bus, BusRefused

async def main(url):
    agent = AgentClient()
    bus = await Bus.connect(url, lambda: agent.obtain("https://bus.test"))
    try:
        await bus.subscribe("orders.>", print)
    except BusRefused as error:
        print("refused", error, flush=True)
    for number in range(10_000):
        await bus.publish("orders.placed", str(number).encode())
        await asyncio.sleep(0.05)

asyncio.run(main(sys.argv[1]))
"""

BILLING = """
import asyncio, sys
from keystead.sdk.agent import AgentClient
from keystead.sdk.bus import Bus, BusRefused

async def main(url):
    agent = AgentClient()
    lost = lambda reason, detail: print(reason, flush=True)
    bus = await Bus.connect(url, lambda: agent.obtain("https://bus.test"), report=lost)
    async def bill(message):
        print("billed", message.subject, flush=True)
    await bus.subscribe("orders.>", bill)
    await bus.publish("orders.placed", b"forged")
    try:
        await bus.flush()
    except BusRefused as error:
        print("refused", error, flush=True)
    await asyncio.sleep(600)

asyncio.run(main(sys.argv[1]))
"""


async def until(condition: Callable[[], object], seconds: float = 50) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.mark.attack("B1")
@pytest.mark.attack("F4")
async def test_one_service_only_sends_the_other_only_receives_until_its_role_is_taken(unserved: RunningIssuer) -> None:
    folder, port = unserved.directory, free_port()
    folder.chmod(0o700)
    url = f"nats://127.0.0.1:{port}"
    outputs = {name: folder / f"{name}.out" for name in ("orders", "billing")}
    unserved.realm["workloads"] = [
        {
            "name": name,
            "attest": {"spawned": {"name": name}},
            "audiences": [BUS],
            "roles": [{"role": role, "on": "orders.>"}],
        }
        for name, role in (("orders", "bus-sender"), ("billing", "bus-receiver"))
    ]
    unserved.realm["agents"] = [
        {"name": "node-1", "jwks_file": "agent/agent-public.json", "workloads": ["orders", "billing"]}
    ]
    unserved.configuration["bus"] = {"url": url, "realm": "acme", "audience": BUS, "directory": "bus"}
    unserved.configuration["agent"] = {
        "name": "node-1",
        "issuer": unserved.url,
        "realm": "acme",
        "socket": "agent.sock",
        "state_directory": "agent",
    }
    file = str(unserved.write())
    prepare = Process(["bus", "prepare", "--config", file, "--listen", f"127.0.0.1:{port}"], folder, "prepare")
    first = Process(["agent", "--config", file, "--run", "true", "--", "true"], folder, "agent-first")
    for process in (prepare, first):
        process.start()
        await until(lambda process=process: not process.running)  # type: ignore[misc]  # the loop's own
        assert await process.stop() == 0, process.text()
    with (folder / "nats.log").open("wb") as log:
        configuration = str(folder / "bus" / "nats-server.conf")
        broker = await asyncio.create_subprocess_exec(find_nats_server(), "-c", configuration, stdout=log, stderr=log)
    try:
        await unserved.start()
        unserved.configuration["agent"]["run"] = [
            {"name": name, "command": [sys.executable, "-c", program, url], "output": str(outputs[name])}
            for name, program in (("orders", ORDERS), ("billing", BILLING))
        ]
        agent = Process(["agent", "--config", str(unserved.write())], folder, "agent")
        unserved.processes.append(agent)
        await agent.start_and_wait()
        await until(lambda: "refused" in text(outputs["orders"]) and "refused" in text(outputs["billing"]))
        await until(lambda: text(outputs["billing"]).count("billed orders.placed") > 3)
        assert "billed" not in text(outputs["orders"])

        unserved.realm["workloads"][1]["roles"] = []
        apply = Process(["apply", "--config", str(unserved.write())], folder, "apply")
        apply.start()
        await until(lambda: not apply.running)
        assert await apply.stop() == 0, apply.text()
        began = time.monotonic()
        await until(lambda: "bus.connection_lost" in text(outputs["billing"]))
        print(f"put out after {time.monotonic() - began:.3f} s")
        assert await agent.stop() == 0
    finally:
        broker.kill()
        await broker.wait()
    actions = {(line["action"], line["reason"]) for line in unserved.process.decisions()}
    assert {("bus.connect", "bus.admitted"), ("bus.kick", "bus.roles_changed")} <= actions
    assert ("bus.connect", "bus.no_role") in actions
    assert ("agent.token", "agent.issued") in {(line["action"], line["reason"]) for line in agent.decisions()}
    assert not os.path.exists(folder / "agent.sock")
