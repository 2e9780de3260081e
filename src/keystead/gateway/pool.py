"""Connections to one upstream, kept open between requests.

Why a short life when idle: servers close idle connections (uvicorn and node after 5 s), and a request that meets the
closing is lost. Ours are given up first.
Does not: retry. Whoever sent the request knows whether it may be sent again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final

from keystead.gateway.failures import Failure
from keystead.gateway.settings import LimitSettings
from keystead.gateway.upstream import Receiver, UpstreamConnection

IDLE_LIFE: Final = 4.0


class Address:
    """Where to connect: host and port, with or without TLS, or a unix socket."""

    __slots__ = ("host", "path", "port", "tls")

    def __init__(self, host: str = "", port: int = 0, *, tls: ssl.SSLContext | None = None, path: str = "") -> None:
        self.host, self.port, self.tls, self.path = host, port, tls, path

    async def connect(self, factory: Callable[[], asyncio.Protocol]) -> None:
        """Open a connection."""
        loop = asyncio.get_running_loop()
        if self.path:
            await loop.create_unix_connection(factory, self.path)
        else:
            await loop.create_connection(factory, self.host, self.port, ssl=self.tls)


class Pool:
    """The connections to one upstream."""

    def __init__(self, address: Address, limits: LimitSettings) -> None:
        self._address = address
        self._limits = limits
        self._idle: list[UpstreamConnection] = []
        self._waiting: deque[Receiver] = deque()
        self._dialling: set[asyncio.Task[None]] = set()
        self._open = 0
        self._now = 0.0
        self.closed = False

    def take(self) -> UpstreamConnection | None:
        """Return an idle connection, the one used last, or None."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def ask(self, receiver: Receiver) -> None:
        """Call `receiver.connected` with a fresh connection soon, or `receiver.response_broken`."""
        self._now = asyncio.get_running_loop().time()
        if self._open < self._limits.upstream_connections:
            self._open += 1
            task = asyncio.get_running_loop().create_task(self._dial(receiver))
            self._dialling.add(task)
            task.add_done_callback(self._dialling.discard)
        elif len(self._waiting) < self._limits.upstream_queue:
            self._waiting.append(receiver)
        else:
            receiver.response_broken(Failure.BUSY)

    def forget(self, receiver: Receiver) -> None:
        """Take back a question: the receiver has gone."""
        if receiver in self._waiting:
            self._waiting.remove(receiver)

    def give_back(self, connection: UpstreamConnection) -> None:
        """Keep a connection whose response is whole, or hand it to who waits longest."""
        if self.closed:
            connection.close()
        elif self._waiting:
            self._waiting.popleft().connected(connection)
        else:
            connection.idle_since = self._now
            self._idle.append(connection)

    def gone(self, connection: UpstreamConnection) -> None:
        """Count a closed connection out, and open another for who waits."""
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        if self._waiting and not self.closed:
            self.ask(self._waiting.popleft())

    def sweep(self, now: float) -> None:
        """Close connections that were idle too long. Called about twice a second, which is as exact as idleness is."""
        self._now = now
        while self._idle and now - self._idle[0].idle_since > IDLE_LIFE:
            self._idle.pop(0).close()

    def close(self) -> None:
        """Close what is idle; what is busy closes when it is done."""
        self.closed = True
        while self._idle:
            self._idle.pop().close()

    async def _dial(self, receiver: Receiver) -> None:
        made = UpstreamConnection(self)
        try:
            async with asyncio.timeout(self._limits.connect_timeout):
                await self._address.connect(lambda: made)
        except TimeoutError:
            self._unreachable(receiver, made, Failure.CONNECT_TIMEOUT)
        except (OSError, ssl.SSLError):
            self._unreachable(receiver, made, Failure.REFUSED)
        else:
            receiver.connected(made)

    def _unreachable(self, receiver: Receiver, made: UpstreamConnection, failure: Failure) -> None:
        if made.connected:
            made.close()  # and `gone` counts it out
        else:
            self._open -= 1
        receiver.response_broken(failure)
        if self._open == 0:
            while self._waiting:
                self._waiting.popleft().response_broken(failure)
