"""Requests and responses cross the gateway whole, in both framings, and connections are used again."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway.plane import COOKIE, HOST, TOKEN, Plane
from tests.gateway.raw import RawBrowser, exchange
from tests.gateway.upstream import RawUpstream, Received

CALL = HOST + COOKIE + b"x-csrf: 1\r\n"


async def test_a_call_arrives_with_our_headers_and_the_token(plane: Plane, upstream: RawUpstream) -> None:
    response = await exchange(plane.port, b"GET /api/items/7?x=1&y=%2F HTTP/1.1\r\n" + CALL + b"accept: a/b\r\n\r\n")
    assert (response.status, response.body) == (200, b"ok")
    sent = upstream.last
    assert sent.request_line == b"GET /v1/items/7?x=1&y=%2F HTTP/1.1"
    assert sent.values(b"host") == [f"127.0.0.1:{upstream.port}".encode()]
    assert sent.values(b"authorization") == [b"Bearer " + TOKEN.encode()]
    assert sent.values(b"x-forwarded-for") == [b"127.0.0.1"]
    assert sent.values(b"x-forwarded-proto") == [b"http"]
    assert sent.values(b"x-forwarded-host") == [b"localhost:8000"]
    assert sent.values(b"x-keystead-client-id") == [b"shop-bff"]
    assert sent.values(b"accept") == [b"a/b"]
    assert len(sent.values(b"traceparent")) == 1
    assert sent.values(b"cookie") == []
    assert sent.values(b"x-csrf") == []


async def test_the_route_takes_its_own_path_too_but_not_a_longer_name(plane: Plane, upstream: RawUpstream) -> None:
    await exchange(plane.port, b"GET /api HTTP/1.1\r\n" + CALL + b"\r\n")
    assert upstream.last.target == b"/v1"
    await exchange(plane.port, b"GET /api/ HTTP/1.1\r\n" + CALL + b"\r\n")
    assert upstream.last.target == b"/v1/"
    await exchange(plane.port, b"GET /apiary HTTP/1.1\r\n" + CALL + b"\r\n")
    assert upstream.last.target == b"/apiary"
    assert upstream.last.values(b"authorization") == []


async def test_one_browser_connection_and_one_upstream_connection_serve_many_calls(
    plane: Plane, upstream: RawUpstream
) -> None:
    browser = await RawBrowser.open(plane.port)
    for _ in range(20):
        response = await browser.ask(b"GET /api/ HTTP/1.1\r\n" + CALL + b"\r\n")
        assert response.status == 200
    assert upstream.connections == 1
    assert len(upstream.received) == 20
    browser.close()


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
async def test_a_body_with_a_length_arrives_whole(plane: Plane, upstream: RawUpstream, size: int) -> None:
    body = bytes(i % 251 for i in range(size))
    head = b"POST /api/ HTTP/1.1\r\n" + CALL + b"content-length: %d\r\n\r\n" % size
    response = await exchange(plane.port, head + body)
    assert response.status == 200
    assert upstream.last.body == body
    assert upstream.last.values(b"content-length") == [b"%d" % size]


async def test_a_chunked_body_arrives_chunked_without_extensions_and_trailers(
    plane: Plane, upstream: RawUpstream
) -> None:
    body = b"5;ext=1\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n0\r\nx-user: root\r\n\r\n"
    response = await exchange(
        plane.port, b"POST /api/ HTTP/1.1\r\n" + CALL + b"Transfer-Encoding: chunked\r\n\r\n" + body
    )
    assert response.status == 200
    assert upstream.last.body == b"5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n"
    assert upstream.last.values(b"transfer-encoding") == [b"chunked"]
    assert upstream.last.values(b"x-user") == []


async def test_a_chunked_response_arrives_chunked(plane: Plane, upstream: RawUpstream) -> None:
    upstream.answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n"
    browser = await RawBrowser.open(plane.port)
    for _ in range(2):
        response = await browser.ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert response.body == b"abcde"
    assert upstream.connections == 1
    browser.close()


async def test_a_response_that_ends_with_the_connection_is_passed_on_chunked(
    plane: Plane, upstream: RawUpstream
) -> None:
    upstream.answer, upstream.close_after = b"HTTP/1.1 200 OK\r\n\r\nuntil the end", True
    browser = await RawBrowser.open(plane.port)
    for _ in range(2):
        response = await browser.ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert response.body == b"until the end"
        assert response.header("transfer-encoding") == "chunked"
    browser.close()


async def test_an_old_browser_gets_a_body_that_ends_with_the_connection(plane: Plane, upstream: RawUpstream) -> None:
    upstream.answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    browser = await RawBrowser.open(plane.port)
    await browser.send(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
    answer = await browser.rest()
    assert b"transfer-encoding" not in answer
    assert answer.endswith(b"\r\n\r\nabc")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_answers_without_a_body_have_none(plane: Plane, upstream: RawUpstream, status: bytes) -> None:
    upstream.answer = b"HTTP/1.1 " + status + b"\r\netag: x\r\n\r\n"
    browser = await RawBrowser.open(plane.port)
    for _ in range(3):
        response = await browser.ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert response.header("etag") == "x"
    assert upstream.connections == 1
    browser.close()


async def test_head_keeps_the_length_and_has_no_body(plane: Plane, upstream: RawUpstream) -> None:
    upstream.answer = lambda request: (
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n" + (b"" if request.head.startswith(b"HEAD") else b"hello")
    )
    browser = await RawBrowser.open(plane.port)
    for _ in range(3):
        response = await browser.ask(b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n", head_only=True)
        assert response.header("content-length") == "5"
        assert (await browser.ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")).body == b"hello"
    assert upstream.connections == 1
    browser.close()


async def test_expect_continue_reaches_the_upstream_and_its_answer_the_browser(
    plane: Plane, upstream: RawUpstream
) -> None:
    async def handler(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        up.received.append(Received(head[:-4]))
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(5)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n" + body)
        await reader.read()

    upstream.handler = handler
    browser = await RawBrowser.open(plane.port)
    await browser.send(b"POST /api/ HTTP/1.1\r\n" + CALL + b"expect: 100-continue\r\ncontent-length: 5\r\n\r\n")
    assert (await browser.response()).status == 100
    assert upstream.last.values(b"expect") == [b"100-continue"]
    assert (await browser.ask(b"hello")).body == b"hello"
    browser.close()


async def test_early_hints_pass_with_their_links_only(plane: Plane, upstream: RawUpstream) -> None:
    upstream.answer = (
        b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nset-cookie: a=b\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    )
    browser = await RawBrowser.open(plane.port)
    first = await browser.ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (first.status, first.headers) == (103, [("link", "</a.css>; rel=preload")])
    assert (await browser.response()).status == 200
    browser.close()


async def test_an_early_answer_reaches_the_browser_and_both_connections_close(
    plane: Plane, upstream: RawUpstream
) -> None:
    async def handler(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")
        await reader.read()

    upstream.handler = handler
    browser = await RawBrowser.open(plane.port)
    head = b"POST /api/ HTTP/1.1\r\n" + CALL + b"content-length: 1000000\r\n\r\n"
    response = await browser.ask(head + b"x" * 1000)
    assert (response.status, response.body) == (403, b"no")
    assert response.header("connection") == "close"
    assert await browser.rest() == b""


async def test_a_kept_connection_that_closed_is_replaced_for_a_get_and_not_for_a_post(
    plane: Plane, upstream: RawUpstream
) -> None:
    async def handler(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await reader.readuntil(b"\r\n\r\n")  # the second request is read and never answered

    upstream.handler = handler
    for method, status in ((b"GET", 200), (b"POST", 502)):
        assert (await exchange(plane.port, b"GET /api/ HTTP/1.1\r\n" + CALL + b"\r\n")).status == 200
        before = upstream.connections
        response = await exchange(plane.port, method + b" /api/ HTTP/1.1\r\n" + CALL + b"content-length: 0\r\n\r\n")
        assert response.status == status
        assert upstream.connections - before == (1 if method == b"GET" else 0)
        await asyncio.sleep(0)
    assert plane.journal.reasons[-1] == "upstream.closed"


async def test_a_browser_that_leaves_ends_the_upstreams_work(plane: Plane, upstream: RawUpstream) -> None:
    gone = asyncio.Event()

    async def handler(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        up.received.append(Received(b""))
        assert await reader.read() == b""
        gone.set()

    upstream.handler = handler
    browser = await RawBrowser.open(plane.port)
    await browser.send(b"GET /api/ HTTP/1.1\r\n" + CALL + b"\r\n")
    while not upstream.received:
        await asyncio.sleep(0.01)
    browser.close()
    async with asyncio.timeout(40):
        await gone.wait()


async def test_a_response_cut_short_is_cut_short_for_the_browser_too(plane: Plane, upstream: RawUpstream) -> None:
    upstream.answer, upstream.close_after = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", True
    browser = await RawBrowser.open(plane.port)
    await browser.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await browser.response()


async def test_events_are_not_held_back(plane: Plane, upstream: RawUpstream) -> None:
    async def handler(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(3):
            writer.write(b"8\r\ndata: %d\n\r\n" % number)
            await reader.readexactly(0)
            await asyncio.sleep(0.05)
        await reader.read()

    upstream.handler = handler
    browser = await RawBrowser.open(plane.port)
    await browser.send(b"GET /api/ HTTP/1.1\r\n" + CALL + b"\r\n")
    async with asyncio.timeout(40):
        text = await browser.reader.readuntil(b"data: 2\n\r\n")
    assert text.count(b"data: ") == 3
    browser.close()


async def test_no_upstream_is_a_502(plane: Plane, upstream: RawUpstream) -> None:
    await upstream.stop()
    response = await exchange(plane.port, b"GET /api/ HTTP/1.1\r\n" + CALL + b"\r\n")
    assert response.status == 502
    assert plane.journal.reasons[-1] == "upstream.unreachable"
