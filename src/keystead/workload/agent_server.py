"""The agent's unix socket: a small, strict HTTP/1.1 server, one request per connection.

Flow: accept -> hold the peer at once, before it can be replaced -> bound it per local user -> parse within limits ->
`Agent.answer` -> reply and close.
Does not: keep connections alive, read bodies, or answer twice. What a client sends after its request is not read.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Final, cast

import httptools

from keystead.core.decisions import Denied
from keystead.core.http import Headers, Reply, json_reply
from keystead.core.trace import TraceContext, accept_trace
from keystead.workload.agent import Agent
from keystead.workload.peer import Peer, boot_clock, open_peer
from keystead.workload.peer_limits import PeerLimits

MAXIMUM_HEAD: Final = 16_384
MAXIMUM_HEADERS: Final = 32
MAXIMUM_CONNECTIONS: Final = 1_024
REQUEST_TIMEOUT: Final = 5.0
REFUSAL_TIMEOUT: Final = 0.5
ANSWER_TIMEOUT: Final = 15.0
CLOSING_TIMEOUT: Final = 2.0

Answer = Callable[[str, str, Headers, Peer | Denied, TraceContext], Awaitable[Reply]]

_PHRASES: Final = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class AgentConnection(asyncio.Protocol):
    """One connection of one local process."""

    def __init__(self, answer: Answer, limits: PeerLimits, connections: set[AgentConnection]) -> None:
        self._answer = answer
        self._limits = limits
        self._connections = connections
        self.task: asyncio.Task[None] | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._target = b""
        self._size = 0
        self._done = self._over_limit = False
        self._counted: int | None = None
        self._peer: Peer | Denied = Denied("peer.gone", "nobody is connected")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hold the peer and count it."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it
        self._connections.add(self)
        self._peer = _hold(self._transport)
        patience = REQUEST_TIMEOUT
        if isinstance(self._peer, Peer):
            if self._limits.enter(self._peer.uid):
                self._counted = self._peer.uid
            else:
                self._over_limit, patience = True, REFUSAL_TIMEOUT
        self._timer = asyncio.get_running_loop().call_later(patience, self._transport.abort)
        if len(self._connections) > MAXIMUM_CONNECTIONS:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of the peer."""
        self._done = True
        self._timer.cancel()
        self._connections.discard(self)
        if self._counted is not None:
            self._limits.leave(self._counted)
        if isinstance(self._peer, Peer):
            self._peer.close()

    def data_received(self, data: bytes) -> None:
        """Read the request's head, within limits."""
        if self._done:
            return
        if self._over_limit:
            self._refuse(429, "slow_down", "this user asks too often, or has too many requests open")
            return
        self._size += len(data)
        if self._size > MAXIMUM_HEAD:
            self._refuse(431, "invalid_request", f"the request is longer than {MAXIMUM_HEAD} bytes")
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(400, "invalid_request", "not an HTTP/1.1 request this agent reads")

    # --- what the parser reports ------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        """Collect the request target."""
        if not self._done:
            self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header."""
        if self._done:
            return
        if len(self._headers) >= MAXIMUM_HEADERS:
            self._refuse(431, "invalid_request", f"more than {MAXIMUM_HEADERS} headers")
            return
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Answer. Nothing after the head is read."""
        if self._done:
            return
        self._done = True
        self._timer.cancel()
        method = self._parser.get_method().decode("latin-1")
        self.task = asyncio.get_running_loop().create_task(self._respond(method))

    def abort(self) -> None:
        """Hang up."""
        self._transport.abort()

    # --- replies ----------------------------------------------------------------------------------------

    async def _respond(self, method: str) -> None:
        target = self._target.decode("latin-1")
        headers = tuple(self._headers)
        trace = accept_trace(next((value.decode("latin-1") for name, value in headers if name == b"traceparent"), None))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                reply = await self._answer(method, target, headers, self._peer, trace)
        except TimeoutError:
            reply = _error(503, "temporarily_unavailable", "the issuer took too long; try again")
        except Exception as error:  # noqa: BLE001 - the last resort: the caller learns nothing, the log learns the type
            asyncio.get_running_loop().call_exception_handler({"message": "agent request failed", "exception": error})
            reply = _error(500, "server_error", "something of the agent's own failed")
        self._send(reply)

    def _refuse(self, status: int, code: str, description: str) -> None:
        if not self._done:
            self._done = True
            self._send(_error(status, code, description))

    def _send(self, reply: Reply) -> None:
        if self._transport.is_closing():
            return
        head = [f"HTTP/1.1 {reply.status} {_PHRASES.get(reply.status, 'Error')}".encode()]
        head += [name + b": " + value for name, value in reply.headers]
        head += [b"content-length: %d" % len(reply.body), b"connection: close", b"", b""]
        self._transport.write(b"\r\n".join(head) + reply.body)
        self._transport.close()


class AgentServer:
    """Listens. `close` finishes what was begun."""

    def __init__(self, agent: Agent, limits: PeerLimits) -> None:
        self._agent = agent
        self._limits = limits
        self._connections: set[AgentConnection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        """Answer on a socket that is bound already."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._connection, sock=listening, backlog=256)

    def _connection(self) -> AgentConnection:
        return AgentConnection(self._agent.answer, self._limits, self._connections)

    async def close(self) -> None:
        """Stop listening, finish open requests for a moment, hang up on the rest."""
        if self._server is not None:
            self._server.close()
        open_requests = [connection.task for connection in self._connections if connection.task is not None]
        if open_requests:
            await asyncio.wait(open_requests, timeout=CLOSING_TIMEOUT)
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)


def _hold(transport: asyncio.Transport) -> Peer | Denied:
    """Open the peer through a descriptor of our own: event loops lend theirs with fewer methods."""
    lent = transport.get_extra_info("socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=os.dup(lent.fileno())) as connection:
        return open_peer(connection, boot_clock())


def _error(status: int, code: str, description: str) -> Reply:
    return json_reply({"error": code, "error_description": description}, status=status)
