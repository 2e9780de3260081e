"""A person signs in, with Chromium, without JavaScript, and the client at another origin gets the code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from playwright.async_api import Page

from keystead.core.records.client import Client
from tests.harness.chromium import chromium
from tests.served import FrontDoor
from tests.shop import PASSWORD, authorize_url

pytestmark = pytest.mark.browser

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@asynccontextmanager
async def client_site() -> AsyncIterator[tuple[str, list[str]]]:
    """A site on another origin that answers every request, and what it was asked for."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.decode("latin-1"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nwelcome")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        await server.wait_closed()


async def sign_in(tab: Page, password: str = PASSWORD) -> None:
    """Fill in the page as it stands."""
    await tab.fill("#username", "alice")
    await tab.fill("#password", password)
    async with tab.expect_navigation():
        await tab.click("#login-submit")


async def test_the_whole_way_without_javascript(door: FrontDoor) -> None:
    """The post on our pages ends in a redirect to the client's origin, which Chromium holds against form-action."""
    async with client_site() as (origin, asked), chromium() as browser:
        callback = f"{origin}/cb"
        await door.issuer.change(Client, "shop", redirect_uris=(callback,))
        context = await browser.new_context(java_script_enabled=False)
        tab = await context.new_page()
        complaints: list[str] = []
        tab.on("console", lambda message: complaints.append(message.text))
        await tab.goto(authorize_url(door.issuer, redirect_uri=callback))
        await sign_in(tab, "wrong")
        assert await tab.get_by_role("alert").inner_text() == "The user name or password is not right."
        await sign_in(tab)
        await tab.click("#consent-allow")
        await tab.wait_for_url(f"{origin}/**")
        assert "code=ksc_" in tab.url
        assert "referer" not in asked[0].lower(), "neither code nor state leaves by Referer"
        cookies = await context.cookies()
        state = "keystead-state-acme"  # for script to read, and worth nothing else
        ours = [cookie for cookie in cookies if cookie["name"].startswith("keystead-") and cookie["name"] != state]
        assert {cookie["name"] for cookie in ours} >= {"keystead-session-acme", "keystead-browser-acme"}
        assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in ours)
        await tab.goto(authorize_url(door.issuer, redirect_uri=callback, prompt="login"))
        await sign_in(tab)
        await tab.wait_for_url(f"{origin}/**")
        await tab.goto(authorize_url(door.issuer, redirect_uri=callback, prompt="login"))
        await tab.click("#login-cancel")
        await tab.wait_for_url(f"{origin}/**")
        assert "error=access_denied" in tab.url
        assert complaints == []


async def test_a_form_on_another_site_reaches_the_dispatcher_with_its_session(door: FrontDoor) -> None:
    """OpenID Connect Core section 3.1.2.1: requests may be posted; SameSite=Lax cookies stay away from such a post."""
    async with client_site() as (origin, _), chromium() as browser:
        callback = f"{origin}/cb"
        await door.issuer.change(Client, "shop", redirect_uris=(callback,), skip_consent=True)
        context = await browser.new_context()
        tab = await context.new_page()
        await tab.goto(authorize_url(door.issuer, redirect_uri=callback))
        await sign_in(tab)
        await tab.wait_for_url(f"{origin}/**")
        await tab.goto(f"{origin}/other")
        url, _, query = authorize_url(door.issuer, redirect_uri=callback, state="posted").partition("?")
        await tab.evaluate(
            """([url, query]) => {
                const form = Object.assign(document.createElement('form'), {action: url, method: 'post'});
                for (const [name, value] of new URLSearchParams(query)) {
                    form.append(Object.assign(document.createElement('input'), {name, value}));
                }
                document.body.append(form);
                form.submit();
            }""",
            [url, query],
        )
        await tab.wait_for_url(f"{origin}/cb?**")
        assert "state=posted" in tab.url
        assert "code=ksc_" in tab.url


async def test_the_pages_can_be_used_by_keyboard_and_read_aloud(door: FrontDoor) -> None:
    async with chromium() as browser:
        tab = await (await browser.new_context()).new_page()
        await tab.goto(authorize_url(door.issuer))
        assert await tab.evaluate("document.activeElement.id") == "username"
        assert await tab.get_by_label("User name").get_attribute("autocomplete") == "username"
        assert await tab.get_by_label("Password").get_attribute("autocomplete") == "current-password"
        await tab.keyboard.type("alice")
        await tab.keyboard.press("Tab")
        await tab.keyboard.type(PASSWORD)
        await tab.keyboard.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert await tab.evaluate(outline) == "solid", "the focus is seen"
        await tab.keyboard.press("Enter")
        await tab.wait_for_selector("#consent-allow")
        assert await tab.locator("main h1").count() == 1
        assert await tab.locator("html").get_attribute("lang") == "en"


async def test_no_page_overflows_and_text_can_be_read(door: FrontDoor) -> None:
    """Nothing to scroll sideways at 320 px (WCAG 1.4.10), contrast of text at least 4.5 (WCAG 1.4.3)."""
    async with chromium() as browser:
        for scheme in SCHEMES:
            for width in (320, 1280):
                context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 700})
                await _visit_all(await context.new_page(), door)


async def _visit_all(tab: Page, door: FrontDoor) -> None:
    await tab.goto(authorize_url(door.issuer, scope="openid profile offline_access catalog:read orders:read"))
    await _check_page(tab)
    await sign_in(tab, "wrong")
    await _check_page(tab)
    await sign_in(tab)
    await _check_page(tab)
    for path in ("signed-in", "logout", "authorize"):
        await tab.goto(f"{door.issuer.url}/{path}")
        await _check_page(tab)


async def _check_page(tab: Page) -> None:
    assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab.url
    poor = await tab.evaluate(CONTRAST)
    assert poor == [], tab.url


CONTRAST = """() => {
  const parse = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll('main *')) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push([node.tagName, node.className, node.textContent.trim().slice(0, 30), ratio]);
  }
  return poor;
}"""
