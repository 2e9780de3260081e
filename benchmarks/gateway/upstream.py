"""The service behind: 931 bytes of JSON for every request, on a raw protocol.

python -m benchmarks.gateway.upstream PORT
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

BODY = b'{"items":[' + b",".join(b'{"id":%d,"name":"a thing to buy"}' % i for i in range(26)) + b"]}"
BODY = BODY.ljust(931)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nserver: bench\r\ndate: Sun, 22 Nov 2026 10:00:00 GMT\r\ncontent-type: application/json\r\n"
    b'content-length: %d\r\ncache-control: no-store\r\netag: "x-931"\r\n\r\n' % len(BODY)
) + BODY


class Upstream(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every head; there are no bodies here."""
        count = data.count(b"\r\n\r\n")
        if count:
            self._transport.write(ANSWER * count)


async def serve(port: int) -> None:
    """Serve."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
