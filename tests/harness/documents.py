"""A small web server of another party, on loopback: serves documents, counts who asks, changes its mind when told."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web


@dataclass
class DocumentServer:
    """Documents by path. A missing one is a 404; `broken` answers 500 to everything."""

    url: str = ""
    documents: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    broken: bool = False

    def put(self, path: str, document: Any, **headers: str) -> str:
        """Serve a document, and return its address."""
        self.documents[path] = document if isinstance(document, bytes) else msgspec.json.encode(document)
        self.headers[path] = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.url + path

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        self.hits[request.path] += 1
        self.asked[request.path] = dict(request.headers)
        if self.broken:
            return web.Response(status=500)
        body = self.documents.get(request.path)
        if body is None:
            return web.Response(status=404)
        return web.Response(body=body, content_type="application/json", headers=self.headers[request.path])


@asynccontextmanager
async def document_server() -> AsyncIterator[DocumentServer]:
    """Run the server on a free port."""
    server = DocumentServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
