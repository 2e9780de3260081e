"""The same endpoints for any ASGI server, and for our own server's slow lane.

Flow: scope and body -> `core.http.Request` -> the route's handler -> `Reply` -> two ASGI messages.
Does not: know a protocol rule, or answer anything but HTTP requests and the lifespan protocol.
Spec: ASGI 3.0.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from keystead.app.http_server.application import Application, Route
from keystead.app.http_server.framing import Refusal, require_clear_message, require_plain_target
from keystead.app.http_server.lane import REQUEST_KEY, ROUTE_KEY
from keystead.app.http_server.wire import HeadWriter
from keystead.core.forwarded_certificate import CERTIFICATE_HEADERS
from keystead.core.http import Headers, Reply, Request, StreamedReply
from keystead.core.trace import accept_trace
from keystead.core.values import EpochSeconds

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AsgiApplication:
    """An ASGI application over an `Application`."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._heads = HeadWriter(application.default_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI event stream."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            raise ValueError(f"only HTTP is served, not {scope['type']}")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.time()
        trace_id = ""
        route: Route | None = scope.get(ROUTE_KEY)
        try:
            if route is None:
                request, route = await self._read(scope, receive)
            else:
                request = scope[REQUEST_KEY]
            trace_id = request.trace.trace_id
            reply = await self._answer(request, route)
        except Refusal as refusal:
            reply = refusal.reply
        self._application.meter.count(route.name if route else "refused", reply.status, time.time() - began)
        await self._write(reply, scope["method"], trace_id, send)

    async def _answer(self, request: Request, route: Route) -> Reply:
        try:
            reply = await route.handler(request)
            self._heads.head(reply.status, reply.headers)
            return reply
        except Exception as error:  # noqa: BLE001 - the last resort: nothing of it reaches the caller
            return self._application.failure(error, request)

    async def _read(self, scope: Scope, receive: Receive) -> tuple[Request, Route]:
        sent: Headers = tuple((bytes(name), bytes(value)) for name, value in scope["headers"])
        headers = tuple(header for header in sent if header[0] not in CERTIFICATE_HEADERS)
        announced = require_clear_message(scope["http_version"], False, headers)
        target: bytes = scope.get("raw_path") or scope["path"].encode("utf-8")
        require_plain_target(target)
        path = target.decode("latin-1")
        route, realm = self._application.resolve(scope["method"], path)
        if announced.length > route.maximum_body:
            raise Refusal(413, f"A body here may have {route.maximum_body} bytes.")
        body = await _read_body(receive, route.maximum_body)
        traceparent = next((value.decode("latin-1") for name, value in headers if name == b"traceparent"), None)
        peer = scope["client"][0] if scope.get("client") else ""
        proved = self._application.forwarded_certificate(
            peer, tuple(header for header in sent if header[0] in CERTIFICATE_HEADERS)
        )
        request = Request(
            scope["method"],
            path,
            scope["query_string"],
            headers,
            body,
            EpochSeconds(int(time.time())),
            accept_trace(traceparent),
            realm,
            self._application.client_address(peer, headers),
            proved.certificate,
            proved.chain,
        )
        return request, route

    async def _write(self, reply: Reply, method: str, trace_id: str, send: Send) -> None:
        own = {name for name, _ in reply.headers}
        headers = [*reply.headers, *(header for header in self._application.default_headers if header[0] not in own)]
        if reply.status not in (204, 304) and not isinstance(reply, StreamedReply):
            headers.append((b"content-length", str(len(reply.body)).encode("ascii")))
        if trace_id and b"x-request-id" not in own:
            headers.append((b"x-request-id", trace_id.encode("ascii")))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if isinstance(reply, StreamedReply) and method != "HEAD":
            async for part in reply.parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else reply.body})


async def _read_body(receive: Receive, maximum: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "The client went away.")
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > maximum:
            raise Refusal(413, f"A body here may have {maximum} bytes.")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
