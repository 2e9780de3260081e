"""P5: tokens and cookies go to the host they are meant for and nowhere else; the browser never sees a token."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.gateway.plane import COOKIE, HOST, TOKEN, Plane
from tests.gateway.raw import exchange
from tests.gateway.site import Site
from tests.gateway.upstream import RawUpstream
from tests.token_likes import token_likes

pytestmark = pytest.mark.attack("P5")
CALL = b"GET /api/x HTTP/1.1\r\n" + HOST + COOKIE + b"x-csrf: 1\r\n\r\n"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/steal", "//127.0.0.1:{port}/steal", "http:/steal", "/v1/x"]
)
async def test_redirects_are_not_followed(plane: Plane, upstream: RawUpstream, status: int, target: str) -> None:
    canary = await RawUpstream().start()
    location = target.format(port=canary.port)
    upstream.answer = f"HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()
    response = await exchange(plane.port, CALL)
    assert response.status == status
    assert len(upstream.received) == 1
    assert canary.received == []
    await canary.stop()


async def test_our_own_word_does_not_come_back(plane: Plane, upstream: RawUpstream) -> None:
    """An upstream that copies request headers into its response shows the browser nothing."""
    upstream.answer = lambda request: (
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"
        + b"\r\n".join(name + b": " + value for name, value in request.headers if name != b"host")
        + b"\r\n\r\n"
    )
    response = await exchange(plane.port, CALL)
    assert TOKEN.encode() not in response.head
    assert not {"authorization", "x-forwarded-for", "x-keystead-client-id"} & {name for name, _ in response.headers}
    upstream.answer = lambda request: (
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-debug: " + request.values(b"authorization")[0] + b"\r\n\r\n"
    )
    response = await exchange(plane.port, CALL)
    assert TOKEN.encode() not in response.head
    assert plane.journal.reasons[-1] == "upstream.token_echoed"


@pytest.mark.parametrize(
    "cookie",
    [
        b"__Host-keystead=evil; Path=/; Secure", b"__host-keystead=evil", b" __Host-keystead =evil",
        b"__Host-keystead-login=evil", b"__Host-keystead", b"=__Host-keystead=evil", b'"__Host-keystead"=evil', b"=x",
    ],
)  # fmt: skip
async def test_a_service_cannot_set_our_cookies(plane: Plane, upstream: RawUpstream, cookie: bytes) -> None:
    upstream.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: ok=1\r\nset-cookie: " + cookie + b"\r\n\r\n"
    head = HOST + COOKIE + b"x-csrf: 1\r\n\r\n"
    allowed = await exchange(plane.port, b"GET /live/x HTTP/1.1\r\n" + head)
    assert [value for name, value in allowed.headers if name == "set-cookie"] == ["ok=1"]
    other = await exchange(plane.port, b"GET /api/x HTTP/1.1\r\n" + head)
    assert [value for name, value in other.headers if name == "set-cookie"] == []


@pytest.mark.parametrize(
    "header",
    [
        "alt-svc: h2=\"evil.test:443\"", "clear-site-data: \"*\"", "strict-transport-security: max-age=0",
        "access-control-allow-origin: *", "service-worker-allowed: /", "refresh: 0;url=//evil.test", "server: x/1.2",
        "x-powered-by: x", "x-accel-redirect: /x", "proxy-authenticate: Basic", "connection: x-secret\r\nx-secret: 1",
        "report-to: {}", "nel: {}", "keep-alive: timeout=5", "trailer: x",
    ],
)  # fmt: skip
async def test_a_service_does_not_speak_for_our_origin(plane: Plane, upstream: RawUpstream, header: str) -> None:
    upstream.answer = f"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n{header}\r\n\r\nok".encode()
    response = await exchange(plane.port, CALL)
    assert response.body == b"ok"
    names = {line.split(":")[0] for line in header.split("\r\n")}
    assert not names & {name for name, _ in response.headers}


async def test_answers_carry_the_headers_that_keep_browsers_careful(plane: Plane, upstream: RawUpstream) -> None:
    response = await exchange(plane.port, CALL)
    assert response.header("x-content-type-options") == "nosniff"
    assert response.header("cross-origin-resource-policy") == "same-origin"
    assert response.header("cache-control") == "no-store"
    upstream.answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nok"
    page = await exchange(plane.port, b"GET /page HTTP/1.1\r\n" + HOST + b"\r\n")
    assert page.header("content-security-policy") == "frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    assert page.header("cross-origin-opener-policy") == "same-origin"
    upstream.answer = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\nreferrer-policy: no-referrer\r\n"
        b"content-security-policy: default-src 'self'\r\n\r\nok"
    )
    page = await exchange(plane.port, b"GET /page HTTP/1.1\r\n" + HOST + b"\r\n")
    assert page.header("content-security-policy") == "default-src 'self'"
    assert page.header("referrer-policy") == "no-referrer"
    assert page.header("x-content-type-options") == "nosniff"


@pytest.mark.spec("RFC 9470 section 3")
async def test_a_step_up_challenge_reaches_the_browser_with_the_way_to_meet_it(
    plane: Plane, upstream: RawUpstream
) -> None:
    challenge = 'Bearer error="insufficient_user_authentication", acr_values="urn:x 2", max_age=60'
    upstream.answer = f"HTTP/1.1 401 No\r\nwww-authenticate: {challenge}\r\ncontent-length: 2\r\n\r\nno".encode()
    response = await exchange(plane.port, CALL)
    assert (response.status, response.body) == (401, b"no")
    assert response.header("www-authenticate") == challenge
    assert response.header("x-keystead-login") == "/bff/login?acr_values=urn%3Ax%202&max_age=60"


async def test_no_response_of_a_whole_visit_holds_a_token(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    await asyncio.gather(visitor.call("GET", "/api/orders/1"), visitor.call("GET", "/api/catalog/1"))
    live = site.session(visitor)
    secrets = [live.tokens.access_token, live.tokens.refresh_token]
    secrets += [token.identity.authorization.decode().split()[2] for token in live.upstream_tokens.values()]
    assert len(secrets) == 4
    await visitor.call("GET", "/bff/user")
    await visitor.call("POST", "/bff/logout")
    for response in visitor.seen:
        text = (response.head + response.body).decode("latin-1")
        assert not any(secret in text for secret in secrets)
        lines = [line for line in text.split("\r\n") if not line.lower().startswith("set-cookie: ")]
        assert token_likes("\n".join(lines)) == [], "the visitor's own cookies are all it is given"
    for decision in site.journal.decisions:
        line = msgspec.json.encode(decision).decode()
        assert not any(secret in line for secret in (*secrets, *visitor.jar.values()))
