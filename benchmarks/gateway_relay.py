"""The gateway: CPU microseconds for a proxied request with a live session and a cached exchange.

    python -m benchmarks.gateway_relay [--seconds 4] [--rounds 5]

Beside it, in the same rounds and with the same load: a relay on uvloop that only copies bytes (the floor no Python
gateway can go below), and nginx with `proxy_pass` where it is installed. The proxy is pinned to one core, upstream and
load to the other. The figure is the best of the rounds; on a shared machine noise only slows.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import uvloop

from benchmarks.gateway.upstream import BODY
from benchmarks.load import Measurement, Repeated, measure
from tests.harness.processes import free_port

CONNECTIONS = 64
PAGES = 16
REQUEST = (
    "GET /api/catalog/items?page={page} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: keep-alive\r\n"
    'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"\r\nsec-ch-ua-mobile: ?0\r\nX-CSRF: 1\r\n'
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
    "\r\nAccept: application/json\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
    "Referer: http://localhost:{port}/shop\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\n"
    "Cookie: __Host-keystead={handle}\r\n\r\n"
)


class Pages(Repeated):
    """A page of a shop that asks for one page of items after another, as a browser would: over and over alike."""

    def __init__(self, port: int, handle: str) -> None:
        super().__init__(b"", lambda body: body == BODY)
        self._requests = [REQUEST.format(port=port, handle=handle, page=page).encode() for page in range(PAGES)]
        self._asked = 0

    def next_request(self) -> bytes:
        """Return the next page's request."""
        self._asked += 1
        return self._requests[self._asked % PAGES]


def pinned(core: int, *command: str, **options: object) -> subprocess.Popen[str]:
    """Start a process on one core."""
    taskset = ["taskset", "-c", str(core)] if shutil.which("taskset") else []
    return subprocess.Popen([*taskset, *command], text=True, **options)  # type: ignore[call-overload,no-any-return]


@contextmanager
def process(
    core: int, *command: str, port: int = 0, reads: bool = False, output: IO[str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a process until the end; wait for its first line on standard error, or until it listens."""
    started = pinned(core, *command, stdout=output, stderr=subprocess.PIPE if reads else None)
    try:
        line = started.stderr.readline().strip() if started.stderr else ""
        if port:
            wait_for(port)
        yield started, line
    finally:
        started.terminate()
        started.wait(10)


def wait_for(port: int) -> None:
    """Wait until something listens."""
    import socket

    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"nothing listens on {port}")


@contextmanager
def nginx(core: int, port: int, upstream_port: int, folder: Path) -> Iterator[list[int]]:
    """Run nginx as a plain reverse proxy with one worker."""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off; upstream up {{ server 127.0.0.1:{upstream_port}; keepalive 128; }}\n"
        f"server {{ listen 127.0.0.1:{port}; keepalive_requests 1000000000; location / {{ proxy_pass http://up;\n"
        'proxy_http_version 1.1; proxy_set_header Connection ""; } } }\n'
    )
    with process(core, "nginx", "-c", str(configuration), port=port) as (started, _):
        children: list[str] = []
        while not children:
            children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
            time.sleep(0.01)
        yield [started.pid, *map(int, children)]


async def best_of(
    rounds: int, seconds: float, contenders: dict[str, tuple[int, list[int], str]]
) -> dict[str, Measurement]:
    """Measure all in turns and keep the best round of each."""
    best: dict[str, Measurement] = {}
    for _ in range(rounds):
        for name, (port, pids, handle) in contenders.items():
            conversations = [Pages(port, handle) for _ in range(CONNECTIONS)]
            found = await measure(port, conversations, pids, seconds=seconds)
            if not found.answers or not found.cpu_seconds:
                raise RuntimeError(f"{name} was not measured: {found}")
            if name not in best or found.per_cpu_second > best[name].per_cpu_second:
                best[name] = found
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    proxy_core, load_core = cores[0], cores[-1]
    os.sched_setaffinity(0, {load_core})
    upstream_port = free_port()
    contenders: dict[str, tuple[int, list[int], str]] = {}
    with ExitStack() as stack, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = (sys.executable, "-m")
        stack.enter_context(
            process(load_core, *python, "benchmarks.gateway.upstream", str(upstream_port), port=upstream_port)
        )
        port = free_port()
        relay = (*python, "benchmarks.gateway.copying_relay", str(port), str(upstream_port))
        started, _ = stack.enter_context(process(proxy_core, *relay, port=port))
        contenders["relay that copies"] = (port, [started.pid], "x")
        if shutil.which("nginx"):
            port = free_port()
            pids = stack.enter_context(nginx(proxy_core, port, upstream_port, folder))
            contenders["nginx proxy_pass"] = (port, pids, "x")
        for label, *silent in (("gateway, no journal", "silent"), ("gateway",)):
            port = free_port()
            own = folder / label.replace(" ", "_")
            own.mkdir()
            gateway = (*python, "benchmarks.gateway.measured_gateway", str(port), str(upstream_port), str(own), *silent)
            journal = stack.enter_context((own / "journal.log").open("w"))
            running = process(proxy_core, *gateway, port=port, reads=True, output=journal)
            started, handle = stack.enter_context(running)
            contenders[label] = (port, [started.pid], handle)
        best = uvloop.run(best_of(arguments.rounds, arguments.seconds, contenders))
    print(f"Python {platform.python_version()} ({sys.executable})")
    print(f"{'':24}{'CPU us/request':>16}{'requests/CPU s':>16}{'p50 ms':>9}{'p99 ms':>9}")
    for label, found in best.items():
        cost, rate = 1e6 / found.per_cpu_second, found.per_cpu_second
        print(f"{label:24}{cost:16.1f}{rate:16,.0f}{found.percentile(0.5):9.2f}{found.percentile(0.99):9.2f}")


if __name__ == "__main__":
    main()
