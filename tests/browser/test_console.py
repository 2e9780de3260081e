"""The console in Chromium: its flows without JavaScript, by keyboard, on a phone, in both colours, judged by axe."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.accessibility import violations
from tests.browser.test_sign_in import CONTRAST, SCHEMES
from tests.harness.chromium import chromium
from tests.harness.furnished import Furnished, furnished_in

pytestmark = pytest.mark.browser

DOCUMENTS = (Path(__file__).parents[1] / "cases" / "documents.fga").read_text()
IMAGES = Path(__file__).parents[2] / "docs" / "images"
ERIN = "check?user=user:erin&relation=can_view&object=order:17"
MALLORY = "check?user=user:mallory&relation=can_view&object=order:17"
SUPPOSED = "check?user=user:zoe&relation=can_view&object=order:17&tuples=team:night%23member@user:zoe"
CHOSEN = "model?relation=order%23can_view"
COMMENT = "model?relation=document%23can_comment&only=1"
LISTED = "lists?kind=users&filter=user&relation=can_view&object=order:17"
EVERY_PAGE = ("model", CHOSEN, "tuples", "changes", ERIN, MALLORY, "lists", LISTED)


@asynccontextmanager
async def signed_in(
    furnished: Furnished, browser: Browser, username: str = "alice", **options: Any
) -> AsyncIterator[tuple[BrowserContext, Page, list[str]]]:
    """Give a tab in which somebody has signed in from the console, and what the browser complains about."""
    context = await browser.new_context(**options)
    tab = await context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    await tab.goto(furnished.page("model"))
    await tab.fill("#username", username)
    await tab.fill("#password", furnished.password(username))
    await tab.click("#login-submit")
    assert tab.url == furnished.page("model")
    yield context, tab, complaints
    await context.close()


@pytest.fixture
async def furnished(tmp_path: Path) -> AsyncIterator[Furnished]:
    """An issuer with a shop's store."""
    async with furnished_in(tmp_path) as made:
        yield made


async def test_a_tuple_is_added_looked_up_explained_and_deleted_without_javascript(furnished: Furnished) -> None:
    phone: dict[str, Any] = {"java_script_enabled": False, "viewport": {"width": 390, "height": 844}}
    async with chromium() as browser, signed_in(furnished, browser, **phone) as (_, tab, complaints):
        await tab.click("text=Tuples")
        await tab.fill("#new-user", "user:frank")
        await tab.fill("#new-relation", "member")
        await tab.fill("#new-object", "team:night")
        await tab.click("#add summary")
        await tab.fill("#new-expires", "2100-01-01 00:00")
        await tab.click("#add-review")
        assert "Add this tuple?" in await tab.inner_text("main")
        await tab.click("#sure")
        assert "The tuple was written." in await tab.inner_text("#done")
        await tab.fill("#user", "user:frank")
        await tab.click("#find")
        assert await tab.locator("#tuples tbody tr").count() == 1
        assert "2100-01-01 00:00:00" in await tab.inner_text("#tuples")
        await tab.click("text=What if")
        await tab.fill("#user", "user:frank")
        await tab.fill("#relation", "can_view")
        await tab.fill("#object", "order:17")
        await tab.click("#ask")
        assert "Yes" in await tab.inner_text("#answer")
        assert "team:night#member@user:frank" in await tab.inner_text("#steps")
        await tab.click("#suppositions summary")
        await tab.fill("#at", "2100-01-01 00:00")
        await tab.click("#ask")
        assert "No" in await tab.inner_text("#answer")
        await tab.click("text=Tuples")
        await tab.fill("#user", "user:frank")
        await tab.click("#find")
        await tab.click("#tuples button")
        await tab.click("#sure")
        assert "The tuple was deleted." in await tab.inner_text("#done")
        await tab.click("text=Changes")
        assert "Alice" in await tab.locator("#changes tbody tr").first.inner_text()
        assert complaints == []


async def test_a_relation_is_followed_by_keyboard_alone(furnished: Furnished) -> None:
    async with chromium() as browser, signed_in(furnished, browser) as (_, tab, complaints):
        await tab.goto(furnished.page("model"))
        await tab.bring_to_front()
        order = [""]
        while "can_view of order" not in order[-1]:
            assert len(order) < 60, order
            await tab.keyboard.press("Tab")
            order.append(await name_of_focus(tab))
        assert "Skip to the page" in order[:3], order[:5]
        assert next(name for name in order if " of " in name and ": " in name).startswith("member of team"), (
            "in the order of the text"
        )
        await tab.keyboard.press("Enter")
        await tab.wait_for_url("**/model?relation=order%23can_view#chosen")
        marked = await tab.locator(".picture .row-relation.on").all_text_contents()
        assert set(marked) == {"can_view", "viewer", "owner", "gift_for", "clerk", "banned", "member"}
        assert await tab.locator(".picture a[aria-current]").get_attribute("aria-label") == (
            "can_view of order: viewer but not banned from shop"
        )
        await tab.locator("#only").press("Enter")
        await tab.wait_for_url("**only=1**")
        assert await tab.locator(".picture .row-relation").count() == 7
        assert complaints == []


async def name_of_focus(tab: Page) -> str:
    """Return what a screen reader would say of what has the focus."""
    name: str = await tab.evaluate(
        "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent || '').trim()"
    )
    return name


async def test_every_connection_of_the_picture_stands_in_the_list_too(furnished: Furnished) -> None:
    store = await furnished.make("Documents", DOCUMENTS)
    async with chromium() as browser, signed_in(furnished, browser) as (_, tab, _complaints):
        await tab.goto(furnished.page("model", store))
        await tab.click(".in-words summary")
        drawn = await tab.locator(".picture .wire").count()
        assert drawn == await tab.locator(".in-words li").count() > 90
        assert await tab.locator(".picture a").count() == 43


SIZES = ((SCHEMES[0], 320), (SCHEMES[1], 390), (SCHEMES[1], 1280), (SCHEMES[0], 1280))
JUDGED_BY_AXE = (SIZES[0], SIZES[2])


async def test_pages_stay_in_their_width_and_can_be_read_by_everybody(furnished: Furnished) -> None:
    """Nothing scrolls the page sideways (WCAG 1.4.10); wide things scroll inside their frame, which a key reaches.

    Contrast is at least 4.5 (WCAG 1.4.3), and axe finds nothing wrong.
    """
    store = await furnished.make("Documents", DOCUMENTS)
    still: dict[str, Any] = {"reduced_motion": "reduce"}
    async with chromium() as browser, signed_in(furnished, browser, **still) as (_, tab, _complaints):
        for page in (*EVERY_PAGE, "home"):
            await tab.goto(furnished.page(page) if page != "home" else furnished.console)
            for scheme, width in SIZES:
                await tab.emulate_media(color_scheme=scheme)
                await tab.set_viewport_size({"width": width, "height": 800})
                assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), (page, width)
                assert await tab.evaluate(CONTRAST) == [], (page, scheme)
                if (scheme, width) in JUDGED_BY_AXE:
                    assert await violations(tab) == [], (page, scheme)
        await tab.goto(furnished.page("model", store))
        await tab.set_viewport_size({"width": 390, "height": 800})
        assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        frame = tab.locator(".picture-frame")
        assert await frame.evaluate("frame => frame.scrollWidth > frame.clientWidth && frame.tabIndex === 0")
        await tab.evaluate("document.querySelector('main').append(new Image())")
        assert any("image-alt" in one for one in await violations(tab)), "the judge is awake"


async def test_the_images_of_the_documentation_are_of_this_console(furnished: Furnished, tmp_path: Path) -> None:
    """`KEYSTEAD_WRITE_IMAGES=1` puts them where the documentation has them."""
    store = await furnished.make("Documents", DOCUMENTS)
    folder = IMAGES if os.environ.get("KEYSTEAD_WRITE_IMAGES") else tmp_path
    wanted = (
        ("console-model-dark", SCHEMES[1], (1280, 1100), furnished.page(CHOSEN)),
        (
            "console-documents-light",
            SCHEMES[0],
            (1280, 980),
            furnished.page(COMMENT, store),
        ),
        ("console-what-if-light", SCHEMES[0], (1280, 1330), furnished.page(SUPPOSED)),
        ("console-what-if-phone", SCHEMES[1], (390, 1300), furnished.page(MALLORY)),
    )
    async with chromium() as browser, signed_in(furnished, browser) as (_, tab, _complaints):
        for name, scheme, (width, height), url in wanted:
            await tab.emulate_media(color_scheme=scheme)
            await tab.set_viewport_size({"width": width, "height": height})
            await tab.goto(url)
            picture = await tab.screenshot(path=folder / f"{name}.png")
            assert len(picture) > 20_000
