"""Processes of the product: started, awaited, read, stopped and killed."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

READY_SECONDS = 60.0


_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
_ports = itertools.cycle(range(10_000 + 8 * _worker, 32_000, 32))  # each worker has ports of its own
for _ in range(random.SystemRandom().randrange(687)):
    next(_ports)


def free_port() -> int:
    """Return a port nobody listens on now; the seven after it are free too.

    Below the ports the kernel gives to whoever asks for any, so that no outgoing connection and no other test takes it
    between now and its use.
    """
    while True:
        port = next(_ports)
        if all(_is_free(port + more) for more in range(8)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Process:
    """One `keystead ...` process. Its output goes to `log_file`; `start` may be called again after it ended."""

    def __init__(self, arguments: list[str], directory: Path, name: str, environment: dict[str, str] | None = None):
        self.arguments = arguments
        self.directory = directory
        self.name = name
        self.environment = environment or {}
        self.log_file = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._from = 0

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, without waiting."""
        self._from = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "keystead.cli.main", *self.arguments],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
            )

    async def start_and_wait(self, action: str = "process.ready") -> float:
        """Start it and wait until it says it is ready. Returns how long that took, in seconds."""
        began = time.perf_counter()
        self.start()
        while not any(line.get("action") == action for line in self.lines(latest=True)):
            if not self.running:
                raise AssertionError(f"{self.name} ended before it was ready:\n{self.text()}")
            if time.perf_counter() - began > READY_SECONDS:
                raise AssertionError(f"{self.name} was not ready in {READY_SECONDS} s:\n{self.text()}")
            await asyncio.sleep(0.01)
        return time.perf_counter() - began

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        if self._process is not None and self.running:
            self._process.kill()
            self._process.wait()

    async def stop(self, *, seconds: float = 40.0) -> int:
        """Ask it to end (SIGTERM) and return its exit status."""
        assert self._process is not None
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        ending = time.monotonic() + seconds
        while self.running and time.monotonic() < ending:
            await asyncio.sleep(0.01)
        if self.running:
            self.kill()
            raise AssertionError(f"{self.name} did not end in {seconds} s:\n{self.text()}")
        return self._process.wait()

    def text(self) -> str:
        """All it ever said."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def lines(self, *, latest: bool = False) -> list[dict[str, Any]]:
        """Return its log lines that are JSON; `latest` only those since it was started last."""
        if not self.log_file.exists():
            return []
        found = []
        for line in self.log_file.read_bytes()[self._from if latest else 0 :].splitlines():
            try:
                document = json.loads(line)
            except ValueError:
                continue
            if isinstance(document, dict):
                found.append(document)
        return found

    def decisions(self, action: str = "") -> list[dict[str, Any]]:
        """Return the decisions it logged, of one action or of all."""
        return [line for line in self.lines() if action in ("", line.get("action"))]

    async def heard(self, action: str, *, seconds: float = 30.0) -> list[dict[str, Any]]:
        """Wait until it logged decisions of an action, and return them."""
        ending = time.monotonic() + seconds
        while not self.decisions(action):
            assert time.monotonic() < ending, f"{self.name} never logged {action}:\n{self.text()}"
            await asyncio.sleep(0.01)
        return self.decisions(action)

    def pids(self) -> list[int]:
        """Return the processes that said they are ready, in that order."""
        return [line["facts"]["pid"] for line in self.decisions("process.ready")]
