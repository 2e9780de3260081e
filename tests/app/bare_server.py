"""A server with a handful of made-up routes, for tests of the HTTP server itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keystead.app.http_server.application import Application, Route
from keystead.app.http_server.framing import Limits
from keystead.app.http_server.server import HttpServer, open_socket
from keystead.core.http import Reply, Request, json_reply


class Counter:
    """Remembers what was counted."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, int]] = []

    def count(self, route: str, status: int, seconds: float) -> None:
        """Remember one answer."""
        assert seconds >= 0
        self.counted.append((route, status))


class Table:
    """The routes of the bare server. `gate` parks `/parked` until it is set."""

    def __init__(self) -> None:
        self.gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.parked = asyncio.Event()
        get, post = frozenset({"GET"}), frozenset({"POST"})
        self._routes = {
            "/fast": Route("fast", self._echo, get, fast=True),
            "/post": Route("post", self._echo, post, fast=True, maximum_body=1000),
            "/slow": Route("slow", self._echo, get | post, fast=False, maximum_body=1000),
            "/slow-parked": Route("slow_parked", self._parked, get, fast=False),
            "/parked": Route("parked", self._parked, get, fast=True),
            "/big": Route("big", self._big, get, fast=True),
            "/broken": Route("broken", self._broken, get, fast=True),
            "/broken-slow": Route("broken_slow", self._broken, get, fast=False),
            "/injects": Route("injects", self._injects, get, fast=True),
            "/none": Route("none", self._none, get, fast=True),
        }

    def find(self, path: str) -> tuple[Route, str] | None:
        """Look a path up."""
        route = self._routes.get(path)
        return (route, "acme") if route else None

    async def _echo(self, request: Request) -> Reply:
        return json_reply(
            {
                "method": request.method,
                "path": request.path,
                "query": request.query.decode("latin-1"),
                "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers],
                "body": request.body.decode("latin-1"),
                "realm": request.realm,
                "client_address": request.client_address,
                "trace": request.trace.trace_id,
            }
        )

    async def _parked(self, request: Request) -> Reply:
        self.parked.set()
        await asyncio.shield(self.gate)
        return await self._echo(request)

    async def _big(self, request: Request) -> Reply:
        return Reply(200, (), b"x" * 300_000)

    async def _broken(self, request: Request) -> Reply:
        raise RuntimeError("this text stays in the log")

    async def _injects(self, request: Request) -> Reply:
        return Reply(200, ((b"x-a", b"1\r\nset-cookie: evil=1"),))

    async def _none(self, request: Request) -> Reply:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await self._echo(request)


class BareServer:
    """A running server: its port, its routes and its counter."""

    def __init__(self, port: int, table: Table, counter: Counter, server: HttpServer) -> None:
        self.port = port
        self.table = table
        self.counter = counter
        self.server = server

    async def parked(self) -> None:
        """Wait until a request is parked."""
        async with asyncio.timeout(40):
            await self.table.parked.wait()

    async def exchange(self, raw: bytes, *, wait: float = 5) -> bytes:
        """Send bytes on a fresh connection and return all that comes until the server closes or falls silent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(raw)
        received = b""
        try:
            async with asyncio.timeout(wait):
                while chunk := await reader.read(65_536):
                    received += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        finally:
            writer.close()
        return received


@asynccontextmanager
async def bare_server(limits: Limits | None = None, **options: object) -> AsyncIterator[BareServer]:
    """Run a bare server on a free port."""
    table, counter = Table(), Counter()
    application = Application(
        table,
        meter=counter,
        limits=limits,
        default_headers=((b"x-content-type-options", b"nosniff"),),
        **options,  # type: ignore[arg-type]  # passed through to the application under test
    )
    listener = open_socket("127.0.0.1", 0)
    server = HttpServer(application, listener)
    running = asyncio.create_task(server.run_until_stopped())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield BareServer(listener.getsockname()[1], table, counter, server)
    finally:
        server.stop()
        await running
