"""The same endpoints on another ASGI server: one that knows nothing of our fast lane."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from keystead.app.asgi import AsgiApplication
from keystead.app.http_server.application import Application
from tests.app.bare_server import Counter, Table


@pytest.fixture
async def application() -> AsgiApplication:
    """An ASGI application over the routes of the bare server."""
    headers = ((b"x-content-type-options", b"nosniff"),)
    return AsgiApplication(Application(Table(), meter=Counter(), default_headers=headers))


def client_of(application: AsgiApplication) -> httpx2.AsyncClient:
    """Return a client that calls the application as an ASGI server would."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(application), base_url="http://localhost")


@pytest.mark.parametrize("path", ["/fast", "/slow", "/none"])
async def test_every_route_answers(application: AsgiApplication, path: str) -> None:
    async with client_of(application) as client:
        reply = await client.get(f"{path}?a=%20b")
    assert reply.status_code == 200
    assert reply.json()["path"] == path
    assert reply.json()["query"] == "a=%20b"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert len(reply.headers["x-request-id"]) == 32


async def test_bodies_errors_and_methods_are_as_on_our_server(application: AsgiApplication) -> None:
    async with client_of(application) as client:
        assert (await client.post("/post", content=b"abc")).json()["body"] == "abc"
        assert (await client.post("/post", content=b"x" * 1001)).status_code == 413
        assert (await client.post("/post", content=_chunks())).status_code == 413
        assert (await client.get("/nowhere")).status_code == 404
        assert (await client.put("/post")).status_code == 405
        assert (await client.get("/broken")).json()["error"] == "server_error"
        assert (await client.get("/injects")).status_code == 500
        assert (await client.head("/fast")).content == b""


async def _chunks() -> Any:
    for _ in range(20):
        yield b"x" * 100


async def test_the_lifespan_protocol_is_answered(application: AsgiApplication) -> None:
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent = []

    async def receive() -> dict[str, Any]:
        return next(events)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await application({"type": "lifespan"}, receive, send)
    assert json.dumps(sent) == '["lifespan.startup.complete", "lifespan.shutdown.complete"]'
