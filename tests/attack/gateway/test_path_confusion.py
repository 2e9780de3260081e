"""P1: the path the gateway decides by is, byte for byte, the one the upstream gets; what could be read twice is 400."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest

from tests.attack.gateway.spellings import accepted_targets, refused_targets
from tests.gateway.plane import COOKIE, HOST, running_plane
from tests.gateway.raw import RawBrowser
from tests.gateway.upstream import RawUpstream

pytestmark = pytest.mark.attack("P1")
HEADERS = HOST + COOKIE + b"x-csrf: 1\r\n\r\n"


async def test_there_are_about_three_hundred_spellings() -> None:
    assert len(refused_targets()) >= 300


async def test_every_ambiguous_spelling_is_refused_and_reaches_nobody(upstream: RawUpstream) -> None:
    passed = []
    async with running_plane(upstream) as plane:
        for target in refused_targets():
            browser = await RawBrowser.open(plane.port)
            response = await browser.ask(b"GET " + target.encode("utf-8") + b" HTTP/1.1\r\n" + HEADERS)
            if response.status != 400:
                passed.append((target, response.status))
            browser.close()
    assert passed == []
    assert upstream.received == []


async def test_every_plain_spelling_arrives_as_it_was_sent(upstream: RawUpstream) -> None:
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        for target in accepted_targets():
            response = await browser.ask(b"GET " + target.encode() + b"?q=%2F..;%00 HTTP/1.1\r\n" + HEADERS)
            assert response.status == 200, target
            expected = "/v1" + target[4:] if target.startswith("/api") else target
            assert upstream.last.target == expected.encode() + b"?q=%2F..;%00"
            protected = target.startswith("/api/")
            assert bool(upstream.last.values(b"authorization")) == protected


async def test_no_spelling_reaches_a_protected_path_as_nobody(upstream: RawUpstream) -> None:
    """What a lenient upstream would make of the target must not lie below a protected route without a token."""
    async with running_plane(upstream) as plane:
        for target in [*refused_targets(), *accepted_targets()]:
            browser = await RawBrowser.open(plane.port)
            await browser.ask(b"GET " + target.encode("utf-8") + b" HTTP/1.1\r\n" + HOST + b"\r\n")
            browser.close()
    for request in upstream.received:
        read = unquote_to_bytes(request.target.partition(b"?")[0]).lower()
        assert not read.startswith((b"/admin", b"/v1", b"/live")), request.target


async def test_query_and_fragment_never_choose_the_route(upstream: RawUpstream) -> None:
    async with running_plane(upstream) as plane:
        for target in (b"/admin?x=/public", b"/admin?/../", b"/admin/x?return=/"):
            browser = await RawBrowser.open(plane.port)
            response = await browser.ask(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
            assert response.status == 401, target
            browser.close()
    assert upstream.received == []


async def test_a_token_in_the_query_is_refused(upstream: RawUpstream) -> None:
    async with running_plane(upstream) as plane:
        plain = (b"access_token=x", b"a=1&access_token=x", b"ACCESS_TOKEN=x", b"a=1;access_token=x")
        for query in (*plain, b"%61ccess_token=x", b"a&access%5ftoken=x", b"a=1;ACCESS%5FTOKEN=x"):
            browser = await RawBrowser.open(plane.port)
            assert (await browser.ask(b"GET /api/x?" + query + b" HTTP/1.1\r\n" + HEADERS)).status == 400, query
            browser.close()
        browser = await RawBrowser.open(plane.port)
        for query in (b"next=%2Fx%3Faccess_token%3Dy", b"about=access_token"):
            assert (await browser.ask(b"GET /api/x?" + query + b" HTTP/1.1\r\n" + HEADERS)).status == 200, query


@pytest.mark.parametrize(
    "host", ["evil.test", "localhost", "localhost:8001", "localhost:8000.evil.test", "", " ", "[::1]"]
)
async def test_another_host_is_refused(upstream: RawUpstream, host: str) -> None:
    async with running_plane(upstream) as plane:
        browser = await RawBrowser.open(plane.port)
        line = f"host: {host}\r\n".encode() if host.strip() else b"" if not host else b"host:\r\n"
        assert (await browser.ask(b"GET /x HTTP/1.1\r\n" + line + b"\r\n")).status == 400
        browser.close()
    assert upstream.received == []
