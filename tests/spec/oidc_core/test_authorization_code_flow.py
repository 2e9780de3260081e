"""From the authorization request to the code: sign-in, consent, and what is remembered."""

from __future__ import annotations

import pytest

from tests.issuer import VERIFIER, Issuer, challenge
from tests.shop import CALLBACK, authorize_url, browser_for, offered, open_shop, reach_code, sign_in


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2")
@pytest.mark.spec("RFC 6749 section 4.1.2")
async def test_a_person_signs_in_consents_and_the_client_gets_a_code(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await browser.get(authorize_url(issuer))
    assert page.status == 200
    assert page.has("login-submit")
    page = await sign_in(browser, page)
    assert "Corner Shop" in page.text
    assert "Look at what is for sale" in page.text
    assert "Alice Liddell" in page.text
    page = await browser.press(page, "consent-allow")
    assert page.status == 303
    assert page.location.startswith(CALLBACK + "?")
    answer = page.answer
    assert set(answer) == {"code", "state", "iss", "session_state"}
    assert answer["state"] == "state-1"
    assert answer["iss"] == issuer.url
    code = await offered(issuer, answer["code"])
    assert (code.client_id, code.redirect_uri, code.subject) == ("shop", CALLBACK, "usr_alice")
    assert (code.scopes, code.nonce, code.code_challenge) == (
        ("openid", "catalog:read"),
        "nonce-1",
        challenge(VERIFIER),
    )
    assert (code.acr, code.amr, code.auth_time) == ("1", ("pwd",), issuer.now)
    assert 0 < code.expires_at - issuer.now <= 60


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.4")
async def test_a_second_request_needs_neither_page(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    first = await reach_code(browser, authorize_url(issuer))
    again = await browser.get(authorize_url(issuer, state="state-2"), follow=False)
    assert again.status == 303
    assert again.answer["state"] == "state-2"
    assert again.answer["code"] != first.answer["code"]


@pytest.mark.spec("RFC 6749 section 4.1.2.1")
async def test_denying_is_told_to_the_client_and_not_remembered(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await sign_in(browser, await browser.get(authorize_url(issuer)))
    page = await browser.press(page, "consent-deny")
    assert page.answer["error"] == "access_denied"
    assert page.answer["state"] == "state-1"
    page = await browser.get(authorize_url(issuer))
    assert page.has("consent-allow")


async def test_cancelling_at_the_sign_in_page_is_told_to_the_client(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await browser.press(await browser.get(authorize_url(issuer)), "login-cancel")
    assert page.answer["error"] == "access_denied"
