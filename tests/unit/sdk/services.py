"""One small service in each framework, behind a real server, protected by relation in one line a route."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import ModuleType
from typing import Any

import django
import uvicorn
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, JsonResponse
from django.test.utils import override_settings
from django.urls import path
from fastapi import Depends, FastAPI, Request
from flask import Flask, g
from werkzeug.serving import make_server

import keystead.authz as authz
import keystead.sdk.django
import keystead.sdk.fastapi
import keystead.sdk.flask
from keystead.core.decisions import Journal
from keystead.sdk import Verifier
from keystead.sdk.relations import Permitted

MODEL = """
model
  schema 1.1

type user

type service

type group
  relations
    define member: [user]

type shop

type order
  relations
    define shop: [shop]
    define owner: [user, user with from_office]
    define viewer: [user, service, group#member] or owner

condition from_office(network: string) {
  network == "office"
}
"""
CLAIMS = {"groups": "group:{value}#member", "realm_access.roles": "group:role-{value}#member"}
RULES = {"user": "user", "service": "service", "claims": CLAIMS}
READ: dict[str, Any] = {"scope": "orders:read"}
EDIT: dict[str, Any] = {"scope": "orders:write", "acr": "2", "visible_by": "viewer"}
Serving = Callable[..., AbstractAsyncContextManager[str]]


def told(permitted: Permitted) -> dict[str, Any]:
    """Return what a route answers whom it lets through."""
    return {"object": permitted.object, "id": permitted.id, "subject": permitted.caller.subject}


@asynccontextmanager
async def in_fastapi(verifier: Verifier, journal: Journal, engine: authz.AuthorizationEngine) -> AsyncIterator[str]:
    """FastAPI under uvicorn."""
    protect = keystead.sdk.fastapi.Protect(verifier=verifier, journal=journal)
    allowed = keystead.sdk.fastapi.Allowed(protect, engine, **RULES)  # type: ignore[arg-type]  # one dict for all
    app = FastAPI()

    def office(request: Request) -> dict[str, object]:
        return {"network": request.headers.get("x-network", "")}

    reader = Depends(allowed("viewer", "order:{order_id}", **READ))
    editor = Depends(allowed("owner", "order:{order_id}", **EDIT))
    owner = Depends(allowed("owner", "order:{order_id}", context=office))

    @app.get("/orders/{order_id}")
    async def one(order_id: str, permitted: Permitted = reader) -> Any:
        return told(permitted)

    @app.put("/orders/{order_id}")
    async def edit(permitted: Permitted = editor) -> Any:
        return told(permitted)

    @app.delete("/orders/{order_id}")
    async def drop(permitted: Permitted = owner) -> Any:
        return told(permitted)

    async with _uvicorn(app) as url:
        yield url


@asynccontextmanager
async def in_flask(verifier: Verifier, journal: Journal, engine: authz.AuthorizationEngine) -> AsyncIterator[str]:
    """Flask under werkzeug; one of the views is a coroutine."""
    from flask import request

    protect = keystead.sdk.flask.Protect(verifier=verifier, journal=journal)
    blocking = authz.open_sync("memory://", model=MODEL)
    await _copy(engine, blocking)
    allowed = keystead.sdk.flask.Allowed(protect, blocking, **RULES)  # type: ignore[arg-type]  # one dict for all
    app = Flask("orders")

    @app.get("/orders/<order_id>")
    @allowed("viewer", "order:{order_id}", **READ)
    def one(order_id: str) -> Any:
        return told(g.keystead)

    @app.put("/orders/<order_id>")
    @allowed("owner", "order:{order_id}", **EDIT)
    async def edit(order_id: str) -> Any:
        return told(g.keystead)

    @app.delete("/orders/<order_id>")
    @allowed("owner", "order:{order_id}", context=lambda: {"network": request.headers.get("x-network", "")})
    def drop(order_id: str) -> Any:
        return told(g.keystead)

    async with _werkzeug(app) as url:
        yield url
    await asyncio.to_thread(blocking.close)


def in_django(*, asynchronous: bool) -> Serving:
    """Django, its views synchronous under WSGI or asynchronous under ASGI."""

    @asynccontextmanager
    async def serving(verifier: Verifier, journal: Journal, engine: authz.AuthorizationEngine) -> AsyncIterator[str]:
        if not settings.configured:
            settings.configure()
            django.setup()
        protect = keystead.sdk.django.Protect(verifier=verifier, journal=journal)
        blocking = authz.open_sync("memory://", model=MODEL)
        await _copy(engine, blocking)
        allowed = keystead.sdk.django.Allowed(protect, engine if asynchronous else blocking, **RULES)  # type: ignore[arg-type]  # one dict
        urls = ModuleType("urls_of_the_test")
        urls.urlpatterns = [path("orders/<path:order_id>", _dispatch(allowed, asynchronous=asynchronous))]  # type: ignore[attr-defined]  # made here
        with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[], ALLOWED_HOSTS=["*"], APPEND_SLASH=False):
            async with _uvicorn(ASGIHandler()) if asynchronous else _werkzeug(WSGIHandler()) as url:
                yield url
        await asyncio.to_thread(blocking.close)

    return serving


def _dispatch(allowed: keystead.sdk.django.Allowed, *, asynchronous: bool) -> Any:
    def office(request: HttpRequest) -> dict[str, object]:
        return {"network": request.headers.get("x-network", "")}

    demands: dict[str, Any] = {"GET": READ, "PUT": EDIT, "DELETE": {"context": office}}
    relations = {"GET": "viewer", "PUT": "owner", "DELETE": "owner"}

    def view(request: HttpRequest, order_id: str) -> JsonResponse:
        return JsonResponse(told(request.keystead))  # type: ignore[attr-defined]  # put there by the decorator

    async def waiting(request: HttpRequest, order_id: str) -> JsonResponse:
        return view(request, order_id)

    kind = waiting if asynchronous else view
    views = {name: allowed(relations[name], "order:{order_id}", **demands[name])(kind) for name in relations}

    def chosen(request: HttpRequest, order_id: str) -> Any:
        return views[request.method or ""](request, order_id=order_id)

    async def chosen_waiting(request: HttpRequest, order_id: str) -> Any:
        return await chosen(request, order_id)

    return chosen_waiting if asynchronous else chosen


SERVICES: dict[str, Serving] = {
    "fastapi": in_fastapi,
    "flask": in_flask,
    "django": in_django(asynchronous=False),
    "django asynchronous": in_django(asynchronous=True),
}


async def _copy(engine: authz.AuthorizationEngine, blocking: Any) -> None:
    blocking.write(await engine.read())


@asynccontextmanager
async def _uvicorn(app: Any) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def _werkzeug(app: Any) -> AsyncIterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        await asyncio.to_thread(server.shutdown)
        thread.join()
        server.server_close()
