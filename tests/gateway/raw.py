"""A raw browser: writes bytes, reads bytes, hides nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import cast


@dataclass
class Response:
    """One response, read to its end."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        """The status."""
        return int(self.head.split(b" ", 2)[1])

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers, names in lower case."""
        lines = self.head.split(b"\r\n")[1:]
        pairs = (line.decode("latin-1").partition(":") for line in lines)
        return [(name.lower(), value.strip()) for name, _, value in pairs]

    def cookie(self, name: str) -> str:
        """The Set-Cookie value of a cookie, or an empty text."""
        found = [value for key, value in self.headers if key == "set-cookie" and value.startswith(f"{name}=")]
        assert len(found) <= 1, f"{name} is set twice"
        return found[0] if found else ""

    def header(self, name: str) -> str:
        """The only value of a header, or an empty text."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} is repeated"
        return values[0] if values else ""


OPEN: list[RawBrowser] = []
"""Every browser a test opened; a fixture closes them."""


class RawBrowser:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> RawBrowser:
        """Connect."""
        browser = cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))
        OPEN.append(browser)
        return browser

    async def send(self, data: bytes) -> None:
        """Write bytes, just these."""
        self.writer.write(data)
        await self.writer.drain()

    async def response(self, *, head_only: bool = False, timeout: float = 40) -> Response:
        """Read one response."""
        async with asyncio.timeout(timeout):
            head = (await self.reader.readuntil(b"\r\n\r\n"))[:-4]
            response = Response(head, b"")
            if head_only or response.status in (204, 304) or response.status < 200:
                return response
            if response.header("transfer-encoding") == "chunked":
                response.body = await self._chunks()
            elif length := response.header("content-length"):
                response.body = await self.reader.readexactly(int(length))
            else:
                response.body = await self.reader.read()
            return response

    async def rest(self, timeout: float = 40) -> bytes:
        """Read until the gateway closes."""
        async with asyncio.timeout(timeout):
            with suppress(ConnectionError):
                return await self.reader.read()
        return b""

    async def ask(self, data: bytes, *, head_only: bool = False) -> Response:
        """Write a request and read its response."""
        await self.send(data)
        return await self.response(head_only=head_only)

    def pause(self) -> None:
        """Stop reading from the socket."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    def resume(self) -> None:
        """Go on reading."""
        cast("asyncio.Transport", self.writer.transport).resume_reading()

    def close(self) -> None:
        """Close at once."""
        self.writer.transport.abort()

    async def _chunks(self) -> bytes:
        body = b""
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            body += await self.reader.readexactly(size)
            assert await self.reader.readexactly(2) == b"\r\n"
            if size == 0:
                return body


def close_all() -> None:
    """Close every browser that is open, so that a gateway can stop without waiting for them."""
    while OPEN:
        OPEN.pop().close()


async def exchange(port: int, data: bytes, *, head_only: bool = False) -> Response:
    """Ask one question over a connection of its own."""
    browser = await RawBrowser.open(port)
    try:
        return await browser.ask(data, head_only=head_only)
    finally:
        browser.close()
