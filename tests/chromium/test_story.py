"""The whole story in real Chromium: what a person sees, and what script in their page can never reach."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, Response

from keystead.demo.run import Demo
from tests.chromium.launch import CHROMIUM, open_browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: `apt-get install chromium`"),
]

TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.|ksa_[A-Za-z0-9_-]{16}|ksr_[A-Za-z0-9_-]{16}")
REDIRECTS = range(300, 400)
REACHABLE = """() => JSON.stringify({
  cookie: document.cookie,
  local: {...localStorage}, session: {...sessionStorage},
  url: location.href, referrer: document.referrer, name: window.name,
  markup: document.documentElement.outerHTML,
  globals: Object.keys(window).filter((key) => typeof window[key] === "string").map((key) => window[key]),
})"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo"), check=False)
    try:
        running.start(lambda _: None)
        yield running
    finally:
        assert running.stop() == [], "a part had to be killed"


class Watcher:
    """Remembers every response and every URL a page has seen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.leaks: list[str] = []
        self.urls: list[str] = []
        page.on("response", self._response)

    def _response(self, response: Response) -> None:
        self.urls.append(response.url)
        try:
            body = "" if response.status in REDIRECTS else response.text()
            text = response.url + str(response.all_headers()) + body
        except Error:
            text = response.url + str(response.headers)
        if TOKEN.search(text):
            self.leaks.append(f"{response.url}: {TOKEN.search(text)}")

    def assert_nothing_reachable(self) -> None:
        """No token in what script can reach, in any URL, in any response."""
        reachable = self.page.evaluate(REACHABLE)
        assert not TOKEN.search(reachable), TOKEN.search(reachable)
        assert "__Host-keystead" not in reachable, "script can read the session cookie"
        assert not self.leaks, self.leaks
        assert not [url for url in self.urls if "access_token" in url or "id_token=" in url]


def sign_in(demo: Demo, page: Page, name: str) -> None:
    """Sign in, and consent where this demo has not asked the person before."""
    page.set_default_timeout(90_000)  # eight processes and a browser on a small machine
    page.goto(demo.places.shop_url)
    page.click("#sign-in")
    page.fill("#username", name)
    page.fill("#password", demo.passwords[name])
    page.click("#login-submit")
    page.wait_for_selector("#consent-allow, #who")
    if page.is_visible("#consent-allow"):
        page.click("#consent-allow")
    page.wait_for_selector("#who")
    page.wait_for_selector("[data-product=lantern]")


def test_alice_orders_billing_reacts_and_bob_is_refused(demo: Demo) -> None:
    with open_browser() as browser:
        alice = browser.new_context().new_page()
        watcher = Watcher(alice)
        sign_in(demo, alice, "alice")
        assert alice.inner_text("#who") == "Alice Berg"

        alice.click("[data-product=lantern]")
        alice.wait_for_selector("#invoices [data-invoice-for]", timeout=60_000)
        order = alice.get_attribute("#orders [data-order]", "data-order")
        assert order is not None
        assert alice.get_attribute("#invoices [data-invoice-for]", "data-invoice-for") == order
        alice.click(f"[data-order='{order}']")
        alice.wait_for_selector("#order-detail[data-tone=good] li")
        watcher.assert_nothing_reachable()

        cookies = alice.context.cookies(demo.places.shop_url)
        assert [cookie["name"] for cookie in cookies] == ["__Host-keystead"]
        assert cookies[0]["httpOnly"]
        assert cookies[0]["secure"]
        assert cookies[0]["sameSite"] == "Strict"

        bob = browser.new_context().new_page()
        bobs_watcher = Watcher(bob)
        sign_in(demo, bob, "bob")
        bob.fill("#order-id", order)
        bob.click("#open-order-submit")
        bob.wait_for_selector("#order-detail[data-tone=bad]")
        assert "Not yours to see" in bob.inner_text("#order-detail")
        bobs_watcher.assert_nothing_reachable()


def test_the_x_ray_shows_every_hop_of_an_order(demo: Demo) -> None:
    with open_browser() as browser:
        page = browser.new_context().new_page()
        sign_in(demo, page, "carol")
        page.click("[data-product=compass]")
        page.wait_for_selector("#invoices [data-invoice-for]", timeout=60_000)
        xray = page.context.new_page()
        expected = {"session cookie", "opaque token", "workload assertion", "JWT", "inventory", "billing"}
        text, ending = "", time.monotonic() + 60
        while not all(word in text for word in expected):  # six processes write their lines when they get to it
            assert time.monotonic() < ending, f"not on the X-ray: {[word for word in expected if word not in text]}"
            xray.goto(demo.places.xray_url)
            xray.click("ol.actions a:has-text('POST /api/orders/orders')")
            text = xray.inner_text("#hops")
        chains = xray.eval_on_selector_all(
            ".chain", "all => all.map(one => [...one.children].map(part => part.innerText))"
        )
        assert ["carol", "gateway", "orders"] in chains
        assert not TOKEN.search(xray.content())


def test_signing_out_ends_the_session_everywhere(demo: Demo) -> None:
    with open_browser() as browser:
        page = browser.new_context().new_page()
        sign_in(demo, page, "alice")
        page.wait_for_selector("#sign-out")
        page.click("#sign-out")
        page.click("#logout-yes")
        page.wait_for_url(f"{demo.places.shop_url}/")
        page.click("#sign-in")
        page.wait_for_selector("#password")


def test_screenshots_for_the_documentation(demo: Demo, tmp_path: Path) -> None:
    with open_browser() as browser:
        for scheme in ("dark", "light"):
            for width in (390, 1280):
                context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page = context.new_page()
                page.goto(demo.places.xray_url)
                page.screenshot(path=tmp_path / f"xray-{scheme}-{width}.png")
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
                page.goto(demo.places.shop_url)
                page.screenshot(path=tmp_path / f"shop-{scheme}-{width}.png")
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
