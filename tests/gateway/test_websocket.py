"""WebSocket: opened from our own origin only, carried untouched, closed when the session ends."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest

from tests.gateway.plane import COOKIE, HOST, TOKEN, Plane
from tests.gateway.raw import RawBrowser, exchange
from tests.gateway.site import Site
from tests.gateway.upstream import RawUpstream, Received

ORIGIN = b"origin: http://localhost:8000\r\n"
HANDSHAKE = (
    b"connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def echo(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept the handshake and send back every byte."""
    up.received.append(Received((await reader.readuntil(b"\r\n\r\n"))[:-4]))
    key = up.last.values(b"sec-websocket-key")[0] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key).digest())
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n")
    writer.write(b"sec-websocket-accept: " + accept + b"\r\nset-cookie: a=b\r\n\r\nhello")
    while data := await reader.read(1 << 16):
        writer.write(data)


def opening(path: bytes = b"/live/x", origin: bytes = ORIGIN, cookie: bytes = COOKIE) -> bytes:
    """Return a handshake."""
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + origin + cookie + HANDSHAKE + b"\r\n"


async def test_bytes_cross_in_both_directions(plane: Plane, upstream: RawUpstream) -> None:
    upstream.handler = echo
    browser = await RawBrowser.open(plane.port)
    await browser.send(opening() + b"early")  # a browser waits; others must not lose what they did not wait with
    response = await browser.response()
    assert response.status == 101
    assert response.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert response.header("set-cookie") == "a=b"
    assert await browser.reader.readexactly(10) == b"helloearly"
    for size in (1, 1000, 300_000):
        await browser.send(b"x" * size)
        assert await browser.reader.readexactly(size) == b"x" * size
    assert upstream.last.values(b"authorization") == [b"Bearer " + TOKEN.encode()]
    assert upstream.last.values(b"upgrade") == [b"websocket"]
    assert upstream.last.values(b"cookie") == []


@pytest.mark.parametrize(
    "origin",
    [b"", b"origin: null\r\n", b"origin: https://evil.test\r\n", b"origin: http://localhost:8000.evil.test\r\n",
     b"origin: http://sub.localhost:8000\r\n", b"origin: https://localhost:8000\r\n", b"origin: http://localhost\r\n"],
)  # fmt: skip
async def test_another_origin_is_refused(plane: Plane, upstream: RawUpstream, origin: bytes) -> None:
    assert (await exchange(plane.port, opening(origin=origin))).status == 403
    assert upstream.received == []


async def test_no_session_and_no_websocket_route_are_refused(plane: Plane, upstream: RawUpstream) -> None:
    assert (await exchange(plane.port, opening(cookie=b""))).status == 401
    assert (await exchange(plane.port, opening(path=b"/api/x"))).status == 400
    assert upstream.received == []


async def test_a_refused_handshake_is_passed_on(plane: Plane, upstream: RawUpstream) -> None:
    upstream.answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno"
    browser = await RawBrowser.open(plane.port)
    response = await browser.ask(opening())
    assert (response.status, response.body, response.header("connection")) == (403, b"no", "close")
    assert await browser.rest() == b""


async def test_an_upgrade_to_something_else_is_ignored(plane: Plane, upstream: RawUpstream) -> None:
    head = (
        b"GET /x HTTP/1.1\r\n" + HOST + b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: x\r\n"
    )
    response = await exchange(plane.port, head + b"\r\n")
    assert response.status == 200
    assert upstream.last.values(b"upgrade") + upstream.last.values(b"http2-settings") == []


async def test_either_side_ends_the_other(plane: Plane, upstream: RawUpstream) -> None:
    ended = asyncio.Event()

    async def handler(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(up, reader, writer)
        ended.set()

    upstream.handler = handler
    browser = await RawBrowser.open(plane.port)
    assert (await browser.ask(opening())).status == 101
    browser.close()
    async with asyncio.timeout(40):
        await ended.wait()


async def test_the_end_of_the_session_ends_the_tunnel(plane: Plane, upstream: RawUpstream) -> None:
    upstream.handler = echo
    browser = await RawBrowser.open(plane.port)
    assert (await browser.ask(opening())).status == 101
    plane.sessions.view.ended = True
    assert await browser.rest() == b"hello"


async def test_logout_in_another_process_ends_tunnel_and_stream(site: Site) -> None:
    """What the store does not have any more ends within moments, though this process did nothing to end it."""
    site.upstream.handler = echo
    visitor = site.visitor()
    await visitor.sign_in()
    browser = await RawBrowser.open(site.gateway.port)
    cookie = f"cookie: __Host-keystead={visitor.jar['__Host-keystead']}\r\n".encode()
    head = f"GET /api/orders/live HTTP/1.1\r\nhost: localhost:{site.gateway.port}\r\norigin: {site.origin}\r\n"
    assert (await browser.ask(head.encode() + cookie + HANDSHAKE + b"\r\n")).status == 101
    live = site.session(visitor)
    other = type(site.gateway.table)(site.store, site.gateway.table._sealer, site.gateway.table._settings, "shop-bff")
    assert await other.end(live.record.id) is not None
    assert await browser.rest() == b"hello"
