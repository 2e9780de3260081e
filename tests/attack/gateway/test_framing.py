"""P6: where a request ends is never in doubt; what is slow or large is bounded and costs others nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from keystead.gateway.settings import LimitSettings
from tests.gateway.plane import COOKIE, HOST, running_plane
from tests.gateway.raw import RawBrowser
from tests.gateway.upstream import RawUpstream

pytestmark = pytest.mark.attack("P6")
POST = b"POST /api/x HTTP/1.1\r\n" + HOST + COOKIE + b"x-csrf: 1\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /admin/smuggled HTTP/1.1\r\n" + HOST + b"\r\n"

BAD_HEADS = {
    "te_and_cl": b"content-length: 5\r\ntransfer-encoding: chunked",
    "cl_and_te": b"transfer-encoding: chunked\r\ncontent-length: 5",
    "two_cl": b"content-length: 5\r\ncontent-length: 6",
    "two_equal_cl": b"content-length: 5\r\ncontent-length: 5",
    "cl_list": b"content-length: 5, 5",
    "cl_plus": b"content-length: +5",
    "cl_minus": b"content-length: -5",
    "cl_hex": b"content-length: 0x5",
    "cl_empty": b"content-length:",
    "cl_space": b"content-length: 5 5",
    "cl_huge": b"content-length: 99999999999999999999999",
    "te_unknown": b"transfer-encoding: xchunked",
    "te_identity": b"transfer-encoding: identity",
    "te_list": b"transfer-encoding: chunked, identity",
    "te_gzip": b"transfer-encoding: gzip, chunked",
    "te_twice": b"transfer-encoding: chunked\r\ntransfer-encoding: chunked",
    "te_identity_then_chunked": b"transfer-encoding: identity\r\ntransfer-encoding: chunked",
    "te_parameter": b"transfer-encoding: chunked;q=1",
    "te_quoted": b'transfer-encoding: "chunked"',
    "te_vertical_tab": b"transfer-encoding: \x0bchunked",
    "te_folded": b"transfer-encoding:\r\n chunked",
    "te_space_before_colon": b"transfer-encoding : chunked",
    "te_empty": b"transfer-encoding:",
    "te_underscore": b"transfer_encoding: chunked\r\ntransfer-encoding: chunked\r\ncontent-length: 3",
    "upgrade_with_body": b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 5",
    "upgrade_with_chunks": b"connection: upgrade\r\nupgrade: websocket\r\ntransfer-encoding: chunked",
}  # fmt: skip
BAD_CHUNKS = {
    "bare_lf": b"5\nhello\r\n0\r\n\r\n",
    "lf_after_data": b"5\r\nhello\n0\r\n\r\n",
    "no_crlf_after_data": b"5\r\nhello0\r\n\r\n",
    "longer_than_said": b"5\r\nhello!\r\n0\r\n\r\n",
    "hex_prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "underscore": b"1_0\r\nhellohellohello!\r\n0\r\n\r\n",
    "space_before": b" 5\r\nhello\r\n0\r\n\r\n",
    "space_after": b"5 \r\nhello\r\n0\r\n\r\n",
    "plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "overflow": b"fffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
    "extension_with_lf": b"5;a=b\n\r\nhello\r\n0\r\n\r\n",
    "extension_with_cr": b"5;\rx\r\nhello\r\n0\r\n\r\n",
    "extension_with_nul": b"5;a=\x00\r\nhello\r\n0\r\n\r\n",
    "bare_lf_at_end": b"5\r\nhello\r\n0\n\n",
    "trailer_folded": b"0\r\na: b\r\n c\r\n\r\n",
}  # fmt: skip
BAD_LINES = {
    "http_09": b"GET /x\r\n",
    "http_09_bare_lf": b"GET /x\n",
    "http_09_no_more": b"GET /x\n\r\n",
    "http_09_hides_a_header": b"GET /x\nx-user: HTTP/1.1\r\n",
    "version_in_target": b"GET /xHTTP/1.1\r\n",
    "http_20": b"GET /x HTTP/2.0\r\n",
    "http_12": b"GET /x HTTP/1.2\r\n",
    "preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "lower_case": b"get /x HTTP/1.1\r\n",
    "unknown_method": b"FOO /x HTTP/1.1\r\n",
    "space_first": b" GET /x HTTP/1.1\r\n",
    "tab": b"GET\t/x HTTP/1.1\r\n",
    "bare_lf": b"GET /x HTTP/1.1\n",
    "bare_cr": b"GET /x HTTP/1.1\r",
    "two_targets": b"GET /x /y HTTP/1.1\r\n",
    "trailing_space": b"GET /x HTTP/1.1 \r\n",
    "nul": b"GET /\x00 HTTP/1.1\r\n",
    "connect": b"CONNECT localhost:8000 HTTP/1.1\r\n",
    "rtsp": b"DESCRIBE rtsp://x RTSP/1.0\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("name", BAD_HEADS)
async def test_a_doubtful_length_is_refused_and_the_connection_ends(upstream: RawUpstream, name: str) -> None:
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        await browser.send(POST + BAD_HEADS[name] + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + SMUGGLED)
        answer = await browser.rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert upstream.received == []


@pytest.mark.parametrize("name", BAD_CHUNKS)
async def test_a_doubtful_chunk_never_becomes_a_whole_request(upstream: RawUpstream, name: str) -> None:
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        await browser.send(CHUNKED + BAD_CHUNKS[name] + SMUGGLED)
        answer = await browser.rest()
        await browser.send(b"") if not browser.writer.is_closing() else None
        # and the same when the head has been judged, and sent on, before the chunk comes
        browser = await RawBrowser.open(plane.port)
        await browser.send(CHUNKED)
        await asyncio.sleep(0.05)
        await browser.send(BAD_CHUNKS[name] + SMUGGLED)
        late = await browser.rest()
    for text in (answer, late):
        assert text.startswith(b"HTTP/1.1 400 ")
        assert text.count(b"HTTP/1.1 ") == 1
    assert all(not request.body.endswith(b"0\r\n\r\n") for request in upstream.received)
    assert not any(b"smuggled" in request.head for request in upstream.received)


@pytest.mark.parametrize("name", BAD_LINES)
async def test_a_doubtful_request_line_is_refused(upstream: RawUpstream, name: str) -> None:
    async with running_plane(upstream, limits=LimitSettings(header_timeout=1)) as plane:
        browser = await RawBrowser.open(plane.port)
        await browser.send(BAD_LINES[name] + HOST + b"\r\n")
        answer = await browser.rest()
    assert answer[:13] in (b"HTTP/1.1 400 ", b"HTTP/1.1 405 ", b"HTTP/1.1 505 ")
    assert upstream.received == []


@pytest.mark.parametrize("method", [b"TRACE", b"OPTIONS", b"PROPFIND", b"PURGE", b"QUERY"])
async def test_a_method_that_is_not_on_the_list_is_405(upstream: RawUpstream, method: bytes) -> None:
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        response = await browser.ask(method + b" /x HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (response.status, response.header("allow")) == (405, "GET, HEAD, POST")
    assert upstream.received == []


async def test_a_chunked_body_of_an_old_version_is_refused(upstream: RawUpstream) -> None:
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        await browser.send(CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n")
        assert (await browser.rest()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("gap", [0.0, 0.05])
async def test_a_second_request_before_the_first_is_answered_is_dropped(upstream: RawUpstream, gap: float) -> None:
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        first = b"GET /first HTTP/1.1\r\n" + HOST + b"\r\n"
        if gap:

            async def slowly(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(0.2)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                assert await reader.read() == b""

            upstream.handler = slowly
            await browser.send(first)
            await asyncio.sleep(gap)
            await browser.send(SMUGGLED)
        else:
            await browser.send(first + SMUGGLED)
        answer = await browser.rest()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not any(b"smuggled" in request.head for request in upstream.received)


async def test_a_body_beyond_its_length_is_not_a_request(upstream: RawUpstream) -> None:
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        await browser.send(POST + b"content-length: 5\r\n\r\nhello" + SMUGGLED)
        answer = await browser.rest()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert [request.body for request in upstream.received] == [b"hello"]


async def test_what_is_too_large_is_refused_with_its_status(upstream: RawUpstream) -> None:
    limits = LimitSettings(header_bytes=4_096, header_count=20, target_bytes=1_024, body_bytes=1_000)
    line = b"GET /x HTTP/1.1\r\n" + HOST
    cases = [
        (line + b"a: " + b"x" * 5_000 + b"\r\n\r\n", 431),
        (line + b"a: b\r\n" * 21 + b"\r\n", 431),
        (line + b"a" * 5_000, 431),
        (b"GET /" + b"x" * 2_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET /" + b"x" * 6_000, 431),
        (POST + b"content-length: 1001\r\n\r\n", 413),
        (CHUNKED + b"3e9\r\n" + b"x" * 1_001 + b"\r\n0\r\n\r\n", 413),
    ]
    async with running_plane(upstream, limits=limits) as plane:
        for data, status in cases:
            browser = await RawBrowser.open(plane.port)
            await browser.send(data)
            answer = await browser.rest()
            assert answer[:13] == b"HTTP/1.1 %d " % status, (data[:60], answer[:80])
    assert upstream.received == []


async def test_trailers_without_end_end_by_themselves(upstream: RawUpstream) -> None:
    async with running_plane(upstream, limits=LimitSettings(body_timeout=0.5)) as plane:
        browser = await RawBrowser.open(plane.port)
        await browser.send(CHUNKED + b"0\r\n")

        async def flood() -> None:
            while True:
                await browser.send(b"x-user: root\r\n" * 100)
                await asyncio.sleep(0.02)

        flooding = asyncio.create_task(flood())
        answer = await browser.rest(timeout=8)
        flooding.cancel()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert all(b"root" not in request.head + request.body for request in upstream.received)


async def test_many_small_chunks_are_a_body_like_any_other(upstream: RawUpstream) -> None:
    async with running_plane(upstream, limits=LimitSettings(header_bytes=1_024)) as plane:
        browser = await RawBrowser.open(plane.port)
        await browser.send(CHUNKED)
        for _ in range(40):
            await browser.send(b"1;note=" + b"n" * 200 + b"\r\n")
            await asyncio.sleep(0.001)
            await browser.send(b"x\r\n")
        response = await browser.ask(b"0\r\n\r\n")
        assert response.status == 200


async def test_an_upstream_whose_head_never_ends_is_502(upstream: RawUpstream) -> None:
    poured = 0

    async def endless(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal poured
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        while poured < 32 * 1_048_576 and not writer.is_closing():
            writer.write(b"a" * 65_536)
            await writer.drain()
            poured += 65_536

    upstream.handler = endless
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        response = await browser.ask(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n")
        assert response.status == 502
    assert poured < 8 * 1_048_576


async def test_a_head_may_fill_its_limit_and_a_large_body_may_follow_at_once(upstream: RawUpstream) -> None:
    async with running_plane(upstream, limits=LimitSettings(header_bytes=8_192)) as plane:
        browser = await RawBrowser.open(plane.port)
        head = POST + b"a: " + b"x" * 7_500 + b"\r\ncontent-length: 200000\r\n\r\n"
        response = await browser.ask(head + b"y" * 200_000)
        assert response.status == 200
    assert len(upstream.last.body) == 200_000


async def test_the_slow_are_shown_out_and_do_not_slow_the_others(upstream: RawUpstream) -> None:
    limits = LimitSettings(header_timeout=1, body_timeout=1, idle_timeout=1, connections=400)
    async with running_plane(upstream, limits=limits) as plane:
        idle = [await RawBrowser.open(plane.port) for _ in range(100)]
        drips = [await RawBrowser.open(plane.port) for _ in range(100)]
        bodies = [await RawBrowser.open(plane.port) for _ in range(20)]
        for browser in bodies:
            await browser.send(POST + b"content-length: 100\r\n\r\n")
        stop = asyncio.Event()

        async def drip() -> None:
            for byte in b"GET /x HTTP/1.1\r\nhost: localhost:8000\r\nx-slow: " + b"a" * 400:
                if stop.is_set():
                    return
                for browser in drips:
                    browser.writer.write(bytes([byte]))
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        worst = 0.0
        for _ in range(50):
            began = time.perf_counter()
            healthy = await RawBrowser.open(plane.port)
            assert (await healthy.ask(b"GET /ok HTTP/1.1\r\n" + HOST + b"\r\n")).status == 200
            worst = max(worst, time.perf_counter() - began)
            healthy.close()
            await asyncio.sleep(0.01)
        answers = [await browser.rest(timeout=8) for browser in (*drips, *bodies)]
        stop.set()
        await dripping
        assert {answer[:13] for answer in answers} == {b"HTTP/1.1 408 "}
        assert [await browser.rest(timeout=8) for browser in idle] == [b""] * 100
        assert worst < 1.0
        async with asyncio.timeout(5):
            while len(plane.gateway.door.listeners) > 1:
                await asyncio.sleep(0.05)


async def test_beyond_the_most_connections_is_503(upstream: RawUpstream) -> None:
    async with running_plane(upstream, limits=LimitSettings(connections=3)) as plane:
        kept = [await RawBrowser.open(plane.port) for _ in range(3)]
        await asyncio.sleep(0.05)
        late = await RawBrowser.open(plane.port)
        assert (await late.rest()).startswith(b"HTTP/1.1 503 ")
        assert (await kept[0].ask(b"GET /ok HTTP/1.1\r\n" + HOST + b"\r\n")).status == 200


async def test_an_upstream_that_never_answers_is_504(upstream: RawUpstream) -> None:
    async def silent(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    upstream.handler = silent
    async with running_plane(upstream, limits=LimitSettings(response_timeout=0.5)) as plane:
        browser = await RawBrowser.open(plane.port)
        response = await browser.ask(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n")
        assert response.status == 504
        assert plane.journal.reasons[-1] == "upstream.response_timeout"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\na: b\r\n c\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nraw",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
        b"HTTP/1.1 200 OK\r\n" + b"a: " + b"x" * 70_000 + b"\r\n\r\n",
        b"hello\r\n",
    ],
    ids=range(11),
)
async def test_an_upstream_that_cannot_be_read_in_one_way_is_502(upstream: RawUpstream, answer: bytes) -> None:
    upstream.answer = answer
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        await browser.send(b"GET /x HTTP/1.0\r\n" + HOST + b"\r\n")
        assert (await browser.rest()).startswith(b"HTTP/1.1 502 ")


async def test_an_upstream_that_answers_twice_loses_its_connection(upstream: RawUpstream) -> None:
    twice = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    upstream.answer = twice + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        for _ in range(3):
            assert (await browser.ask(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n")).body == b"ok"
    assert upstream.connections == 3
