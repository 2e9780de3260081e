"""form_post: a page whose form carries the answer, by itself or by its button."""

from __future__ import annotations

import pytest

from tests.issuer import Issuer
from tests.shop import CALLBACK, authorize_url, browser_for, open_shop, sign_in


@pytest.mark.spec("OAuth 2.0 Form Post Response Mode section 2")
async def test_the_answer_stands_in_a_form(issuer: Issuer) -> None:
    await open_shop(issuer, skip_consent=True)
    browser = browser_for(issuer)
    state = "\"'><script>alert(1)</script>&amp;é"
    page = await sign_in(browser, await browser.get(authorize_url(issuer, response_mode="form_post", state=state)))
    assert (page.status, page.location) == (200, "")
    (form,) = page.forms
    assert (form.action, form.method) == (CALLBACK, "post")
    assert set(form.fields) == {"code", "state", "iss", "session_state"}
    assert form.fields["state"] == state
    assert form.fields["iss"] == issuer.url
    assert "continue" in form.ids, "without script a person presses the button"
    assert (await issuer.redeem(form.fields["code"], client="shop")).status == 200


@pytest.mark.spec("OAuth 2.0 Form Post Response Mode section 2")
async def test_an_error_stands_in_a_form_too(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(authorize_url(issuer, response_mode="form_post", prompt="none"))
    assert page.forms[0].fields["error"] == "login_required"
    assert page.forms[0].fields["state"] == "state-1"


@pytest.mark.attack("R4")
async def test_the_page_runs_its_one_script_and_no_other(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(authorize_url(issuer, response_mode="form_post", prompt="none"))
    policy = page.header("content-security-policy")
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.header("cache-control") == "no-store"
    assert page.header("referrer-policy") == "no-referrer"
    assert page.text.count("<script") == 1


async def test_a_client_that_registered_itself_gets_no_form_before_a_person_acted(issuer: Issuer) -> None:
    await open_shop(issuer, self_registered=True)
    page = await browser_for(issuer).get(authorize_url(issuer, response_mode="form_post", prompt="none"))
    assert (page.status, page.forms) == (400, [])
