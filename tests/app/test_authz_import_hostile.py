"""Importing from a server that means no good."""

from __future__ import annotations

import pytest
from aiohttp import web

from keystead.app.openfga_import.client import AuthorizationServer, ServerRefused
from tests.harness.processes import free_port

pytestmark = pytest.mark.attack("D1")


async def test_pages_that_lead_to_themselves_are_not_followed() -> None:
    pages = 0

    async def same_again(request: web.Request) -> web.Response:
        nonlocal pages
        pages += 1
        assert pages < 10
        return web.json_response({"stores": [{}], "tuples": [], "continuation_token": "again"})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", same_again)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    server = AuthorizationServer(f"http://127.0.0.1:{port}")
    try:
        with pytest.raises(ServerRefused, match="never end"):
            await anext(store async for store in server.stores() if store)
        with pytest.raises(ServerRefused, match="never end"):
            await server.read("01M82727PQ6JB7RB81Y8135H6H", "again")
    finally:
        await server.close()
        await runner.cleanup()
