"""OpenFGA's API over HTTP beside a bare server with the same engine: checks per CPU second of the server.

Run it: `keystead bench authz_served` or `python -m benchmarks.authz_served [--seconds 4] [--workers 2]`.
The workload is `authz_workload`: 240,000 tuples in SQLite, a fresh question each time. The server is `keystead serve`
with tokens, decisions in the journal and OpenFGA's depth limit of 25; the ceiling has none of these. Server on one
core, load on another, 16 connections, best of the rounds; the two take turns inside each round.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx2
import uvloop

from benchmarks.authz_workload import MODEL, questions, tuples
from benchmarks.contestants import BareServer, Contestant, server_core_and_load_core
from benchmarks.load import Conversation, Measurement, measure
from keystead.app.convergence.authorization import store_id
from keystead.core.values import EpochSeconds
from keystead.storage.ports import WriteRelationships, write_relationships
from keystead.storage.sqlite import open_store
from tests.harness.processes import free_port

CONNECTIONS: Final = 16
BATCH: Final = 50
REALM: Final = "bench"
SECRET: Final = "benchmark-secret-0123456789"
GOALS: Final = {"check": (8_000, 15_000), "batch-check": (40_000, 40_000)}
"""Checks a second on two cores: what must be reached, and what is aimed at."""


class Asking(Conversation):
    """Prepared questions, one after the other."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = cycle(requests)

    def next_request(self) -> bytes:
        """Return the next question."""
        return next(self._requests)

    def take(self, status: int, head: bytes, body: bytes) -> None:
        """Demand an answer."""
        if status != 200 or b"allowed" not in body:
            raise AssertionError(f"answer {status}: {body[:300]!r}")


class Keystead(Contestant):
    """`keystead serve` as it ships, logs written to a file."""

    name = "keystead"

    def __init__(self, directory: Path, workers: int) -> None:
        super().__init__()
        self.port = free_port()
        self._directory = directory
        self._workers = workers
        self._base = f"http://127.0.0.1:{self.port}"
        self.headers = b""
        root = f"/authz/stores/{store_id(REALM, 'company')}"
        self.paths = {"check": f"{root}/check", "batch-check": f"{root}/batch-check"}

    def start(self) -> None:
        """Fill the database, then start on the server's core, or on both with several workers."""
        (self._directory / "company.fga").write_text(MODEL)
        (self._directory / "keystead.yaml").write_text(json.dumps(self._configuration()))
        command = [sys.executable, "-m", "keystead.cli.main"]
        file = str(self._directory / "keystead.yaml")
        subprocess.run([*command, "apply", "--config", file], check=True, stdout=subprocess.DEVNULL)
        asyncio.run(self._fill())
        serve = [*command, "serve", "--config", file]
        if self._workers > 1:
            cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(os.getppid())))
            serve = ["taskset", "-c", cores, *serve, "--workers", str(self._workers)]
        self._launch(serve, "/authz/healthz")
        form = {"grant_type": "client_credentials", "audience": f"{self._base}/authz", "scope": "authz:read"}
        form |= {"client_id": "bench", "client_secret": SECRET}
        answer = httpx2.post(f"{self._base}/oauth/token", data=form)
        self.headers = f"authorization: Bearer {answer.json()['access_token']}\r\n".encode()

    def pids(self) -> list[int]:
        """Return the parent and its workers."""
        children = [Path(f"/proc/{pid}/task/{pid}/children").read_text().split() for pid in super().pids()]
        return [*super().pids(), *(int(pid) for line in children for pid in line)]

    async def _fill(self) -> None:
        store, begun = open_store(str(self._directory / "keystead.db")), time.perf_counter()
        count = 0
        source = tuples()
        while page := tuple(islice(source, 2_000)):
            now = EpochSeconds(int(time.time()))
            operation = WriteRelationships(REALM, store_id(REALM, "company"), page, (), now)
            await store.write(lambda operation=operation: write_relationships(operation))  # type: ignore[misc]
            count += len(page)
        await store.close()
        print(f"{count:,} tuples written in {time.perf_counter() - begun:.1f} s", flush=True)

    def _configuration(self) -> dict[str, Any]:
        client = {"client_id": "bench", "client_secret": SECRET, "grant_types": ["client_credentials"]}
        client |= {"scope": "authz:read", "token_endpoint_auth_method": "client_secret_post"}
        return {
            "server": {
                "base_url": self._base,
                "listen": f"127.0.0.1:{self.port}",
                "database": f"sqlite:///{self._directory}/keystead.db",
            },
            "realms": {REALM: {"clients": [client], "access_token_lifetime": 3600}},
            "authz": {"stores": {"company": {"realm": REALM, "model_file": "company.fga", "default": True}}},
        }


class Ceiling(BareServer):
    """The engine on a bare protocol."""

    headers = b""

    def __init__(self) -> None:
        super().__init__("authz_check")
        self.paths = {"check": "/check", "batch-check": "/batch-check"}


def requests(contestant: Keystead | Ceiling, what: str, seed: int) -> list[bytes]:
    """Return the requests of one connection, ready to be sent."""
    random = Random(seed)
    made = []
    for _ in range(2_000 if what == "check" else 100):
        if what == "check":
            body = json.dumps({"tuple_key": _key(random)})
        else:
            items = [{"tuple_key": _key(random), "correlation_id": str(number)} for number in range(BATCH)]
            body = json.dumps({"checks": items})
        head = f"POST {contestant.paths[what]} HTTP/1.1\r\nhost: 127.0.0.1:{contestant.port}\r\n".encode()
        head += b"content-type: application/json\r\n" + contestant.headers
        made.append(head + f"content-length: {len(body)}\r\n\r\n{body}".encode())
    return made


def _key(random: Random) -> dict[str, str]:
    user, relation, object = questions(random)
    return {"user": user, "relation": relation, "object": object}


def report(what: str, best: dict[str, Measurement]) -> None:
    """Print one line of the table."""
    size = BATCH if what == "batch-check" else 1
    ours, ceiling = best["keystead"], best["authz_check"]
    least, goal = GOALS[what]
    per_second = size * ours.per_cpu_second
    verdict = "goal" if 2 * per_second >= goal else "reached" if 2 * per_second >= least else f"short of {least:,}"
    print(
        f"{what:<12} {per_second:>9,.0f} checks a CPU second, {2 * per_second:,.0f} on two cores ({verdict}); "
        f"in this run {size * ours.answers / ours.wall_seconds:,.0f} a second, p50 {ours.percentile(0.5):.2f} ms, "
        f"p99 {ours.percentile(0.99):.2f} ms; bare server {size * ceiling.per_cpu_second:,.0f}: "
        f"{100 * ours.per_cpu_second / ceiling.per_cpu_second:.0f} % of it",
        flush=True,
    )


async def run(arguments: argparse.Namespace) -> None:
    """Run both measures and print the table."""
    with tempfile.TemporaryDirectory(prefix="keystead-bench-") as directory:
        contestants: list[Keystead | Ceiling] = [Keystead(Path(directory), arguments.workers), Ceiling()]
        try:
            for contestant in contestants:
                await asyncio.to_thread(contestant.start)
            for what in GOALS:
                best: dict[str, Measurement] = {}
                for _ in range(arguments.rounds):
                    for contestant in contestants:
                        lines = [Asking(requests(contestant, what, seed)) for seed in range(CONNECTIONS)]
                        found = await measure(
                            contestant.port, lines, contestant.pids(), seconds=arguments.seconds, warm=arguments.warm
                        )
                        known = best.get(contestant.name)
                        if known is None or found.per_cpu_second > known.per_cpu_second:
                            best[contestant.name] = found
                report(what, best)
        finally:
            for contestant in contestants:
                contestant.stop()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--warm", type=float, default=3.0, help="the first question loads the tuples")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="more than one: on every core, beside the load")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {server_core_and_load_core()[1]})
    print(f"{platform.python_implementation()} {sys.version.split()[0]}, httpx2 {httpx2.__version__}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(arguments))


if __name__ == "__main__":
    main()
