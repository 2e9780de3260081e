"""Large bodies cross in both directions with memory that does not grow, and the slow side sets the pace."""

from __future__ import annotations

import asyncio
import hashlib
import resource
from typing import cast

import pytest

from keystead.gateway.settings import LimitSettings
from tests.gateway.plane import COOKIE, HOST, TOKEN, Plane, running_plane
from tests.gateway.raw import RawBrowser, exchange
from tests.gateway.upstream import RawUpstream

CALL = HOST + COOKIE + b"x-csrf: 1\r\n"
PIECE = bytes(range(256)) * 256  # 64 KiB
PIECES = 1_600  # 100 MiB
BOUND = 24 << 20


def resident() -> int:
    """Return the resident memory of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


async def swallow(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read a body of a known length, then answer with its hash."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    digest = hashlib.sha256()
    while length:
        data = await reader.read(min(length, 1 << 18))
        digest.update(data)
        length -= len(data)
    text = digest.hexdigest().encode()
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text)
    await reader.read()


async def pour(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with 100 MiB."""
    head = await reader.readuntil(b"\r\n\r\n")
    chunked = b"chunked" in head.partition(b"\r\n")[0]
    framing = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % (len(PIECE) * PIECES)
    writer.write(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
    for _ in range(PIECES):
        writer.write(b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if chunked else PIECE)
        await writer.drain()
    writer.write(b"0\r\n\r\n" if chunked else b"")
    await reader.read()


EXPECTED = hashlib.sha256(PIECE * PIECES)


async def test_a_hundred_megabytes_up(plane: Plane, upstream: RawUpstream) -> None:
    upstream.handler = swallow
    browser = await RawBrowser.open(plane.port)
    await browser.send(b"POST /api/up HTTP/1.1\r\n" + CALL + b"content-length: %d\r\n\r\n" % (len(PIECE) * PIECES))
    before = peak = resident()
    for number in range(PIECES):
        await browser.send(PIECE)
        if not number % 50:
            peak = max(peak, resident())
    response = await browser.response(timeout=90)
    assert response.body.decode() == EXPECTED.hexdigest()
    assert peak - before < BOUND


@pytest.mark.parametrize("kind", [b"plain", b"chunked"])
async def test_a_hundred_megabytes_down(plane: Plane, upstream: RawUpstream, kind: bytes) -> None:
    upstream.handler = pour
    browser = await RawBrowser.open(plane.port)
    await browser.send(b"GET /api/down/" + kind + b" HTTP/1.1\r\n" + CALL + b"\r\n")
    await browser.reader.readuntil(b"\r\n\r\n")
    before = peak = resident()
    digest, left, rounds = hashlib.sha256(), len(PIECE) * PIECES, 0
    async with asyncio.timeout(100):
        while left:
            size = int(await browser.reader.readuntil(b"\r\n"), 16) if kind == b"chunked" else min(left, 1 << 18)
            data = await browser.reader.readexactly(size)
            digest.update(data)
            left -= size
            if kind == b"chunked":
                await browser.reader.readexactly(2)
            rounds += 1
            if not rounds % 50:
                peak = max(peak, resident())
    assert digest.hexdigest() == EXPECTED.hexdigest()
    assert peak - before < BOUND


async def test_a_browser_that_does_not_read_stops_the_upstream(plane: Plane, upstream: RawUpstream) -> None:
    sent = 0

    async def handler(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(PIECE) * PIECES))
        for _ in range(PIECES):
            writer.write(PIECE)
            await writer.drain()
            sent += len(PIECE)

    upstream.handler = handler
    browser = await RawBrowser.open(plane.port)
    browser.pause()
    await browser.send(b"GET /api/down HTTP/1.1\r\n" + CALL + b"\r\n")
    stopped_at = -1
    async with asyncio.timeout(40):
        while not 0 < sent == stopped_at:
            stopped_at = sent
            await asyncio.sleep(0.5)
    assert sent < 40 << 20


async def test_an_upstream_that_does_not_read_stops_the_browser(plane: Plane, upstream: RawUpstream) -> None:
    async def handler(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cast("asyncio.Transport", writer.transport).pause_reading()
        await asyncio.sleep(30)

    upstream.handler = handler
    browser = await RawBrowser.open(plane.port)
    await browser.send(b"POST /api/up HTTP/1.1\r\n" + CALL + b"content-length: %d\r\n\r\n" % (len(PIECE) * PIECES))
    sent = 0

    async def push() -> None:
        nonlocal sent
        while True:
            await browser.send(PIECE)
            sent += len(PIECE)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(push(), 0.7)
    assert sent < 40 << 20


async def test_after_a_paused_response_the_connection_serves_the_next_call(plane: Plane, upstream: RawUpstream) -> None:
    upstream.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000
    browser = await RawBrowser.open(plane.port)
    for _ in range(4):
        browser.pause()
        await browser.send(b"GET /api/down HTTP/1.1\r\n" + CALL + b"\r\n")
        await asyncio.sleep(0.1)
        browser.resume()
        assert len((await browser.response()).body) == 3_000_000
    assert upstream.connections == 1


@pytest.mark.attack("P5")
@pytest.mark.parametrize("cut", [0, 1, 40, 100])
async def test_a_service_that_prints_its_token_is_cut_off(upstream: RawUpstream, cut: int) -> None:
    async def handler(up: RawUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        text = b"authorization: Bearer " + TOKEN.encode() + b" and more"
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text))
        at = len(text) - cut
        writer.write(text[:at])
        await asyncio.sleep(0.05)
        writer.write(text[at:])
        await reader.read()

    upstream.handler = handler
    async with running_plane(upstream, limits=LimitSettings()) as plane:
        browser = await RawBrowser.open(plane.port)
        await browser.send(b"GET /api/debug HTTP/1.1\r\n" + CALL + b"\r\n")
        answer = await browser.rest()
        assert TOKEN.encode() not in answer
        assert "upstream.token_echoed" in plane.journal.reasons
        upstream.handler = None
        assert (await exchange(plane.port, b"GET /api/x HTTP/1.1\r\n" + CALL + b"\r\n")).status == 200
