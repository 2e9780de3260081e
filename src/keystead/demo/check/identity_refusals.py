"""What agent and bus must refuse."""

from __future__ import annotations

import socket
import time

from keystead.demo.check.report import Step
from keystead.demo.check.world import World
from keystead.demo.configuration import RECEIVER, SENDER
from keystead.demo.places import audience

PROBE_SECONDS = 20


def identity_refusals(world: World) -> list[Step]:
    """Return what agent and bus must refuse."""
    part = "Refused by agent and bus"
    return [
        Step(part, "asking the agent without its header", lambda: _agent(world, b"", 400)),
        Step(part, "a process the agent did not start", lambda: _agent(world, b"Keystead-Metadata: true\r\n", 403)),
        Step(part, "the sender tries to receive", lambda: _probe(world, SENDER, "subscribe orders.>", allowed=False)),
        Step(
            part, "the receiver tries to send", lambda: _probe(world, RECEIVER, "publish orders.probe", allowed=False)
        ),
        Step(part, "the sender sends, as it may", lambda: _probe(world, SENDER, "publish orders.probe", allowed=True)),
        Step(part, "the receiver receives", lambda: _probe(world, RECEIVER, "subscribe orders.>", allowed=True)),
        Step(part, "connecting to the bus without a token", lambda: _probe(world, "", "connect", allowed=False)),
    ]


def _agent(world: World, header: bytes, status: int) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(world.places.agent_socket)
        target = audience("bus").encode()
        connection.sendall(
            b"GET /identity/token?resource=" + target + b" HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n"
        )
        answer = connection.recv(4096)
    assert f" {status} ".encode() in answer.splitlines()[0], answer[:300]
    return answer.splitlines()[0].decode()


def _probe(world: World, workload: str, tried: str, *, allowed: bool) -> str:
    deadline = time.monotonic() + PROBE_SECONDS
    while time.monotonic() < deadline:
        for probe in list(world.probes):
            if (probe.workload, probe.tried) == (workload, tried):
                assert probe.allowed == allowed, f"{tried} as {workload or 'nobody'}: allowed={probe.allowed}"
                return f"{tried}: {'allowed' if allowed else 'denied by the bus'}"
        time.sleep(0.1)
    raise AssertionError(f"the probe did not report {tried!r} as {workload or 'nobody'}")
