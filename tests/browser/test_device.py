"""A person connects a device, with Chromium, without JavaScript, and the page's policy stands in nobody's way."""

from __future__ import annotations

import pytest

from tests.harness.chromium import chromium
from tests.issuer import Issuer
from tests.served import front_door
from tests.shop import PASSWORD
from tests.television import open_living_room

pytestmark = pytest.mark.browser


@pytest.mark.spec("RFC 8628 section 3.3.1")
async def test_from_the_link_to_the_tokens_without_javascript(issuer: Issuer) -> None:
    async with front_door(issuer), chromium() as browser:
        television = await open_living_room(issuer)
        begun = (await television.begin()).json
        context = await browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
        tab = await context.new_page()
        complaints: list[str] = []
        tab.on("console", lambda message: complaints.append(message.text))
        await tab.goto(begun["verification_uri_complete"])
        await tab.click("summary")
        width = await tab.locator(".elsewhere img").evaluate("image => image.naturalWidth")
        assert width > 0, "the QR code is shown"
        await tab.click("#device-submit")
        assert begun["user_code"] in await tab.inner_text(".user-code")
        await tab.click("#device-continue")
        await tab.fill("#username", "alice")
        await tab.fill("#password", PASSWORD)
        await tab.click("#login-submit")
        await tab.click("#consent-allow")
        assert "Your device is connected" in await tab.inner_text("main")
        assert complaints == []
        assert (await television.poll(begun["device_code"])).status == 200
