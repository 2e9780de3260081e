"""Every authorization response says who made it."""

from __future__ import annotations

import pytest

from tests.issuer import Issuer
from tests.shop import authorize_url, browser_for, open_shop, reach_code, sign_in

pytestmark = [pytest.mark.spec("RFC 9207 section 2"), pytest.mark.attack("C6")]


async def test_success_and_every_kind_of_error_carry_iss(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    refused = await browser.get(authorize_url(issuer, response_type="token"))
    silent = await browser.get(authorize_url(issuer, prompt="none"))
    denied = await browser.press(await sign_in(browser, await browser.get(authorize_url(issuer))), "consent-deny")
    allowed = await reach_code(browser, authorize_url(issuer))
    for page in (refused, silent, denied, allowed):
        assert page.answer["iss"] == issuer.url


async def test_iss_is_the_issuer_of_discovery_and_cannot_be_asked_for(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(authorize_url(issuer, prompt="none", iss="https://evil.test"))
    assert page.answer["iss"] == issuer.url
    discovery = await issuer.send(".well-known/openid-configuration", method="GET")
    assert discovery.json["issuer"] == issuer.url
    assert discovery.json["authorization_response_iss_parameter_supported"] is True
