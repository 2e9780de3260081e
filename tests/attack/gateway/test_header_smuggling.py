"""P2: whatever a browser sends, the upstream sees identity and forwarding headers of the gateway alone."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway.plane import COOKIE, HOST, TOKEN, Plane
from tests.gateway.raw import exchange
from tests.gateway.site import CATALOG, Site
from tests.gateway.upstream import RawUpstream

pytestmark = pytest.mark.attack("P2")
CALL = b"GET /api/x HTTP/1.1\r\n" + HOST + COOKIE + b"x-csrf: 1\r\n"
OURS = {b"host", b"authorization", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"traceparent"}
OURS |= {b"x-keystead-client-id"}

IDENTITY = (
    "Authorization", "Proxy-Authorization", "X-User", "X-User-Id", "X-Username", "X-Userinfo", "User", "Remote-User",
    "X-Remote-User", "X-Remote-Groups", "X-Email", "X-Groups", "X-Group", "X-Roles", "X-Role", "X-Scope", "X-Subject",
    "X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Access-Token", "X-Authenticated-User",
    "X-Auth-Token", "X-Access-Token", "X-Id-Token", "X-JWT-Assertion", "X-Token-Subject", "X-Api-Key", "X-Client-Id",
    "X-Tenant-Id",
    "X-Ks-Subject", "X-Ks-TTL", "X-Keystead-Client-Id", "X-Keystead-Login", "X-Forwarded-User", "X-Forwarded-Email",
    "X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Uri",
    "X-Forwarded-Method", "X-Forwarded-Server", "X-Forwarded-Client-Cert", "X-Forwarded", "Forwarded", "Forwarded-For",
    "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "X-Cluster-Client-IP",
    "Client-IP", "X-Originating-IP", "X-Original-URL", "X-Original-URI", "X-Original-Host", "X-Original-Method",
    "X-Rewrite-URL", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Accel-Redirect", "X-Sendfile",
    "X-Envoy-Original-Path", "X-Envoy-External-Address", "X-Pomerium-Jwt-Assertion", "X-Goog-Authenticated-User-Email",
    "X-Goog-Iap-Jwt-Assertion", "X-Amzn-Oidc-Identity", "X-Amzn-Oidc-Data", "X-MS-Client-Principal", "X-MS-Token-Aad",
    "X-SSL-Cert", "X-SSL-Client-Verify", "SSL-Client-S-DN", "Client-Cert", "Client-Cert-Chain", "X-Client-Cert",
    "X-ARR-ClientCert", "X-WebAuth-User", "X-Vouch-User", "OIDC-Claim-Sub", "X-Consumer-Username", "X-Credential-Id",
    "X-Anonymous-Consumer", "X-Impersonate-User", "Impersonate-User", "X-Internal-Request", "X-Admin", "X-Host",
    "Via", "Traceparent", "Tracestate", "Baggage", "B3", "X-B3-TraceId", "X-CSRF", "Cookie2-X-User_Name",
)  # fmt: skip
HOP_BY_HOP = ("Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "HTTP2-Settings", "Alt-Used")


def spellings(name: str) -> list[str]:
    """Return a header's name in other letter cases, and as CGI and its like would read it the same."""
    plain = [name, name.lower(), name.upper(), name.swapcase()]
    return plain + ([name.replace("-", "_"), name.replace("-", ".")] if "-" in name else [f"{name}_"])


@pytest.mark.parametrize("route", [b"/api/x", b"/public"])
async def test_no_identity_header_crosses_in_any_spelling(plane: Plane, upstream: RawUpstream, route: bytes) -> None:
    crossed = []
    for name in IDENTITY:
        for spelling in spellings(name):
            line = f"{spelling}: evil\r\n".encode()
            await exchange(plane.port, CALL.replace(b"/api/x", route) + line + b"\r\n")
            if b"evil" in upstream.last.head:
                crossed.append(spelling)
    assert crossed == []


async def test_names_no_server_reads_alike_do_not_cross(plane: Plane, upstream: RawUpstream) -> None:
    for name in ("x_anything", "X_Custom", "a.b", "x!y", "x'y", "x|y", "x~y", "x^y", "x`y", "x*y", "x%y", "x$y", "x#y"):
        response = await exchange(plane.port, CALL + f"{name}: evil\r\n\r\n".encode())
        assert response.status == 200
        assert b"evil" not in upstream.last.head, name


async def test_what_remains_is_ours_and_there_once(plane: Plane, upstream: RawUpstream) -> None:
    lines = b"".join(f"{name}: evil\r\n".encode() for name in IDENTITY[:80] if name not in ("Traceparent", "X-CSRF"))
    await exchange(plane.port, CALL + lines + b"\r\n")
    names = [name for name, _ in upstream.last.headers]
    assert sorted(names) == sorted(OURS)
    assert upstream.last.values(b"authorization") == [b"Bearer " + TOKEN.encode()]
    assert upstream.last.values(b"x-forwarded-for") == [b"127.0.0.1"]


@pytest.mark.parametrize("name", sorted(OURS))
@pytest.mark.parametrize(
    "how", ["connection: close, %s", "Connection: keep-alive,%s", "connection: %s\r\nconnection: x"]
)
async def test_a_connection_header_takes_nothing_of_ours_away(
    plane: Plane, upstream: RawUpstream, name: bytes, how: str
) -> None:
    line = (how % name.decode().title()).encode()
    await exchange(plane.port, CALL + line + b"\r\n\r\n")
    assert len(upstream.last.values(name)) == 1


async def test_a_connection_header_takes_the_clients_own_away(plane: Plane, upstream: RawUpstream) -> None:
    await exchange(plane.port, CALL + b"x-custom: evil\r\naccept: a/b\r\nConnection: close, X-Custom\r\n\r\n")
    assert upstream.last.values(b"x-custom") == []
    assert upstream.last.values(b"accept") == [b"a/b"]


async def test_hop_by_hop_headers_end_here(plane: Plane, upstream: RawUpstream) -> None:
    for name in HOP_BY_HOP:
        await exchange(plane.port, CALL + f"{name}: evil\r\n\r\n".encode())
        assert b"evil" not in upstream.last.head, name


async def test_a_second_authorization_header_changes_nothing(plane: Plane, upstream: RawUpstream) -> None:
    await exchange(plane.port, CALL + b"Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n")
    assert upstream.last.values(b"authorization") == [b"Bearer " + TOKEN.encode()]


@pytest.mark.parametrize(
    "line",
    [
        b"x-user : evil", b"x-user\t: evil", b" x-user: evil", b"x-ok: a\r\n x-user: evil",
        b"x-ok: a\r\n\tx-user: evil",
        b"x-ok: a\nx-user: evil", b"x-ok: a\rx-user: evil", b"x-ok: a\x00x-user: evil", b"x-user", b": evil",
        b"x-\x00user: evil", b"x-us\xc3\xa9r: evil", b"x-ok: a\x0bx-user: evil", b"x-ok: \x01", b"x-ok: \x7f",
    ],
)  # fmt: skip
async def test_folded_spaced_and_broken_headers_are_refused(plane: Plane, upstream: RawUpstream, line: bytes) -> None:
    response = await exchange(plane.port, CALL + line + b"\r\n\r\n")
    assert response.status == 400
    assert upstream.received == []


@pytest.mark.parametrize("line", [HOST, b"cookie: a=b\r\n", b"x-csrf: 1\r\n", b"origin: x\r\norigin: y\r\n"])
async def test_a_repeated_header_that_decides_something_is_refused(
    plane: Plane, upstream: RawUpstream, line: bytes
) -> None:
    assert (await exchange(plane.port, CALL + line + b"\r\n")).status == 400
    assert upstream.received == []


async def test_trailers_are_not_headers(plane: Plane, upstream: RawUpstream) -> None:
    head = CALL.replace(b"GET", b"POST") + b"transfer-encoding: chunked\r\ntrailer: authorization\r\n\r\n"
    await exchange(plane.port, head + b"1\r\nx\r\n0\r\nauthorization: Bearer evil\r\nx-user: evil\r\n\r\n")
    assert b"evil" not in upstream.last.head + upstream.last.body


async def test_a_route_without_a_token_is_scrubbed_too(plane: Plane, upstream: RawUpstream) -> None:
    await exchange(plane.port, b"GET /page HTTP/1.1\r\n" + HOST + COOKIE + b"Authorization: Bearer evil\r\n\r\n")
    assert upstream.last.values(b"authorization") == []
    assert upstream.last.values(b"cookie") == []


async def test_our_cookies_never_cross_and_others_only_where_the_route_says(
    plane: Plane, upstream: RawUpstream
) -> None:
    ours = COOKIE.split(b": ")[1].strip()
    cookies = b"cookie: a=1; " + ours + b"; b=2; __host-keystead-login=x; __Host-Keystead=y; =z; lonely\r\n"
    request = b"x-csrf: 1\r\n" + HOST + cookies + b"\r\n"
    await exchange(plane.port, b"GET /api/x HTTP/1.1\r\n" + request)
    assert upstream.last.values(b"cookie") == []
    await exchange(plane.port, b"GET /live/x HTTP/1.1\r\n" + request)
    assert upstream.last.values(b"cookie") == [b"a=1; b=2"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_health_checkers_and_preflights_get_nothing_for_it(
    plane: Plane, upstream: RawUpstream, method: str
) -> None:
    for line in (b"user-agent: kube-probe/1.29", b"user-agent: GoogleHC/1.0", b"user-agent: ELB-HealthChecker/2.0"):
        head = f"{method} /api/x HTTP/1.1\r\n".encode() + HOST + line
        assert (await exchange(plane.port, head + b"\r\n\r\n")).status == 401
    preflight = (
        b"OPTIONS /api/x HTTP/1.1\r\n" + HOST + b"access-control-request-method: GET\r\norigin: https://evil\r\n\r\n"
    )
    assert (await exchange(plane.port, preflight)).status == 405
    assert upstream.received == []


async def test_over_a_real_session_the_service_sees_its_own_token_only(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    await visitor.call("GET", "/api/catalog/x", Authorization="Bearer evil", x_user="root", X_User="root")
    (authorization,) = site.upstream.last.values(b"authorization")
    assert b"evil" not in authorization
    assert b"root" not in site.upstream.last.head
    assert CATALOG not in site.upstream.last.head.decode()
    await asyncio.sleep(0)
