"""A server that messages are delivered to: keeps what it got, answers what the test wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

PATIENCE = 45.0


@dataclass
class Got:
    """One message."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """The server. `answers` are the statuses it gives, one after another; then 200."""

    origin: str = ""
    got: list[Got] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    usual: int = 200

    async def wait_for(self, number: int) -> list[Got]:
        """Return the messages once there are so many."""
        await until(lambda: len(self.got) >= number)
        return self.got


async def until(true: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    ending = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ending, "it never happened"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Give a receiver on loopback."""
    made = Receiver()

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        made.got.append(Got(request.path, headers, await request.read()))
        return web.Response(status=made.answers.pop(0) if made.answers else made.usual)

    application = web.Application()
    application.router.add_route("*", "/{anything:.*}", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
