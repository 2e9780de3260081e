"""The three doors (ASGI, WSGI, FastAPI): the same verdict, the right answer on the wire, and a line in the journal."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from wsgiref.util import setup_testing_defaults

import httpx2
import msgspec
import pytest
import uvicorn
from fastapi import Depends, FastAPI

from keystead.sdk import JsonLinesJournal, Refused, VerifiedCaller, Verifier, demand
from keystead.sdk.asgi import KeysteadMiddleware, Receive, Scope, Send
from keystead.sdk.fastapi import Protect
from keystead.sdk.presented import Presented, shown_token
from keystead.sdk.wsgi import KeysteadWsgi
from tests.unit.sdk.conftest import Clock
from tests.unit.sdk.loopback_issuer import LoopbackIssuer

ORDERS = "https://orders.acme.example"


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application over real HTTP on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
def verifier(issuer: LoopbackIssuer, clock: Clock) -> Verifier:
    """A verifier for orders."""
    return Verifier(issuer=issuer.url, audience=ORDERS, clock=clock, timer=clock)


@pytest.fixture
def log() -> io.StringIO:
    """What the journal wrote."""
    return io.StringIO()


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """Return the journal's lines."""
    return [msgspec.json.decode(line) for line in log.getvalue().splitlines()]


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Say who calls."""
    caller = scope.get("keystead")
    body = caller.subject.encode() if isinstance(caller, VerifiedCaller) else b"nobody"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def fastapi_app(verifier: Verifier, log: io.StringIO) -> FastAPI:
    """Return a service with one protected route."""
    protect = Protect(verifier=verifier, journal=JsonLinesJournal(log, "orders"))
    reader = Depends(protect("orders:read", acr="1"))
    app = FastAPI()

    @app.get("/orders")
    async def orders(caller: VerifiedCaller = reader) -> dict[str, Any]:
        return {"subject": caller.subject, "trace": caller.trace.trace_id}

    return app


@pytest.mark.spec("RFC 6750 section 3")
async def test_asgi(issuer: LoopbackIssuer, clock: Clock, verifier: Verifier, log: io.StringIO) -> None:
    def demand_for(scope: Scope) -> Any:
        return None if scope["path"] == "/health" else demand("orders:read" if scope["path"] == "/" else "orders:admin")

    app = KeysteadMiddleware(hello, verifier=verifier, journal=JsonLinesJournal(log, "orders"), demand_for=demand_for)
    async with serving(app) as url, httpx2.AsyncClient(base_url=url) as client:
        bearer = {"authorization": f"Bearer {issuer.token(ORDERS, clock())}"}
        assert (await client.get("/health")).text == "nobody"
        assert (await client.get("/", headers=bearer)).text == "usr_alice"
        missing = await client.get("/")
        assert (missing.status_code, missing.headers["www-authenticate"]) == (401, "Bearer")
        forbidden = await client.get("/all", headers=bearer)
        assert forbidden.status_code == 403
        assert 'error="insufficient_scope"' in forbidden.headers["www-authenticate"]
        assert forbidden.json()["error"] == "insufficient_scope"
        other = {"authorization": f"Bearer {issuer.token('https://catalog.acme.example', clock())}"}
        refused = await client.get("/", headers=other)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
        assert refused.headers["cache-control"] == "no-store"
    said = [(line["allowed"], line["reason"], line["facts"]["path"]) for line in lines(log)]
    assert said == [
        (True, "token.accepted", "/"),
        (False, "token.missing", "/"),
        (False, "token.scope_missing", "/all"),
        (False, "jwt.audience", "/"),
    ]
    accepted, _, _, wrong = lines(log)
    assert accepted["subject"] == "usr_alice"
    assert accepted["credential"]["kind"] == "jwt_access_token"
    assert {check["name"] for check in accepted["checks"]} >= {"signature", "issuer", "audience", "expiry", "scope"}
    assert wrong["checks"][-1] == {
        "name": "audience",
        "passed": False,
        "why": f"meant for https://catalog.acme.example, not for {ORDERS}",
    }
    for bad in (bearer, other):
        assert bad["authorization"].split(".")[2] not in log.getvalue()


async def test_fastapi(issuer: LoopbackIssuer, clock: Clock, verifier: Verifier, log: io.StringIO) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with serving(fastapi_app(verifier, log)) as url, httpx2.AsyncClient(base_url=url) as client:
        good = {"authorization": f"bearer {issuer.token(ORDERS, clock(), acr='1')}", "traceparent": trace}
        weak = {"authorization": f"Bearer {issuer.token(ORDERS, clock(), acr='0')}"}
        answer = await client.get("/orders", headers=good)
        assert answer.json() == {"subject": "usr_alice", "trace": "0af7651916cd43dd8448eb211c80319c"}
        refused = await client.get("/orders", headers=weak)
        assert refused.status_code == 401
        assert 'acr_values="1"' in refused.headers["www-authenticate"]
        assert refused.json()["detail"]["error"] == "insufficient_user_authentication"
        assert (await client.get("/orders")).headers["www-authenticate"] == "Bearer"
        issuer.down = True
        clock.forward(4000)
        unavailable = await client.get("/orders", headers=good)
        assert (unavailable.status_code, unavailable.headers["retry-after"]) == (503, "1")
        assert "www-authenticate" not in unavailable.headers
    assert lines(log)[0]["trace"] == {
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": lines(log)[0]["trace"]["span_id"],
        "parent_id": "b7ad6b7169203331",
    }


def call_wsgi(app: KeysteadWsgi, path: str, **headers: str) -> tuple[str, dict[str, str], bytes]:
    """Call a WSGI application."""
    environ: dict[str, Any] = {"PATH_INFO": path, **{f"HTTP_{name.upper()}": value for name, value in headers.items()}}
    setup_testing_defaults(environ)
    said: list[Any] = []
    body = b"".join(app(environ, lambda status, fields: said.extend((status, dict(fields)))))
    return said[0], said[1], body


async def test_wsgi(issuer: LoopbackIssuer, clock: Clock, verifier: Verifier, log: io.StringIO) -> None:
    def inner(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [])
        caller = environ.get("keystead")
        return [caller.subject.encode() if isinstance(caller, VerifiedCaller) else b"nobody"]

    app = KeysteadWsgi(inner, verifier=verifier, journal=JsonLinesJournal(log, "orders"))
    bearer = f"Bearer {issuer.token(ORDERS, clock())}"
    assert (await asyncio.to_thread(call_wsgi, app, "/", authorization=bearer))[2] == b"usr_alice"
    status, headers, _ = await asyncio.to_thread(call_wsgi, app, "/")
    assert (status, headers["www-authenticate"]) == ("401 Unauthorized", "Bearer")
    status, _, _ = await asyncio.to_thread(call_wsgi, app, "/", authorization=f"{bearer},{bearer}")
    assert status == "400 Bad Request"
    assert [line["allowed"] for line in lines(log)] == [True, False, False]


@pytest.mark.attack("P2")
async def test_a_caller_cannot_be_brought_along(verifier: Verifier) -> None:
    """A caller left in the scope by another layer is not believed where no token was checked."""
    seen: list[Any] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope.get("keystead"))

    async def nothing(*_: Any) -> Any:
        return {}

    app = KeysteadMiddleware(inner, verifier=verifier, demand_for=lambda scope: None)
    await app({"type": "http", "path": "/", "headers": [], "keystead": "forged"}, nothing, nothing)
    assert seen == [None]


async def test_websockets_and_start_up(issuer: LoopbackIssuer, clock: Clock, verifier: Verifier) -> None:
    reached: list[str] = []
    sent: list[Any] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["type"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    app = KeysteadMiddleware(inner, verifier=verifier)
    await app({"type": "lifespan"}, receive, send)
    await app({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert (reached, sent) == (["lifespan"], [{"type": "websocket.close", "code": 1008, "reason": "token.missing"}])
    bearer = (b"authorization", f"Bearer {issuer.token(ORDERS, clock())}".encode())
    await app({"type": "websocket", "path": "/", "headers": [bearer]}, receive, send)
    assert reached == ["lifespan", "websocket"]


@pytest.mark.attack("R3")
@pytest.mark.spec("RFC 6750 section 2.1")
@pytest.mark.parametrize(
    ("values", "status", "reason"),
    [
        ([], 401, "token.missing"),
        ([b"Basic YTpi"], 401, "token.scheme"),
        ([b"Bearer"], 400, "token.malformed"),
        ([b"Bearer "], 400, "token.malformed"),
        ([b"Bearer a b"], 400, "token.malformed"),
        ([b"Bearer a", b"Bearer a"], 400, "token.repeated"),
        ([b"Digest a"], 401, "token.scheme"),
    ],
)
def test_the_authorization_header_is_read_strictly(values: list[bytes], status: int, reason: str) -> None:
    refused = shown_token(values)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.reason) == (status, reason)
    assert refused.www_authenticate.startswith("Bearer")
    assert shown_token([b"bEaReR  token"]) == Presented("token")
