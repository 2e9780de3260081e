"""A person with a browser, in front of a running issuer."""

from __future__ import annotations

import aiohttp

from keystead.core.http import Headers
from tests.harness.browser import Browser, Page, Wire
from tests.harness.oauth_client import OAuthClient
from tests.harness.witness import Witness


def http_wire(session: aiohttp.ClientSession, witness: Witness) -> Wire:
    """Return a wire over real HTTP."""

    async def send(method: str, url: str, headers: Headers, body: bytes) -> Page:
        sent = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        async with session.request(method, url, headers=sent, data=body or None, allow_redirects=False) as reply:
            content = await reply.read()
        got = tuple((bytes(name), bytes(value)) for name, value in reply.raw_headers)
        for name, value in got:
            if name.lower() == b"set-cookie":
                witness.saw("cookie", value.decode("latin-1").partition(";")[0].partition("=")[2])
        return Page(url, reply.status, got, content)

    return send


class Person:
    """Somebody who can sign in."""

    def __init__(self, username: str, password: str, browser: Browser, witness: Witness) -> None:
        self.username = username
        self.password = witness.saw("password", password)
        self.browser = browser
        self.witness = witness

    async def authorize(self, client: OAuthClient, **changes: str | None) -> str:
        """Go through sign-in and consent as asked, and return the code the client gets."""
        page = await self.visit(await client.authorization_url(**changes))
        assert page.status == 303, (page.status, page.alert or page.text)
        assert "code" in page.answer, page.answer
        return self.witness.saw("code", page.answer["code"])

    async def visit(self, url: str) -> Page:
        """Visit a URL and do what the pages ask: sign in, allow."""
        page = await self.browser.get(url)
        if page.has("login-submit"):
            page = await self.sign_in(page)
        if page.has("consent-allow"):
            page = await self.browser.press(page, "consent-allow")
        return page

    async def sign_in(self, page: Page, password: str = "") -> Page:
        """Fill in the sign-in page."""
        return await self.browser.press(
            page, "login-submit", username=self.username, password=password or self.password
        )
