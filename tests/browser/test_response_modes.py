"""Answers in Chromium: the form that posts itself, its button, and a callback that goes on to a third origin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import pytest
from playwright.async_api import BrowserContext, Page

from keystead.core.records.client import Client
from tests.harness.chromium import chromium
from tests.served import FrontDoor
from tests.shop import PASSWORD, authorize_url

pytestmark = pytest.mark.browser


@asynccontextmanager
async def site(onward: str = "") -> AsyncIterator[tuple[str, list[bytes]]]:
    """A site on an origin of its own that keeps what it is sent, and sends the browser on if told where to."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0")
        asked.append(head + await reader.readexactly(int(length)))
        moved = f"HTTP/1.1 303 See Other\r\nLocation: {onward}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        welcome = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nwelcome"
        writer.write((moved if onward else welcome).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        await server.wait_closed()


async def visit(context: BrowserContext, url: str) -> tuple[Page, list[str]]:
    """Go to the sign-in page and sign in; return the tab and what the browser complains about."""
    tab = await context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    await tab.goto(url)
    await tab.fill("#username", "alice")
    await tab.fill("#password", PASSWORD)
    await tab.click("#login-submit")
    await tab.wait_for_selector("#consent-allow")
    return tab, complaints


def posted(asked: list[bytes]) -> dict[str, list[str]]:
    """Return the fields of the one post a site got."""
    (request,) = [request for request in asked if request.startswith(b"POST /cb ")]
    return parse_qs(request.partition(b"\r\n\r\n")[2].decode())


@pytest.mark.parametrize("scripted", [True, False])
async def test_a_form_carries_the_answer_with_and_without_script(door: FrontDoor, scripted: bool) -> None:
    async with site() as (third, _), site(f"{third}/home") as (origin, asked), chromium() as browser:
        callback = f"{origin}/cb"
        await door.issuer.change(Client, "shop", redirect_uris=(callback,))
        context = await browser.new_context(java_script_enabled=scripted)
        state = "</script><script>alert(1)</script>"
        url = authorize_url(door.issuer, redirect_uri=callback, response_mode="form_post", state=state)
        tab, complaints = await visit(context, url)
        await tab.click("#consent-allow")
        if not scripted:
            await tab.click("#continue")
        await tab.wait_for_url(f"{third}/home")
        fields = posted(asked)
        assert {"code", "state", "iss"} <= set(fields)
        assert fields["state"] == [state]
        assert b"referer" not in asked[0].lower()
        assert complaints == []


@pytest.mark.parametrize("scripted", [True, False])
async def test_a_callback_may_redirect_onward_to_a_third_origin(door: FrontDoor, scripted: bool) -> None:
    """Chromium holds the form-action of our page against every redirect after a post, the client's own included."""
    async with site() as (third, _), site(f"{third}/home") as (origin, asked), chromium() as browser:
        callback = f"{origin}/cb"
        await door.issuer.change(Client, "shop", redirect_uris=(callback,))
        context = await browser.new_context(java_script_enabled=scripted)
        tab, complaints = await visit(context, authorize_url(door.issuer, redirect_uri=callback))
        await tab.click("#consent-allow")
        await tab.wait_for_url(f"{third}/home")
        assert b"code=ksc_" in asked[0]
        assert b"referer" not in asked[0].lower()
        assert complaints == []
