"""Between a store and its PostgreSQL: a store by its URL, and a proxy that loses what it is told to lose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keystead.storage.ports import Store

COMMIT = b"COMMIT\0"
WRITE = b"pg_advisory_xact_lock"
"""What only a write sends."""


@asynccontextmanager
async def store_at(url: str) -> AsyncIterator[Store]:
    """Open a store by its URL."""
    from keystead.storage.postgres.store import open_store

    opened = open_store(url)
    try:
        yield opened
    finally:
        await opened.close()


class Wire:
    """A proxy in front of the server that loses what it is told to lose."""

    def __init__(self, url: str) -> None:
        address = url.partition("@")[2].partition("/")[0]
        self._host, _, port = address.partition(":")
        self._port = int(port)
        self._url = url.replace(address, "{address}")
        self.lose_commit = self.lose_reply = self.frozen = False
        self.cut_at: bytes = b""
        self.commits = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> str:
        """Listen; return the URL through the proxy."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return self._url.format(address=f"127.0.0.1:{port}")

    async def close(self) -> None:
        """Stop listening, and end what is open."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there, onward = await asyncio.open_connection(self._host, self._port)
        back = asyncio.create_task(self._pass_back(there, writer))
        writes = False
        try:
            while data := await reader.read(65_536):
                if self.frozen:
                    await asyncio.sleep(3600)
                if self.cut_at and self.cut_at in data:
                    self.cut_at = b""
                    break
                writes = writes or WRITE in data
                if writes and COMMIT in data and (self.lose_commit or self.lose_reply):
                    self.commits += 1
                    if self.lose_reply:
                        back.cancel()
                        await asyncio.wait((back,))
                        onward.write(data)
                        await there.read(65_536)
                    break
                writes = writes and COMMIT not in data
                onward.write(data)
        finally:
            back.cancel()
            writer.transport.abort()
            onward.close()

    async def _pass_back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await there.read(65_536):
            writer.write(data)
        writer.transport.abort()
