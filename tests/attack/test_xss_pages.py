"""R4: whatever stands in a name, a hint or a description, a page shows it as text and runs nothing."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from keystead.core.records.account import Account
from keystead.core.records.api import Api
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from tests.harness.browser import Page
from tests.harness.chromium import chromium
from tests.issuer import Issuer
from tests.served import FrontDoor
from tests.shop import CATALOG, authorize_url, browser_for, good_request, open_shop, sign_in
from tests.vectors import load

pytestmark = pytest.mark.attack("R4")

POLYGLOTS = (
    "<script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'\"--></style></script><img src=x onerror=alert(1)>",
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//%0D%0A//</stYle/</titLe/</teXtarEa/</scRipt/--!>"
    "\\x3csVg/<sVg/oNloAd=alert()//>\\x3e",
    "\" autofocus onfocus=alert(1) x=\"",
    "' onmouseover='alert(1)",
    "</title><svg onload=alert(1)>",
    "{{7*7}}{% raw %}{{config}}",
    "<base href=//evil.test/>",
    "<meta http-equiv=refresh content=0;url=//evil.test>",
    "<form action=//evil.test><input name=password>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<a href=\"javascript:alert(1)\" id=consent-allow>x</a>",
    "\u2028</script><script>alert(1)//",
)  # fmt: skip


def naughty() -> list[str]:
    """Every string, without those that no form could carry."""
    strings: list[str] = [*POLYGLOTS, *load("strings/blns.json")]
    return [text for text in strings if "\0" not in text and text.strip()]


class Shape(HTMLParser):
    """The elements of a page, their attribute names, and every place a page could lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.leads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.leads += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")]


def shape(page: Page) -> Shape:
    """Read the shape of a page."""
    reader = Shape()
    reader.feed(page.text)
    return reader


async def plant(issuer: Issuer, text: str) -> None:
    """Put a text wherever an operator, a client or a person may put one."""
    await issuer.change(Realm, "acme", display_name=text)
    await issuer.change(Client, "shop", client_name=text, policy_uri=text, tos_uri=text, logo_uri=text, client_uri=text)
    await issuer.change(Account, "usr_alice", name=text, email=text)
    await issuer.change(Api, CATALOG, name=text, scope_descriptions={"catalog:read": text})


async def pages(issuer: Issuer, text: str) -> list[Page]:
    """Every page that shows what was planted, and what the request itself brings."""
    await plant(issuer, text)
    browser = browser_for(issuer)
    hint = text[:256].replace("\0", "")
    first = await browser.get(authorize_url(issuer, login_hint=hint, state=text[:500], prompt="login"))
    wrong = await browser.press(first, "login-submit", username=text[:200], password="wrong")
    consent = await sign_in(browser, wrong)
    chooses = await browser.get(authorize_url(issuer, prompt="select_account"))
    landing = await browser.get(f"{issuer.url}/signed-in")
    leaving = await browser.get(f"{issuer.url}/logout?client_id=shop")
    broken = await browser.get(f"{issuer.url}/authorize?client_id=shop&redirect_uri=x")
    found = [first, wrong, consent, chooses, landing, leaving, broken]
    assert [page.status for page in found] == [200] * 6 + [400]
    issuer.later(1000)
    return found


async def test_no_text_changes_the_markup_of_any_page(issuer: Issuer) -> None:
    await open_shop(issuer)
    expected = [shape(page).elements for page in await pages(issuer, "harmless")]
    for text in (*POLYGLOTS, 'https://a.test/"><script>'):
        for page, elements in zip(await pages(issuer, text), expected, strict=True):
            got = shape(page)
            # A text that is a good link is shown as one, on the sign-in page in a paragraph of their own.
            links = (("a", ("href", "rel")), ("p", ("class", "id")))
            strange = [tag for tag in got.elements if tag not in elements and tag not in links]
            assert strange == [], (page.url, text)
            for lead in got.leads:
                assert lead.startswith(("/realms/acme/", "http://", "https://", "data:image/svg+xml,")), lead


async def test_every_naughty_string_is_shown_as_it_is(issuer: Issuer) -> None:
    """One consent page with a scope for each string, one request for each hint."""
    await open_shop(issuer)
    strings = naughty()
    assert len(strings) > 480
    scopes = {f"catalog:{number}": text for number, text in enumerate(strings)}
    await issuer.change(Api, CATALOG, scopes=tuple(scopes), scope_descriptions=scopes)
    await issuer.change(Client, "shop", scope=" ".join(("openid", *scopes)))
    for start in range(0, len(strings), 100):
        asked = " ".join(list(scopes)[start : start + 100])
        browser = browser_for(issuer)
        page = await sign_in(browser, await browser.get(authorize_url(issuer, scope=asked)))
        allowed = {"html", "head", "meta", "title", "link", "body", "div", "header", "svg", "defs", "lineargradient"}
        allowed |= {"stop", "path", "p", "span", "strong", "main", "h1", "a", "section", "h2", "ul", "li", "code"}
        allowed |= {"form", "input", "button", "footer", "circle"}
        got = shape(page)
        assert {tag for tag, _ in got.elements} <= allowed
        assert all(not name.startswith("on") and name != "style" for _, names in got.elements for name in names)


async def test_every_page_refuses_framing_script_and_referrers(door: FrontDoor) -> None:
    browser = door.browser()
    begun = await browser.get(authorize_url(door.issuer))
    consent = await sign_in(browser, begun)
    others = [
        await browser.get(f"{door.issuer.url}/{path}")
        for path in ("signed-in", "logout", "authorize", "consent", "sign-in?switch=1")
    ]
    done = await browser.press(await browser.get(f"{door.issuer.url}/logout"), "logout-yes")
    for page in (begun, consent, *others, done):
        policy = page.header("content-security-policy")
        directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
        assert directives["default-src"] == "'none'"
        assert directives["style-src"] == "'self'"
        assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
        assert not [word for word in ("unsafe", "*", "script-src", "http:", "https:;") if word in policy]
        assert page.header("x-content-type-options") == "nosniff"
        assert page.header("referrer-policy") == "no-referrer"
        assert page.header("cross-origin-opener-policy") == "same-origin"
        assert page.header("cache-control") == "no-store"
        assert page.header("content-type") == "text/html; charset=utf-8"
    assert "form-action 'self' https://app.test;" in begun.header("content-security-policy")
    assert "form-action 'self';" in others[0].header("content-security-policy")


@pytest.mark.browser
async def test_a_real_browser_runs_nothing(door: FrontDoor) -> None:
    """Chromium meets every polyglot on every page; nothing runs, nothing is fetched from elsewhere."""
    ran: list[str] = []
    strayed: list[str] = []
    home = door.issuer.cx.base_url
    async with chromium() as browser:
        context = await browser.new_context()
        await context.expose_function("keysteadRan", lambda said: ran.append(said))
        await context.add_init_script(
            "window.alert = window.prompt = window.confirm = (x) => window.keysteadRan(String(x))"
        )
        tab = await context.new_page()
        tab.on(
            "request",
            lambda request: strayed.append(request.url) if not request.url.startswith((home, "data:")) else None,
        )
        control = "<!doctype html><img src=x onerror=alert('control')>"
        await context.route("**/control", lambda route: route.fulfill(body=control, content_type="text/html"))
        await tab.goto(f"{home}/control")
        for _ in range(100):
            if ran:
                break
            await tab.wait_for_timeout(50)
        assert ran == ["control"], "the trap works"
        ran.clear()
        for start in range(0, len(POLYGLOTS), 5):
            text = " ".join(POLYGLOTS[start : start + 5])
            await plant(door.issuer, text)
            await context.clear_cookies()
            for url in await _visits(door, text):
                await tab.goto(url)
                if await tab.locator("#login-submit").count():
                    await tab.fill("#username", "alice")
                    await tab.fill("#password", "correct horse battery staple")
                    async with tab.expect_navigation():
                        await tab.click("#login-submit")
                await tab.wait_for_selector("main h1")
                assert await tab.locator("h1").count() == 1, (url, text)
        await tab.wait_for_timeout(100)
    assert ran == []
    assert strayed == []


async def _visits(door: FrontDoor, text: str) -> list[str]:
    issuer = door.issuer
    hint: dict[str, Any] = {"login_hint": text[:200], "state": text}
    return [
        authorize_url(issuer, **hint),
        authorize_url(issuer, prompt="select_account", **hint),
        f"{issuer.url}/signed-in",
        f"{issuer.url}/logout?client_id=shop",
        f"{issuer.url}/authorize?client_id={good_request()['client_id']}&redirect_uri=javascript:alert(1)",
    ]
