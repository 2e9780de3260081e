"""The API as an ASGI application of its own, for a service that embeds it and for tests.

    from keystead.api.openfga import application

    app = application(backend)               # any `keystead.storage.ports.Store`

Whoever can reach it may do everything in one realm: guard it, or pass `authorize`.
Spec: ASGI 3.0.
Does not: know realms in its paths, or answer anything but HTTP requests and the lifespan protocol.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from keystead.api.callers import Authorize
from keystead.api.openfga.faults import ApiFault
from keystead.api.openfga.service import Limits, Service, anybody_of
from keystead.api.openfga.table import Place, find_place
from keystead.authz.served import AuthorizationStores
from keystead.core.http import Reply, Request, StreamedReply, json_reply
from keystead.core.trace import accept_trace
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Store

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_logger = logging.getLogger("keystead.http")
_UNDEFINED: Final = ApiFault("undefined_endpoint", "Endpoint not enabled")


def application(
    backend: Store,
    *,
    realm: str = "default",
    base: str = "",
    authorize: Authorize | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.time,
) -> OpenFgaApplication:
    """Return OpenFGA's API over a backend. `base` is the path before `/stores`."""
    stores = AuthorizationStores(backend, clock)
    service = Service(stores, authorize or anybody_of(realm), limits or Limits())
    return OpenFgaApplication(service, base, clock)


class OpenFgaApplication:
    """An ASGI application. Made by `application`."""

    def __init__(self, service: Service, base: str, clock: Callable[[], float]) -> None:
        self.service = service
        self._base = base.rstrip("/")
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI event stream."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await _write(await self._reply(scope, receive), scope["method"], send)
        else:
            raise ValueError(f"only HTTP is served, not {scope['type']}")

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        path: str = scope["path"]
        place = find_place(path.removeprefix(self._base)) if path.startswith(self._base) else None
        if place is None:
            return _UNDEFINED.reply()
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method not in place.endpoint.operations:
            allow = ((b"allow", ", ".join(sorted(place.endpoint.methods)).encode("ascii")),)
            return json_reply({"code": "unimplemented", "message": "Method Not Allowed"}, status=405, headers=allow)
        body = await _read_body(receive, place.endpoint.maximum_body)
        if body is None:
            limit = place.endpoint.maximum_body
            return json_reply({"code": "exceeded_entity_limit", "message": f"the limit is {limit} bytes"}, status=413)
        return await self._answer(place, self._request(scope, path, body))

    async def _answer(self, place: Place, request: Request) -> Reply:
        try:
            return await place.endpoint.answer(self.service, request, place.store, place.last)
        except Exception:
            _logger.exception("request %s failed", request.trace.trace_id)
            return json_reply({"code": "internal_error", "message": "Internal Server Error"}, status=500)

    def _request(self, scope: Scope, path: str, body: bytes) -> Request:
        headers = tuple((bytes(name).lower(), bytes(value)) for name, value in scope["headers"])
        traceparent = next((value.decode("latin-1") for name, value in headers if name == b"traceparent"), None)
        now = EpochSeconds(int(self._clock()))
        return Request(scope["method"], path, scope["query_string"], headers, body, now, accept_trace(traceparent))


async def _write(reply: Reply, method: str, send: Send) -> None:
    streams = isinstance(reply, StreamedReply) and method != "HEAD"
    headers = list(reply.headers)
    if not streams and reply.status != 204:
        headers.append((b"content-length", str(len(reply.body)).encode("ascii")))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if isinstance(reply, StreamedReply) and streams:
        async for part in reply.parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else reply.body})


async def _read_body(receive: Receive, maximum: int) -> bytes | None:
    """Return the body, or None when it is too large or never came whole."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > maximum:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
