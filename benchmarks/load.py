"""A closed-loop HTTP/1.1 load on loopback, and the CPU time it costs the servers.

Shape: `connections` keep-alive connections, each sending its next request when the last answer is in. The figure is
work per CPU second of all server processes together, best of the rounds: noise only slows.
Does not: reach any address but 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

TICKS = os.sysconf("SC_CLK_TCK")


class Conversation:
    """What one connection says. `next_request` is called again after each `take`.

    `counts` says whether the answer just taken completes one unit of work.
    """

    counts: bool = True

    def next_request(self) -> bytes:
        """Return the bytes of the next request."""
        raise NotImplementedError

    def take(self, status: int, head: bytes, body: bytes) -> None:
        """Take an answer; raise to fail the measurement."""
        raise NotImplementedError


class Repeated(Conversation):
    """The same request over and over; every answer must have the status, and samples must satisfy the check."""

    def __init__(self, request: bytes, check: Callable[[bytes], bool], status: int = 200) -> None:
        self._request = request
        self._check = check
        self._status = status
        self._seen = 0

    def next_request(self) -> bytes:
        """Return the request."""
        return self._request

    def take(self, status: int, head: bytes, body: bytes) -> None:
        """Check the status always, the body now and then."""
        self._seen += 1
        if status != self._status or (self._seen % 97 == 1 and not self._check(body)):
            raise AssertionError(f"answer {status}: {body[:300]!r}")


class _Connection(asyncio.Protocol):
    def __init__(
        self, conversation: Conversation, done: Callable[[float], None], fail: Callable[[Exception], None]
    ) -> None:
        self._conversation = conversation
        self._done = done
        self._fail = fail
        self._buffer = b""
        self._begun = 0.0
        self.stopped = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        assert self.transport is not None
        self._begun = time.perf_counter()
        self.transport.write(self._conversation.next_request())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end]
        length = _content_length(head)
        if len(self._buffer) < end + 4 + length:
            return
        body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
        try:
            self._conversation.take(int(head[9:12]), head, body)
        except Exception as error:
            self._fail(error)
            return
        if self._conversation.counts:
            self._done(time.perf_counter() - self._begun)
        if not self.stopped:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.stopped:
            self._fail(ConnectionError("the server closed the connection"))


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at < 0:
        if b"\r\ntransfer-encoding: chunked" in lowered:
            raise ValueError("chunked answers are not measured")
        return 0
    return int(lowered[at + 17 : lowered.find(b"\r\n", at + 2) if lowered.find(b"\r\n", at + 2) > 0 else None])


@dataclass
class Measurement:
    """One round: answers, CPU seconds of the servers, wall seconds, and latencies in seconds."""

    answers: int
    cpu_seconds: float
    wall_seconds: float
    latencies: list[float] = field(repr=False)

    @property
    def per_cpu_second(self) -> float:
        """Answers per CPU second of all server processes."""
        return self.answers / self.cpu_seconds if self.cpu_seconds else 0.0

    def percentile(self, share: float) -> float:
        """Return a latency percentile in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the CPU time the processes have used so far, all their living threads included."""
    return sum(_process_seconds(pid) for pid in pids)


def _process_seconds(pid: int) -> float:
    """Read the scheduler's own account, exact to the nanosecond; ticks (10 ms) where the kernel keeps none."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    except FileNotFoundError:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


async def measure(
    port: int, conversations: Sequence[Conversation], pids: Sequence[int], *, seconds: float, warm: float = 0.7
) -> Measurement:
    """Run one round and return it. Raises what a conversation raised."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    latencies: list[float] = []

    def fail(error: Exception) -> None:
        if not failed.done():
            failed.set_exception(error)

    connections = []
    for conversation in conversations:
        _, connection = await loop.create_connection(
            lambda conversation=conversation: _Connection(conversation, latencies.append, fail),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        connections.append(connection)
    awake = loop.create_task(_stay_awake())
    await _sleep_or_fail(warm, failed)
    latencies.clear()
    before, begun = cpu_seconds(pids), time.perf_counter()
    await _sleep_or_fail(seconds, failed)
    answers, after, ended = len(latencies), cpu_seconds(pids), time.perf_counter()
    awake.cancel()
    for connection in connections:
        connection.stopped = True
        assert connection.transport is not None
        connection.transport.close()
    return Measurement(answers, after - before, ended - begun, latencies[:answers])


async def _stay_awake() -> None:
    """Never let the load's process sleep: waking it would be charged to whoever sends it an answer."""
    while True:
        await asyncio.sleep(0)


async def _sleep_or_fail(seconds: float, failed: asyncio.Future[None]) -> None:
    await asyncio.wait([failed], timeout=seconds)
    if failed.done():
        failed.result()
