"""Ceiling 1: a raw asyncio protocol with httptools on uvloop. `python -m benchmarks.ceilings.raw_protocol PORT`."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import httptools
import uvloop

from benchmarks.ceilings.work import ROUTES


class RawProtocol(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        answer = ROUTES[self._url](self._body)
        self._body = b""
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\ncontent-length: "
        self._transport.write(head + str(len(answer)).encode() + b"\r\n\r\n" + answer)


async def main(port: int) -> None:
    """Serve until ended."""
    server = await asyncio.get_running_loop().create_server(RawProtocol, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
