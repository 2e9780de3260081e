"""A raw upstream: keeps the exact bytes of every request, answers with exactly the bytes a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass
class Received:
    """One request, as it came over the wire."""

    head: bytes
    body: bytes = b""
    connection: int = 0

    @property
    def request_line(self) -> bytes:
        """The first line."""
        return self.head.split(b"\r\n", 1)[0]

    @property
    def target(self) -> bytes:
        """The request target."""
        return self.request_line.split(b" ")[1]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """All headers, names in lower case, in order."""
        lines = self.head.split(b"\r\n")[1:]
        return [(n.lower(), v.strip()) for n, _, v in (line.partition(b":") for line in lines if line)]

    def values(self, name: bytes) -> list[bytes]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\nok"
Handler = Callable[["RawUpstream", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawUpstream:
    """A server on a free port. `answer` is what every request gets; `handler` takes a connection over instead."""

    answer: bytes | Callable[[Received], bytes] = OK
    handler: Handler | None = None
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    close_after: bool = False
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> RawUpstream:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> Received:
        """The latest request."""
        return self.received[-1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            if self.handler is not None:
                await self.handler(self, reader, writer)
            else:
                await self._answer_all(reader, writer, number)
        writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            request = await read_request(reader)
            request.connection = number
            self.received.append(request)
            writer.write(self.answer if isinstance(self.answer, bytes) else self.answer(request))
            await writer.drain()
            if self.close_after:
                return


async def read_request(reader: asyncio.StreamReader) -> Received:
    """Read one request; a chunked body is kept as it came, frames and all."""
    head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
    request = Received(head)
    if request.values(b"transfer-encoding"):
        while not request.body.endswith(b"0\r\n\r\n"):
            request.body += await reader.readuntil(b"\r\n")
    else:
        length = int((request.values(b"content-length") or [b"0"])[0])
        request.body = await reader.readexactly(length)
    return request
