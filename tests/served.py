"""A test issuer behind the real HTTP server, on a free loopback port of this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import httpx2

from keystead.app.http_server.application import Application, Handler, Route
from keystead.app.http_server.server import HttpServer, open_socket
from keystead.app.revocation_news import StoreRevocationNews
from keystead.core.errors import OAuthError
from keystead.core.http import Headers, Reply, Request
from keystead.core.values import EpochSeconds
from keystead.oauth.context import issuer_url
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import error_reply
from keystead.web.pages import HtmlPages
from tests.harness.browser import Browser, Page, Wire
from tests.issuer import Issuer, every_endpoint


class _Routes:
    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._prefix = f"/realms/{issuer.realm}/"

    def find(self, path: str) -> tuple[Route, str] | None:
        """Look a path up."""
        endpoint = every_endpoint().get(path.removeprefix(self._prefix)) if path.startswith(self._prefix) else None
        if endpoint is None:
            return None
        route = Route(endpoint.path, self._handler(endpoint), endpoint.methods, endpoint.fast, endpoint.maximum_body)
        return route, self._issuer.realm

    def _handler(self, endpoint: EndpointPlugin) -> Handler:
        async def handle(request: Request) -> Reply:
            try:
                return await endpoint.handle(request, self._issuer.cx)
            except OAuthError as error:
                return error_reply(error)

        return handle


class _NoMeter:
    def count(self, route: str, status: int, seconds: float) -> None:
        """Count nothing."""


@asynccontextmanager
async def served(issuer: Issuer) -> AsyncIterator[str]:
    """Serve an issuer, on the real clock, and give its base URL."""
    listener = open_socket("127.0.0.1", 0)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    issuer.now = EpochSeconds(int(time.time()))
    news = StoreRevocationNews(issuer.store, partial(issuer_url, base))
    issuer.cx = replace(issuer.cx, base_url=base, pages=HtmlPages(base), revocation_news=news)
    application = Application(_Routes(issuer), meter=_NoMeter())
    application.on_stop.append(news.stop)
    server = HttpServer(application, listener)
    task = asyncio.create_task(server.run_until_stopped())
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        yield base
    finally:
        server.stop()
        await task


@asynccontextmanager
async def http_wire() -> AsyncIterator[Wire]:
    """Give a wire of real HTTP requests, each sent as it is: no redirects, no cookies of its own."""
    async with httpx2.AsyncClient(timeout=20, trust_env=False) as client:

        async def send(method: str, url: str, headers: Headers, body: bytes) -> Page:
            request = client.build_request(method, url, headers=list(headers), content=body)
            client.cookies.clear()
            reply = await client.send(request)
            found = tuple((name.lower(), value) for name, value in reply.headers.raw)
            return Page(url, reply.status_code, found, reply.content)

        yield send


class FrontDoor:
    """A served issuer and browsers that reach it over HTTP."""

    def __init__(self, issuer: Issuer, wire: Wire) -> None:
        self.issuer = issuer
        self.wire = wire

    def browser(self) -> Browser:
        """Return a fresh browser."""
        return Browser(self.wire, home=f"{self.issuer.url}/")


@asynccontextmanager
async def front_door(issuer: Issuer) -> AsyncIterator[FrontDoor]:
    """Serve an issuer and connect to it."""
    async with served(issuer), http_wire() as wire:
        yield FrontDoor(issuer, wire)
