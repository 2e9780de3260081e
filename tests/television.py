"""A television set at the corner shop: a public client that knows no browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keystead.oauth.grants.device_code import GRANT_TYPE
from tests.harness.browser import Browser, Page
from tests.issuer import Answer, Issuer, confidential
from tests.shop import PASSWORD, browser_for, open_shop, sign_in

USER_AGENT = (b"user-agent", b"ShopTV/4.2 (Living room)")


@dataclass
class Television:
    """One television. `client` is what it calls itself."""

    issuer: Issuer
    client: str = "tv"

    async def begin(self, **form: Any) -> Answer:
        """Ask for a code."""
        fields = {"client_id": self.client, "scope": "openid catalog:read", **form}
        return await self.issuer.post("device_authorization", fields, headers=[USER_AGENT])

    async def poll(self, device_code: str, **form: Any) -> Answer:
        """Ask for tokens."""
        fields = {"grant_type": GRANT_TYPE, "client_id": self.client, "device_code": device_code, **form}
        return await self.issuer.post("token", fields)


async def open_living_room(issuer: Issuer, **fields: Any) -> Television:
    """Open the shop, with televisions."""
    await open_shop(issuer)
    usual: dict[str, Any] = {
        "client_name": "Shop TV",
        "token_endpoint_auth_method": "none",
        "client_secret_digests": (),
        "redirect_uris": (),
        "grant_types": (GRANT_TYPE, "refresh_token"),
        "scope": "openid profile offline_access catalog:read orders:write",
    }
    await issuer.keep(confidential("tv", **(usual | fields)), confidential("tv2", **(usual | fields)))
    return Television(issuer)


async def type_code(browser: Browser, user_code: str) -> Page:
    """Open the page and type a code."""
    return await browser.press(await browser.get("device"), "device-submit", user_code=user_code)


async def allow(issuer: Issuer, user_code: str, browser: Browser | None = None, username: str = "alice") -> Page:
    """Go all the way: code, confirmation, sign-in, consent."""
    browser = browser or browser_for(issuer)
    page = await type_code(browser, user_code)
    page = await browser.press(page, "device-continue")
    if page.has("login-submit"):
        page = await sign_in(browser, page, username, PASSWORD)
    if page.has("consent-allow"):
        page = await browser.press(page, "consent-allow")
    return page
