"""The HTTP server: both lanes answer alike, replies keep their order, and limits hold."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from keystead.app.http_server.framing import Limits
from tests.app.bare_server import bare_server

HOST = b"Host: localhost\r\n"
CLOSE = HOST + b"Connection: close\r\n"


def body_of(reply: bytes) -> dict[str, object]:
    """Return the JSON body of one reply."""
    document: dict[str, object] = json.loads(reply.partition(b"\r\n\r\n")[2])
    return document


@pytest.mark.parametrize("path", ["/fast", "/slow"])
async def test_both_lanes_give_the_endpoint_the_same_request(path: str) -> None:
    head = f"GET {path}?a=%20b HTTP/1.1\r\n".encode()
    traced = b"Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
    async with bare_server() as bare:
        reply = await bare.exchange(head + CLOSE + traced + b"X-Odd:  spaced \r\n\r\n")
        assert bare.counter.counted == [(path[1:], 200)]
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    lines = reply.partition(b"\r\n\r\n")[0].lower()
    assert b"server:" not in lines
    for expected in (b"x-content-type-options: nosniff", b"date: ", b"x-request-id: 0af7651916cd43dd8448eb211c80319c"):
        assert expected in lines
    document = body_of(reply)
    assert document["method"] == "GET"
    assert document["path"] == path
    assert document["query"] == "a=%20b"
    assert document["realm"] == "acme"
    assert document["client_address"] == "127.0.0.1"
    assert document["trace"] == "0af7651916cd43dd8448eb211c80319c"
    assert ["x-odd", "spaced"] in list(document["headers"])  # type: ignore[call-overload]  # a JSON list


@pytest.mark.parametrize("path", ["/post", "/slow"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_arrives_whole_however_it_is_cut(path: str, chunked: bool) -> None:
    body = b"4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n" if chunked else b"abcdefg"
    length = b"Transfer-Encoding: chunked\r\n" if chunked else b"Content-Length: 7\r\n"
    raw = f"POST {path} HTTP/1.1\r\n".encode() + CLOSE + length + b"\r\n" + body
    async with bare_server() as bare:
        reader, writer = await asyncio.open_connection("127.0.0.1", bare.port)
        for position in range(len(raw)):
            writer.write(raw[position : position + 1])
            await writer.drain()
        assert body_of(await reader.read())["body"] == "abcdefg"
        writer.close()


async def test_pipelined_replies_keep_their_order_across_lanes_and_waiting() -> None:
    paths = ["/parked", "/fast", "/slow", "/slow-parked", "/none", "/nowhere", "/fast"]
    raw = b"".join(f"GET {path}?{n} HTTP/1.1\r\n".encode() + HOST + b"\r\n" for n, path in enumerate(paths))
    async with bare_server() as bare:
        reader, writer = await asyncio.open_connection("127.0.0.1", bare.port)
        writer.write(raw + b"GET /fast?last HTTP/1.1\r\n" + CLOSE + b"\r\n")
        await asyncio.sleep(0.05)
        bare.table.gate.set_result(None)
        received = (await reader.read()).decode()
        writer.close()
    assert re.findall(r'"query":"(\w+)"|(not_found)', received) == [
        *((str(n), "") for n in range(5)),
        ("", "not_found"),
        ("6", ""),
        ("last", ""),
    ]


async def test_a_client_that_leaves_while_its_reply_is_parked_disturbs_nobody() -> None:
    async with bare_server() as bare:
        _, writer = await asyncio.open_connection("127.0.0.1", bare.port)
        writer.write(b"GET /parked HTTP/1.1\r\n" + HOST + b"\r\n")
        await bare.parked()
        writer.transport.abort()
        await asyncio.sleep(0.02)
        bare.table.gate.set_result(None)
        assert (await bare.exchange(b"GET /fast HTTP/1.1\r\n" + CLOSE + b"\r\n")).startswith(b"HTTP/1.1 200")


async def test_stopping_finishes_what_is_being_answered() -> None:
    async with bare_server() as bare:
        reader, writer = await asyncio.open_connection("127.0.0.1", bare.port)
        writer.write(b"GET /parked HTTP/1.1\r\n" + HOST + b"\r\n")
        await bare.parked()
        bare.server.stop()
        await asyncio.sleep(0.05)
        bare.table.gate.set_result(None)
        reply = await reader.read()
        writer.close()
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("path", ["/fast", "/slow"])
async def test_head_has_the_length_and_no_body(path: str) -> None:
    async with bare_server() as bare:
        reply = await bare.exchange(f"HEAD {path} HTTP/1.1\r\n".encode() + CLOSE + b"\r\n")
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"content-length: 0" not in head.lower()
    assert body == b""


async def test_unknown_paths_methods_and_options_are_answered_in_json() -> None:
    async with bare_server() as bare:
        unknown = await bare.exchange(b"GET /nowhere HTTP/1.1\r\n" + CLOSE + b"\r\n")
        method = await bare.exchange(b"PUT /post HTTP/1.1\r\n" + CLOSE + b"Content-Length: 1\r\n\r\nx")
        options = await bare.exchange(b"OPTIONS /fast HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert unknown.startswith(b"HTTP/1.1 404 ")
    assert body_of(unknown)["error"] == "not_found"
    assert method.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nallow: OPTIONS, POST\r\n" in method
    assert options.startswith(b"HTTP/1.1 204 ")
    assert b"\r\nallow: GET, HEAD, OPTIONS\r\n" in options


@pytest.mark.parametrize("path", ["/broken", "/broken-slow", "/injects"])
async def test_a_failing_endpoint_tells_the_caller_nothing(path: str, caplog: pytest.LogCaptureFixture) -> None:
    async with bare_server() as bare:
        reply = await bare.exchange(f"GET {path} HTTP/1.1\r\n".encode() + CLOSE + b"\r\n")
    assert reply.startswith(b"HTTP/1.1 500 ")
    assert body_of(reply)["error"] == "server_error"
    assert b"this text" not in reply
    assert b"set-cookie" not in reply
    assert len(caplog.records) == 1


LARGE = b"x" * 9_000


@pytest.mark.attack("P6")
@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /" + LARGE + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET /fast HTTP/1.1\r\n" + HOST + b"X: " + LARGE * 4 + b"\r\n\r\n", 431),
        (b"GET /fast HTTP/1.1\r\n" + HOST + b"X: " + LARGE * 200, 431),
        (b"GET /fast HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 65 + b"\r\n", 431),
        (b"POST /post HTTP/1.1\r\n" + HOST + b"Content-Length: 1001\r\n\r\n", 413),
        (b"POST /slow HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999\r\n\r\n", 413),
        (b"POST /post HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001, 413),
        (b"GET /fast HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx", 413),
    ],
)
async def test_too_large_is_refused_without_waiting_for_the_rest(raw: bytes, status: int) -> None:
    async with bare_server() as bare:
        reply = await bare.exchange(raw)
        assert body_of(reply)["error"] == "invalid_request"
        assert bare.counter.counted == [("not_found", status)]
    assert reply.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in reply


POST = b"POST /post HTTP/1.1\r\n" + HOST
GET = b"GET /fast HTTP/1.1\r\n" + HOST


@pytest.mark.attack("P6")
@pytest.mark.spec("RFC 9112 section 11.2")
@pytest.mark.parametrize(
    "raw",
    [
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: identity\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2;\nab\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nAuthorization: evil\r\n\r\n",
        POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        POST + b"Content-Length: 1, 1\r\n\r\nx",
        POST + b"Content-Length: +1\r\n\r\nx",
        POST + b"Content-Length: 1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nx",
        b"GET /fast HTTP/1.1\r\n\r\n",
        GET + b"Host: other\r\n\r\n",
        GET + b"Authorization: Basic YQ==\r\nAuthorization: Bearer b\r\n\r\n",
        b"GET /fast HTTP/1.1\nHost: localhost\n\n",
        GET + b"X: a\r\n folded\r\n\r\n",
        GET + b"X: a\x00b\r\n\r\n",
        GET + b"X Y: a\r\n\r\n",
        GET + b"Expect: 200-ok\r\n\r\n",
        b"GET http://localhost/fast HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /fast#/slow HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /fast\\x HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /fast HTTP/1.2\r\n" + HOST + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT localhost:1 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"TRACE /fast HTTP/1.1\r\n" + HOST + b"\r\n",
        b"get /fast HTTP/1.1\r\n" + HOST + b"\r\n",
        b"DESCRIBE /fast RTSP/1.0\r\n" + HOST + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_ambiguous_messages_are_refused_and_the_connection_closed(raw: bytes) -> None:
    async with bare_server() as bare:
        reply = await bare.exchange(raw + GET + b"X-Smuggled: 1\r\n\r\n", wait=2)
    assert re.match(rb"HTTP/1\.1 (400|417|501|505) ", reply), reply
    assert reply.count(b"\r\nx-content-type-options") == 1
    assert b"x-smuggled" not in reply
    assert b"connection: close" in reply


async def test_nothing_is_read_after_connection_close() -> None:
    async with bare_server() as bare:
        reply = await bare.exchange(b"GET /fast HTTP/1.1\r\n" + CLOSE + b"\r\n" + GET + b"\r\n")
    assert reply.count(b"HTTP/1.1 200") == 1


async def test_an_upgrade_without_a_body_is_answered_plainly() -> None:
    async with bare_server() as bare:
        reply = await bare.exchange(GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + GET + b"\r\n")
    assert reply.startswith(b"HTTP/1.1 200 OK")
    assert reply.count(b"\r\nx-content-type-options") == 1


async def test_expect_100_continue_gets_its_continue() -> None:
    async with bare_server() as bare:
        reader, writer = await asyncio.open_connection("127.0.0.1", bare.port)
        writer.write(b"POST /post HTTP/1.1\r\n" + CLOSE + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ab")
        assert body_of(await reader.read())["body"] == "ab"
        writer.close()


async def test_too_many_pipelined_requests_close_the_connection_after_its_replies() -> None:
    async with bare_server(Limits(pipelined=4)) as bare:
        reader, writer = await asyncio.open_connection("127.0.0.1", bare.port)
        writer.write(b"GET /parked HTTP/1.1\r\n" + HOST + b"\r\n" + (GET + b"\r\n") * 20)
        await asyncio.sleep(0.05)
        bare.table.gate.set_result(None)
        reply = await reader.read()
        writer.close()
    assert reply.count(b"HTTP/1.1 200") == 6
    assert reply.count(b"HTTP/1.1 400") == 1


@pytest.mark.attack("P6")
async def test_slow_requests_are_ended_and_idle_connections_closed() -> None:
    limits = Limits(header_timeout=1, body_timeout=1, idle_timeout=1)
    async with bare_server(limits) as bare:
        silent, head, body, idle = await asyncio.gather(
            bare.exchange(b""),
            bare.exchange(b"GET /fast HTTP/1.1\r\nHost: loc"),
            bare.exchange(POST + b"Content-Length: 10\r\n\r\nabc"),
            bare.exchange(GET + b"\r\n"),
        )
    assert silent == b""
    assert head.startswith(b"HTTP/1.1 408 ")
    assert body.startswith(b"HTTP/1.1 408 ")
    assert idle.startswith(b"HTTP/1.1 200 ")
    assert idle.count(b"\r\nx-content-type-options") == 1


@pytest.mark.attack("P6")
async def test_a_client_that_does_not_read_is_cut_off_and_fills_no_memory() -> None:
    async with bare_server(Limits(write_timeout=1)) as bare:
        reader, writer = await asyncio.open_connection("127.0.0.1", bare.port, limit=1024)
        writer.write((b"GET /big HTTP/1.1\r\n" + HOST + b"\r\n") * 60)
        while not bare.server.server_state.connections:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        (connection,) = bare.server.server_state.connections
        assert connection.transport.get_write_buffer_size() < 1_000_000
        async with asyncio.timeout(40):
            while bare.server.server_state.connections:
                await asyncio.sleep(0.05)
        writer.transport.abort()
        del reader


@pytest.mark.attack("P6")
async def test_more_connections_than_the_limit_are_told_to_come_back() -> None:
    async with bare_server(Limits(connections=3)) as bare:
        held = [await asyncio.open_connection("127.0.0.1", bare.port) for _ in range(3)]
        await asyncio.sleep(0.05)
        refused = await bare.exchange(b"")
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert body_of(refused)["error"] == "temporarily_unavailable"
        for _, writer in held:
            writer.close()


@pytest.mark.attack("P6")
@pytest.mark.parametrize(
    "opening", [b"0\r\nx: ", b"0\r\n", b"5;", b"5;a="], ids=["value", "name", "extension", "quoted"]
)
async def test_a_trailer_or_extension_without_end_is_cut_off(opening: bytes) -> None:
    """The parser gathers a header until it is whole, and gathers it slowly: nobody may make it gather for long."""
    head = b"POST /post HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    async with bare_server() as bare:
        reader, writer = await asyncio.open_connection("127.0.0.1", bare.port)
        try:
            writer.write(head + opening + b"a" * 1_048_576)
            async with asyncio.timeout(40):
                assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")
        finally:
            writer.close()
        assert (await bare.exchange(b"GET /fast HTTP/1.1\r\n" + CLOSE + b"\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_many_small_chunks_are_a_body_like_any_other() -> None:
    head = b"POST /post HTTP/1.1\r\n" + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
    async with bare_server(Limits(header_size=512, target_size=512)) as bare:
        reader, writer = await asyncio.open_connection("127.0.0.1", bare.port)
        try:
            writer.write(head)
            for _ in range(40):
                writer.write(b"1;note=" + b"n" * 200 + b"\r\n")
                await asyncio.sleep(0.001)
                writer.write(b"x\r\n")
            writer.write(b"0\r\n\r\n")
            async with asyncio.timeout(40):
                assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        finally:
            writer.close()
