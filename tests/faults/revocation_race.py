"""Revoking under load: several issuer nodes behind one address, several services that verify without a break.

Shape: `race` buys tokens, lets every service accept them all, revokes most of them one by one at alternating nodes,
and returns how long each service went on accepting each, counted from the moment the revocation was asked for.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.harness.configuration import CATALOG
from tests.harness.databases import SQLITE, server_settings
from tests.harness.issuer import RunningIssuer, issuer_in
from tests.harness.processes import free_port


class Race(msgspec.Struct, frozen=True):
    """What to do: `tokens` bought of which `kept` are not revoked; `pause` lies between two rounds of a service."""

    nodes: int = 2
    services: int = 3
    tokens: int = 40
    kept: int = 5
    interval: float = 0.02
    pause: float = 0.002
    seconds: float = 60.0
    database: str = SQLITE


class Outcome(msgspec.Struct, frozen=True):
    """How long dead tokens were still accepted, in seconds, sorted; what was never refused; what was wrongly."""

    delays: tuple[float, ...]
    never: int
    wrongly: int
    verified: int

    def __str__(self) -> str:
        return (
            f"{len(self.delays)} refusals: median {self.share(0.5) * 1000:.1f} ms, 99 % within "
            f"{self.share(0.99) * 1000:.1f} ms, worst {self.delays[-1] * 1000:.1f} ms; {self.never} never, "
            f"{self.wrongly} wrongly; {self.verified} verifications meanwhile"
        )

    def share(self, share: float) -> float:
        """Return the delay that this share of the refusals stayed within."""
        return self.delays[min(len(self.delays) - 1, int(len(self.delays) * share))]


async def race(plan: Race, directory: Path) -> Outcome:
    """Run it once."""
    async with issuer_in(directory) as issuer:
        issuer.configuration["server"] |= server_settings(plan.database, directory)
        origins = await _start(issuer, plan.nodes)
        async with _balanced(issuer.port, origins):
            clients = [issuer.client("batch", origin=origin) for origin in origins]
            tokens = []
            for client in itertools.islice(itertools.cycle(clients), plan.tokens):
                tokens.append((await client.token("client_credentials"))["access_token"])
            task = {
                "issuer": issuer.url,
                "audience": CATALOG,
                "tokens": tokens,
                "revoked": plan.tokens - plan.kept,
                "pause": plan.pause,
                "seconds": plan.seconds,
            }
            services = [await _service(task) for _ in range(plan.services)]
            asked = {}
            for index in random.sample(range(plan.tokens), plan.tokens - plan.kept):
                asked[index] = time.monotonic()
                assert (await clients[index % plan.nodes].revoke(tokens[index])).status == 200
                await asyncio.sleep(plan.interval)
            reports = [msgspec.json.decode(await service.stdout.readline()) for service in services if service.stdout]
            for service in services:
                await service.wait()
    return _judge(reports, asked, plan)


def _judge(reports: list[dict[str, Any]], asked: dict[int, float], plan: Race) -> Outcome:
    delays, never, wrongly = [], 0, 0
    for report in reports:
        refused = {int(index): at for index, at in report["refused"].items()}
        delays += [refused[index] - at for index, at in asked.items() if index in refused]
        never += len(asked.keys() - refused.keys())
        wrongly += len(refused.keys() - asked.keys()) + plan.kept - len(set(report["accepted"]) - asked.keys())
    return Outcome(tuple(sorted(delays)), never, wrongly, sum(report["verified"] for report in reports))


async def _start(issuer: RunningIssuer, nodes: int) -> list[str]:
    """Start the nodes on ports of their own: the issuer's own address belongs to the balancer."""
    port = free_port()
    issuer.configuration["server"]["listen"] = f"127.0.0.1:{port}"
    issuer.realm["access_token_lifetime"] = 600
    await issuer.start()
    return [f"http://127.0.0.1:{port}", *[await issuer.start_another() for _ in range(nodes - 1)]]


async def _service(task: dict[str, Any]) -> asyncio.subprocess.Process:
    """Start a service and wait until it has accepted every token."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.revocation_watcher",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        limit=1 << 20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(task) + b"\n")
    await process.stdin.drain()
    assert await process.stdout.readline() == b"ready\n"
    return process


@asynccontextmanager
async def _balanced(port: int, origins: list[str]) -> AsyncIterator[None]:
    """Hand connections to one node after the other."""
    nodes = itertools.cycle([urlsplit(origin).port for origin in origins])
    running: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        node_reader, node_writer = await asyncio.open_connection("127.0.0.1", next(nodes))
        for ends in ((reader, node_writer), (node_reader, writer)):
            task = asyncio.create_task(pass_on(*ends))
            running.add(task)
            task.add_done_callback(running.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
