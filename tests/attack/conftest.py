"""What several attacks need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web


@pytest.fixture
async def tarpit() -> AsyncIterator[str]:
    """A server that takes connections and never answers."""
    silence = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        await silence.wait()
        return web.Response()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", wait)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    silence.set()
    await runner.cleanup()
