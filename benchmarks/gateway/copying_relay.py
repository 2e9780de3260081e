"""The floor: a relay on uvloop that copies bytes and reads none of them.

python -m benchmarks.gateway.copying_relay PORT UPSTREAM_PORT
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    """One side of a pair of connections."""

    other: asyncio.Transport | None = None
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Copy."""
        if self.other is not None:
            self.other.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        """End the other side."""
        if self.other is not None:
            self.other.close()


class Front(Side):
    """The browser's side: connects its own upstream connection first."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect upstream."""
        super().connection_made(transport)
        self._early = b""
        self._task = asyncio.get_running_loop().create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        """Copy, or keep what comes before there is anywhere to copy it to."""
        if self.other is None:
            self._early += data
        else:
            self.other.write(data)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, back = await loop.create_connection(Side, "127.0.0.1", self._upstream_port)
        back.other, self.other = self.transport, back.transport
        self.other.write(self._early)


async def serve(port: int, upstream_port: int) -> None:
    """Serve."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Front(upstream_port), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
