"""A client's page notices in the browser that the sign-in has changed."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from playwright.async_api import Route

from keystead.core.http import Request
from keystead.core.records.session import Session
from keystead.core.trace import new_trace
from keystead.oauth.session_state import state_cookie
from tests.harness.chromium import chromium
from tests.issuer import Issuer
from tests.served import FrontDoor
from tests.shop import CALLBACK, PASSWORD, authorize_url, browser_for, open_shop, reach_code

pytestmark = pytest.mark.spec("OpenID Connect Session Management 1.0 section 3")

ASK = """
([frame, message]) => new Promise((done) => {
  const inner = document.createElement("iframe");
  inner.src = frame;
  inner.onload = () => inner.contentWindow.postMessage(message, new URL(frame).origin);
  window.addEventListener("message", (event) => {
    if (event.origin === new URL(frame).origin) { inner.remove(); done(event.data); }
  }, { once: true });
  document.body.append(inner);
})
"""


def digest(client: str, origin: str, state: str, salt: str) -> str:
    """The digest of section 3.2's example."""
    return hashlib.sha256(f"{client} {origin} {state} {salt}".encode()).hexdigest()


async def test_the_answer_carries_a_state_over_client_origin_and_browser(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    first = (await reach_code(browser, authorize_url(issuer))).answer["session_state"]
    second = (await reach_code(browser, authorize_url(issuer))).answer["session_state"]
    assert first != second, "salted: two answers cannot be linked by it"
    for state in (first, second):
        mark, _, salt = state.partition(".")
        assert " " not in state
        assert mark == digest("shop", "https://app.test", browser.jar["keystead-state-acme"], salt)


async def test_without_openid_there_is_none(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await reach_code(browser_for(issuer), authorize_url(issuer, scope="catalog:read", nonce=None))
    assert "session_state" not in page.answer


async def test_signing_out_takes_the_state_away(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    assert browser.jar["keystead-state-acme"]
    await browser.press(await browser.get(f"{issuer.url}/logout"), "logout-yes")
    assert "keystead-state-acme" not in browser.jar


async def test_over_https_other_sites_frames_see_the_cookie(issuer: Issuer) -> None:
    cx = replace(issuer.cx, base_url="https://id.test")
    session = Session(realm="acme", id="ses_1", handle_digest="d", subject="usr_alice")
    request = Request("GET", "/", b"", (), b"", issuer.now, new_trace(), realm="acme")
    [(_, value)] = state_cookie(request, session, cx)
    assert value.startswith(b"__Host-keystead-state-acme=")
    assert value.endswith(b"; Path=/; SameSite=None; Secure")


async def test_discovery_names_the_frame(issuer: Issuer) -> None:
    await open_shop(issuer)
    document = (await issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["check_session_iframe"] == f"{issuer.url}/check-session"


async def test_any_site_may_frame_it_and_it_runs_one_script(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await issuer.send("check-session", method="GET")
    assert page.status == 200
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    assert "'unsafe-inline'" not in page.headers["content-security-policy"]
    assert "x-frame-options" not in page.headers


async def test_in_a_browser_unchanged_then_changed_after_logout(door: FrontDoor) -> None:
    frame = f"{door.issuer.url}/check-session"
    async with chromium() as browser:
        context = await browser.new_context()
        tab = await context.new_page()

        async def keep(route: Route) -> None:
            await route.fulfill(body="<p>client", content_type="text/html")

        await context.route("https://app.test/**", keep)
        # The client's page is on our own site here: over plain http the cookie is Lax.
        client = door.issuer.cx.base_url
        origin = f"{client}/realms/acme"
        await tab.goto(authorize_url(door.issuer))
        await tab.fill("#username", "alice")
        await tab.fill("#password", PASSWORD)
        await tab.click("#login-submit")
        await tab.click("#consent-allow")
        await tab.wait_for_url(f"{CALLBACK}?**")
        [state] = [cookie["value"] for cookie in await context.cookies() if cookie["name"] == "keystead-state-acme"]
        await context.route(f"{origin}/client", keep)
        await tab.goto(f"{origin}/client")
        good = f"shop {digest('shop', client, state, 'salt')}.salt"
        assert await tab.evaluate(ASK, [frame, good]) == "unchanged"
        assert await tab.evaluate(ASK, [frame, good.replace("shop", "other", 1)]) == "changed"
        assert await tab.evaluate(ASK, [frame, f"shop {digest('shop', 'https://evil.test', state, 'salt')}.salt"]) == (
            "changed"
        ), "a page learns nothing about another's session_state"
        for broken in ("shop", "shop nosalt", "", " .salt"):
            assert await tab.evaluate(ASK, [frame, broken]) == "error"
        await tab.goto(f"{door.issuer.url}/logout")
        await tab.click("#logout-yes")
        await tab.goto(f"{origin}/client")
        assert await tab.evaluate(ASK, [frame, good]) == "changed"
