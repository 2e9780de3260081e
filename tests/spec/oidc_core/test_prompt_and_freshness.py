"""prompt, max_age, id_token_hint: how fresh the sign-in must be, and whose."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from tests.issuer import Issuer
from tests.shop import alice, authorize_url, browser_for, offered, open_shop, reach_code, sign_in

pytestmark = pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.1")


async def id_token(issuer: Issuer, **changes: Any) -> str:
    """An ID token of this issuer."""
    claims = {"iss": issuer.url, "aud": "shop", "sub": "usr_alice", "iat": issuer.now, "exp": issuer.now + 300}
    return jws.sign(claims | changes, await issuer.cx.keys.signer("acme", issuer.now), "JWT")


async def test_prompt_none_shows_no_page(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await browser.get(authorize_url(issuer, prompt="none"), follow=False)
    assert page.answer["error"] == "login_required"
    page = await sign_in(browser, await browser.get(authorize_url(issuer)))
    page = await browser.get(authorize_url(issuer, prompt="none"), follow=False)
    assert page.answer["error"] == "consent_required"
    await reach_code(browser, authorize_url(issuer))
    page = await browser.get(authorize_url(issuer, prompt="none"), follow=False)
    assert page.answer["code"]


async def test_prompt_login_asks_again_and_renews_auth_time(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    first = await offered(issuer, (await reach_code(browser, authorize_url(issuer))).answer["code"])
    issuer.later(100)
    page = await browser.get(authorize_url(issuer, prompt="login"))
    assert page.has("login-submit")
    page = await sign_in(browser, page)
    again = await offered(issuer, page.answer["code"])
    assert again.auth_time == first.auth_time + 100
    assert again.sid == first.sid, "the session is renewed, not another one"


async def test_prompt_login_is_not_met_by_going_back_to_the_dispatcher(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    page = await browser.get(authorize_url(issuer, prompt="login"))
    handle = page.form_with("login-submit").fields["interaction"]
    page = await browser.get(f"{issuer.url}/authorize/resume?interaction={handle}")
    assert page.has("login-submit")


async def test_prompt_consent_asks_again(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    page = await browser.get(authorize_url(issuer, prompt="consent"))
    page = await browser.press(page, "consent-allow")
    assert page.answer["code"]


async def test_prompt_select_account_lets_the_person_go_on_or_change(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    page = await browser.get(authorize_url(issuer, prompt="select_account"))
    assert page.has("account-continue")
    assert not page.has("login-submit")
    page = await browser.press(page, "account-continue")
    assert (await offered(issuer, page.answer["code"])).subject == "usr_alice"
    page = await browser.get(authorize_url(issuer, prompt="select_account"))
    handle = page.form_with("account-continue").fields["interaction"]
    page = await browser.get(f"{issuer.url}/sign-in?interaction={handle}&switch=1")
    page = await sign_in(browser, page, "bob")
    page = await browser.press(page, "consent-allow")
    assert (await offered(issuer, page.answer["code"])).subject == "usr_bob"


@pytest.mark.parametrize(("age", "asks"), [(0, True), (50, False), (100, False), (101, True)])
async def test_max_age_bounds_the_age_of_the_sign_in(issuer: Issuer, age: int, asks: bool) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    issuer.later(age)
    page = await browser.get(authorize_url(issuer, max_age="0" if age == 0 else "100"))
    assert page.has("login-submit") is asks
    if asks:
        page = await sign_in(browser, page)
    assert (await offered(issuer, page.answer["code"])).auth_time == (issuer.now if asks else issuer.now - age)


async def test_the_clients_default_max_age_applies(issuer: Issuer) -> None:
    await open_shop(issuer, default_max_age=10)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    issuer.later(11)
    assert (await browser.get(authorize_url(issuer))).has("login-submit")
    await issuer.change(Client, "shop", default_max_age=None)
    assert (await browser.get(authorize_url(issuer))).answer["code"]


async def test_an_id_token_hint_names_who_may_answer(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    page = await browser.get(authorize_url(issuer, prompt="none", id_token_hint=await id_token(issuer)))
    assert page.answer["code"]
    hint = await id_token(issuer, sub="usr_bob")
    page = await browser.get(authorize_url(issuer, prompt="none", id_token_hint=hint), follow=False)
    assert page.answer["error"] == "login_required"
    page = await browser.get(authorize_url(issuer, id_token_hint=hint))
    assert page.has("login-submit")
    page = await sign_in(browser, page, "alice")
    assert page.answer["error"] == "login_required", "signing in as somebody else is no answer"
    page = await sign_in(browser, await browser.get(authorize_url(issuer, id_token_hint=hint)), "bob")
    page = await browser.press(page, "consent-allow")
    assert (await offered(issuer, page.answer["code"])).subject == "usr_bob"


async def test_an_expired_hint_is_still_a_hint(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    hint = await id_token(issuer, exp=issuer.now - 1000)
    assert (await browser.get(authorize_url(issuer, id_token_hint=hint))).answer["code"]


@pytest.mark.attack("J1")
@pytest.mark.parametrize("changes", [{"iss": "http://issuer.test:8080/realms/other"}, {"sub": ""}, {"sub": 7}])
async def test_a_hint_of_another_issuer_or_nobody_is_refused(issuer: Issuer, changes: dict[str, Any]) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(
        authorize_url(issuer, id_token_hint=await id_token(issuer, **changes)), follow=False
    )
    assert page.answer["error"] == "invalid_request"


@pytest.mark.attack("J10")
async def test_an_access_token_is_no_hint(issuer: Issuer) -> None:
    await open_shop(issuer)
    claims = {"iss": issuer.url, "aud": "shop", "sub": "usr_alice"}
    token = jws.sign(claims, await issuer.cx.keys.signer("acme", issuer.now), "at+jwt")
    page = await browser_for(issuer).get(authorize_url(issuer, id_token_hint=token), follow=False)
    assert page.answer["error"] == "invalid_request"


async def test_a_login_hint_fills_in_the_name(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(authorize_url(issuer, login_hint='al"ice'))
    assert page.form_with("login-submit").fields["username"] == 'al"ice'


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.4")
async def test_scopes_the_person_has_no_role_for_are_neither_asked_nor_granted(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    url = authorize_url(issuer, scope="openid orders:read orders:write")
    page = await sign_in(browser, await browser.get(url), "bob")
    assert "orders:write" not in page.text
    page = await browser.press(page, "consent-allow")
    assert (await offered(issuer, page.answer["code"])).scopes == ("openid", "orders:read")
    page = await browser.get(authorize_url(issuer, scope="orders:write"), follow=False)
    assert page.answer["error"] == "invalid_scope"


async def test_asking_for_more_asks_for_consent_again(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer, scope="openid"))
    assert (await browser.get(authorize_url(issuer, scope="openid profile"))).has("consent-allow")
    await reach_code(browser, authorize_url(issuer, scope="openid profile"))
    assert (await browser.get(authorize_url(issuer, scope="openid"))).answer["code"]
    assert (await browser.get(authorize_url(issuer, resource="https://catalog.test"))).has("consent-allow")


async def test_a_client_the_operator_trusts_skips_consent(issuer: Issuer) -> None:
    await open_shop(issuer, skip_consent=True)
    browser = browser_for(issuer)
    page = await sign_in(browser, await browser.get(authorize_url(issuer)))
    assert page.answer["code"]
    assert (await browser.get(authorize_url(issuer, prompt="consent"))).has("consent-allow")


@pytest.mark.attack("F4")
async def test_a_session_dies_with_its_account(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    await issuer.change(Account, alice().id, enabled=False)
    page = await browser.get(authorize_url(issuer))
    assert page.has("login-submit")
    page = await sign_in(browser, page)
    assert page.has("login-submit")
    await issuer.change(Account, alice().id, enabled=True, authority_epoch=1)
    assert (await browser.get(authorize_url(issuer, prompt="none"))).answer["error"] == "login_required"


@pytest.mark.parametrize(("idle", "signed_in"), [(3599, True), (3600, False)])
async def test_a_session_left_alone_is_over(issuer: Issuer, idle: int, signed_in: bool) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    issuer.later(idle)
    page = await browser.get(authorize_url(issuer, prompt="none"))
    assert ("code" in page.answer) is signed_in


async def test_a_session_in_use_lasts_a_day_and_no_longer(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    for _ in range(47):
        issuer.later(1800)
        assert "code" in (await browser.get(authorize_url(issuer, prompt="none"))).answer
    issuer.later(1800)
    assert (await browser.get(authorize_url(issuer, prompt="none"))).answer["error"] == "login_required"
