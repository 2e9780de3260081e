"""R6 and C5: another site can make a browser send requests, but none that do anything, and it can read none."""

from __future__ import annotations

import pytest

from keystead.gateway.settings import RouteSettings
from tests.gateway.plane import COOKIE, HOST, Plane, running_plane
from tests.gateway.raw import exchange
from tests.gateway.site import Site
from tests.gateway.upstream import RawUpstream

pytestmark = pytest.mark.attack("R6")
OWN = b"origin: http://localhost:8000\r\n"
EVIL_ORIGINS = (
    b"https://evil.test", b"null", b"http://evil.localhost:8000", b"http://localhost:8000.evil.test", b"",
    b"http://localhost:80", b"https://localhost:8000",
)  # fmt: skip


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE"])
@pytest.mark.parametrize(
    "header", [b"", b"x-csrf: 0\r\n", b"x-csrf: 11\r\n", b"x-csrf:\r\n", b"x_csrf: 1\r\n", b"x-csrf: 1, 1\r\n"]
)
async def test_no_call_without_the_header(plane: Plane, upstream: RawUpstream, method: bytes, header: bytes) -> None:
    for origin in (b"", OWN):
        head = method + b" /api/x HTTP/1.1\r\n" + HOST + COOKIE + origin + header + b"\r\n"
        response = await exchange(plane.port, head, head_only=method == b"HEAD")
        assert response.status == 403
    assert upstream.received == []
    assert set(plane.journal.reasons) == {"csrf.header_missing"}


@pytest.mark.parametrize(
    "content_type",
    [b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data", b"application/json", b""],
)
async def test_a_form_of_another_site_does_nothing(plane: Plane, upstream: RawUpstream, content_type: bytes) -> None:
    head = b"POST /api/x HTTP/1.1\r\n" + HOST + COOKIE + b"content-length: 2\r\n"
    for line in (b"", b"sec-fetch-site: cross-site\r\n", b"origin: https://evil.test\r\n"):
        kind = b"content-type: " + content_type + b"\r\n" if content_type else b""
        assert (await exchange(plane.port, head + line + kind + b"\r\n{}")).status == 403
    assert upstream.received == []


@pytest.mark.parametrize("site", [b"cross-site", b"same-site", b"", b"Same-Origin", b"x"])
async def test_the_header_does_not_help_who_comes_from_another_site(
    plane: Plane, upstream: RawUpstream, site: bytes
) -> None:
    head = b"POST /api/x HTTP/1.1\r\n" + HOST + COOKIE + b"x-csrf: 1\r\nsec-fetch-site: " + site + b"\r\n\r\n"
    assert (await exchange(plane.port, head)).status == 403
    assert upstream.received == []


@pytest.mark.parametrize("origin", EVIL_ORIGINS)
async def test_cors_is_never_granted_or_reflected(plane: Plane, upstream: RawUpstream, origin: bytes) -> None:
    upstream.answer = (
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\naccess-control-allow-origin: " + (origin or b"*") + b"\r\n"
        b"access-control-allow-credentials: true\r\naccess-control-expose-headers: *\r\n\r\nok"
    )
    for path in (b"/api/x", b"/public", b"/bff/user", b"/nothing//"):
        for method in (b"GET", b"OPTIONS", b"POST"):
            head = method + b" " + path + b" HTTP/1.1\r\n" + HOST + COOKIE + b"x-csrf: 1\r\norigin: " + origin
            preflight = b"\r\naccess-control-request-method: POST\r\naccess-control-request-headers: x-csrf\r\n\r\n"
            response = await exchange(plane.port, head + preflight)
            assert not any(name.startswith("access-control-") for name, _ in response.headers)
            if path == b"/api/x":
                assert response.status in (403, 405)
    assert all(request.target != b"/v1/x" for request in upstream.received)


@pytest.mark.parametrize(
    "lines", [b"sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\n", b"sec-fetch-site: same-site\r\n", b""]
)
async def test_pages_are_read_from_our_own_site_only(plane: Plane, upstream: RawUpstream, lines: bytes) -> None:
    head = b"GET /admin/x HTTP/1.1\r\n" + HOST + COOKIE
    assert (await exchange(plane.port, head + b"sec-fetch-site: none\r\n\r\n")).status == 200
    assert (await exchange(plane.port, head + b"sec-fetch-site: same-origin\r\n\r\n")).status == 200
    before = len(upstream.received)
    assert (await exchange(plane.port, head + lines + b"\r\n")).status == 403
    post = head.replace(b"GET", b"POST") + b"sec-fetch-site: same-origin\r\n\r\n"
    assert (await exchange(plane.port, post)).status == 403
    assert len(upstream.received) == before


async def test_the_answer_says_what_to_do(plane: Plane) -> None:
    response = await exchange(plane.port, b"GET /api/x HTTP/1.1\r\n" + HOST + COOKIE + b"\r\n")
    assert b"X-CSRF: 1" in response.body
    assert response.header("content-type") == "application/json"
    assert response.header("cache-control") == "no-store"


async def test_routes_are_protected_unless_they_say_otherwise(upstream: RawUpstream) -> None:
    routes = [RouteSettings(path="/", upstream=upstream.url, audience="https://x.test")]
    async with running_plane(upstream, routes=routes) as plane:
        assert (await exchange(plane.port, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")).status == 401
        assert (await exchange(plane.port, b"GET /x HTTP/1.1\r\n" + HOST + COOKIE + b"\r\n")).status == 403


ELSEWHERE: tuple[dict[str, str], ...] = (
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"},
    {"origin": "https://evil.test"},
    {"origin": "null", "sec-fetch-site": "same-origin"},
    {"x-csrf": "1", "origin": "https://evil.test"},
    {"x-csrf": "1", "sec-fetch-site": "cross-site"},
    {},
)


@pytest.mark.attack("C5")
async def test_another_site_cannot_sign_anybody_out(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    cookie = f"__Host-keystead={visitor.jar['__Host-keystead']}"  # even if the browser sent it
    for headers in ELSEWHERE:
        assert (await visitor.send("POST", "/bff/logout", {**headers, "cookie": cookie})).status == 403, headers
        assert (await visitor.user())["sub"] == "usr_alice"


async def test_our_own_form_signs_out(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    headers = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "origin": site.origin}
    response = await visitor.send("POST", "/bff/logout", headers)
    assert (response.status, response.header("location").split("?")[0]) == (303, f"{site.issuer.url}/logout")
    assert (await visitor.call("GET", "/bff/user")).status == 401


async def test_user_wants_the_header_too(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    response = await visitor.send("GET", "/bff/user", {"sec-fetch-site": "same-origin"})
    assert response.status == 403
    assert b"alice" not in response.body
