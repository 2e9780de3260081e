"""An agent for tests: the real one, on a real socket, with an issuer's token endpoint beside it that counts calls."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from keystead.core.decisions import Decision
from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.values import EpochSeconds
from keystead.workload.attestors.spawned import SpawnedAttestor
from keystead.workload.attestors.unix import UnixAttestor
from keystead.workload.rules import WorkloadRules
from keystead.workload.running import RunningAgent
from keystead.workload.settings import AgentSettings, SupervisedProcess
from tests.token_likes import token_likes

HEADER = {"Keystead-Metadata": "true"}

ASK = """
import json, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(10)
connection.connect(sys.argv[1])
connection.sendall(sys.argv[2].encode())
reply = b""
while chunk := connection.recv(65536):
    reply += chunk
sys.stdout.write(reply.decode())
"""


class Memory:
    """A journal that keeps what it is told."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []

    def record(self, decision: Decision) -> None:
        assert token_likes(msgspec.json.encode(decision, enc_hook=repr).decode()) == []
        self.decisions.append(decision)

    def reasons(self, action: str) -> list[str]:
        return [decision.reason for decision in self.decisions if decision.action == action]


@dataclass
class TokenEndpoint:
    """The issuer's side of client credentials, as far as the agent can see it."""

    url: str = ""
    calls: list[dict[str, str]] = field(default_factory=list)
    refuse: str = ""
    down: bool = False
    lifetime: int = 300
    delay: float = 0.0
    key: Any = field(default_factory=lambda: generate("ES256"))

    async def discovery(self, request: web.Request) -> web.Response:
        return web.json_response({"issuer": self.url, "token_endpoint": f"{self.url}/token"})

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.calls.append(form)
        await asyncio.sleep(self.delay)
        if self.down:
            return web.Response(status=500, text="{}")
        if self.refuse:
            return web.json_response({"error": self.refuse, "error_description": "no"}, status=400)
        asserted = jws.peek_claims_unverified(form["client_assertion"]) or {}
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": asserted["sub"],
            "aud": form["resource"],
            "iat": now,
            "jti": os.urandom(8).hex(),
        }
        token = jws.sign({**claims, "exp": now + self.lifetime}, self.key, "at+jwt")
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime})


@asynccontextmanager
async def token_endpoint() -> AsyncIterator[TokenEndpoint]:
    """Serve a token endpoint on a free port."""
    endpoint = TokenEndpoint()
    application = web.Application()
    application.router.add_get("/realms/acme/.well-known/openid-configuration", endpoint.discovery)
    application.router.add_post("/realms/acme/token", endpoint.token)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    endpoint.url = f"http://127.0.0.1:{port}/realms/acme"
    try:
        yield endpoint
    finally:
        await runner.cleanup()


class Clock:
    """Wall time, moved forward by hand."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> EpochSeconds:
        return EpochSeconds(int(time.time()) + self.ahead)


@dataclass
class LocalAgent:
    """A running agent and what surrounds it."""

    running: RunningAgent
    issuer: TokenEndpoint
    journal: Memory
    clock: Clock

    @property
    def socket(self) -> str:
        return str(self.running.socket_path)


@asynccontextmanager
async def local_agent(
    folder: Path,
    workloads: WorkloadRules,
    *,
    run: Sequence[SupervisedProcess] = (),
    **settings: Any,
) -> AsyncIterator[LocalAgent]:
    """Run an agent that knows `workloads`."""
    async with token_endpoint() as issuer:
        journal, clock = Memory(), Clock()
        place = folder / "agent"
        place.mkdir(mode=0o755, exist_ok=True)
        configured = AgentSettings(
            name="node-1",
            issuer=issuer.url,
            realm="acme",
            socket=str(place / "agent.sock"),
            state_directory=str(folder / "state"),
            run=tuple(run),
            **settings,
        )
        attestors = (UnixAttestor(), SpawnedAttestor())
        running = await RunningAgent.start(configured, workloads, attestors, journal, clock)
        try:
            yield LocalAgent(running, issuer, journal, clock)
        finally:
            await running.close()


def request(target: str, headers: Mapping[str, str] = HEADER, method: str = "GET") -> str:
    """Return one raw HTTP request."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines)


async def send(socket_path: str, raw: str | bytes) -> tuple[int, dict[str, Any]]:
    """Send a raw request from this very process and return status and document."""
    reader, writer = await asyncio.open_unix_connection(socket_path)
    writer.write(raw if isinstance(raw, bytes) else raw.encode())
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return parse((head + await reader.readexactly(length)).decode())
    finally:
        await hang_up(writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection and wait until it is."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def ask_as(user: str | None, socket_path: str, raw: str, program: str = ASK) -> tuple[int, dict[str, Any]]:
    """Send a raw request from a new process, which first becomes another user for good."""
    become = (
        "import json, os, pwd, socket, sys, time\n"
        f"os.setgroups([]); uid = pwd.getpwnam({user!r}).pw_uid; os.setresuid(uid, uid, uid)\n"
    )
    command = [sys.executable, "-I", "-c", (become if user else "") + program, socket_path, raw]
    process = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True, timeout=30)
    return parse(process.stdout.decode())


def parse(reply: str) -> tuple[int, dict[str, Any]]:
    """Return status and JSON document of a raw reply; (0, {}) when the connection was just closed."""
    if not reply:
        return 0, {}
    head, _, body = reply.partition("\r\n\r\n")
    document: dict[str, Any] = json.loads(body)
    return int(head.split()[1]), document
