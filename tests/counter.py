"""A bank counter: a client that asks people who are elsewhere (CIBA)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.keys import PrivateKey
from keystead.oauth.grants.ciba import GRANT_TYPE
from tests.harness.browser import Browser, Page
from tests.issuer import SECRET, Answer, Issuer, confidential
from tests.shop import alice, browser_for, open_shop, sign_in

NOTIFICATION_TOKEN = "8d67dc78-7faa-4d41-aabd-67707b374255"

_numbers = itertools.count()


@cache
def key_of(client: str) -> PrivateKey:
    """Return a client's key, made once per test run."""
    return generate("PS256")


@dataclass
class Counter:
    """One counter. `client` is what it calls itself."""

    issuer: Issuer
    client: str = "counter"
    key: PrivateKey = field(default_factory=lambda: key_of("counter"))

    async def ask(self, **form: Any) -> Answer:
        """Ask, in plain parameters."""
        fields = {"scope": "openid catalog:read", "login_hint": "alice", "binding_message": "W4SCT", **form}
        fields = {name: value for name, value in fields.items() if value is not None}
        return await self.issuer.post("backchannel_authentication", fields, basic=(self.client, SECRET))

    def request_claims(self, **changes: Any) -> dict[str, Any]:
        """Return good claims of a signed request, or changed ones; None takes a claim out."""
        now = self.issuer.now
        good = {
            "iss": self.client,
            "aud": self.issuer.url,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": f"request-{next(_numbers)}",
            "scope": "openid catalog:read",
            "login_hint": "alice",
            "binding_message": "W4SCT",
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    async def ask_signed(
        self, key: PrivateKey | None = None, typ: str = "", outside: dict[str, Any] | None = None, **changes: Any
    ) -> Answer:
        """Ask with a signed request."""
        token = jws.sign(self.request_claims(**changes), key or self.key, typ)
        return await self.send(token, **(outside or {}))

    async def send(self, token: str, **outside: Any) -> Answer:
        """Send a request object."""
        fields = {"request": token, **outside}
        return await self.issuer.post("backchannel_authentication", fields, basic=(self.client, SECRET))

    async def poll(self, auth_req_id: str) -> Answer:
        """Ask for tokens."""
        return await self.issuer.token(GRANT_TYPE, client=self.client, auth_req_id=auth_req_id)

    async def test_door(self, auth_req_id: str, action: str = "allow") -> Answer:
        """Answer through the test door."""
        query = urlencode({"auth_req_id": auth_req_id, "action": action}).encode()
        return await self.issuer.send("ciba/test", method="GET", query=query)


async def open_counter(issuer: Issuer, **fields: Any) -> Counter:
    """Open the shop, with two counters."""
    counter = Counter(issuer)
    await open_shop(issuer)
    usual: dict[str, Any] = {
        "client_name": "Bank Counter",
        "redirect_uris": (),
        "grant_types": (GRANT_TYPE, "refresh_token"),
        "scope": "openid profile offline_access catalog:read orders:write",
        "jwks": {"keys": [counter.key.public().jwk()]},
    }
    other = key_of("counter2")
    await issuer.keep(
        confidential("counter", **(usual | fields)),
        confidential("counter2", **(usual | {"jwks": {"keys": [other.public().jwk()]}} | fields)),
    )
    return counter


async def signed_in(issuer: Issuer, username: str = "alice") -> Browser:
    """Return a browser at which somebody is signed in."""
    browser = browser_for(issuer)
    await sign_in(browser, await browser.get("sign-in"), username)
    return browser


async def review(browser: Browser) -> Page:
    """Look at the first thing that waits."""
    return await browser.press(await browser.get("ciba"), "ciba-review-1")


async def allow(issuer: Issuer, username: str = "alice") -> Page:
    """Go all the way to a yes."""
    browser = await signed_in(issuer, username)
    return await browser.press(await review(browser), "consent-allow")


__all__ = ["Counter", "alice", "allow", "open_counter", "review", "signed_in"]
