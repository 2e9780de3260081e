"""Ways of sending a request to the API: straight into the ASGI application, or over a real connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp

from keystead.api.openfga import OpenFgaApplication
from tests.openfga.matrix import Ask, Json, body_of

Message = MutableMapping[str, Any]


RawAsk = Callable[[str, str, bytes | None], Awaitable[tuple[int, bytes]]]


def asgi_wire(application: OpenFgaApplication) -> Ask:
    """Send requests as ASGI events."""
    raw = raw_asgi_wire(application)

    async def ask(method: str, path: str, document: Json | None) -> tuple[int, bytes]:
        return await raw(method, path, None if document is None else body_of(document))

    return ask


def raw_asgi_wire(application: OpenFgaApplication) -> RawAsk:
    """Send any bytes as a body."""

    async def ask(method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        path, _, query = path.partition("?")
        scope: Message = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"content-type", b"application/json")],
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body or b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await application(scope, receive, send)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])

    return ask


def http_wire(session: aiohttp.ClientSession, base: str, token: str) -> Ask:
    """Send requests over HTTP, with an access token."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}

    async def ask(method: str, path: str, document: Json | None) -> tuple[int, bytes]:
        body = None if document is None else body_of(document)
        async with session.request(method, f"{base}{path}", data=body, headers=headers) as reply:
            return reply.status, await reply.read()

    return ask
