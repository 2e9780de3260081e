"""`prompt=create`: a person makes an account and goes on to the application, where the realm lets anybody in."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from keystead.core.records.realm import Realm
from keystead.identity.accounts import account_by_username
from tests.harness.browser import Browser, Page
from tests.issuer import Issuer
from tests.shop import PASSWORD, authorize_url, browser_for, open_shop, sign_in

SPEC = "Initiating User Registration via OpenID Connect 1.0 section 4.1"
pytestmark = pytest.mark.spec(SPEC)
NEW = {"username": "dora", "name": "Dora Day", "email": "dora@acme.test", "password": "a lantern by the water"}


def link(page: Page, id: str) -> str:
    """Return where a link on the page leads."""
    found = re.search(f'id="{id}" href="([^"]+)"', page.text)
    assert found is not None, page.text
    return unescape(found[1])


async def open_realm(issuer: Issuer) -> Browser:
    """Open the shop, and the realm to anybody."""
    await open_shop(issuer)
    await issuer.change(Realm, "acme", sign_up="open")
    return browser_for(issuer)


async def at_the_form(issuer: Issuer, browser: Browser, **changes: str) -> Page:
    """Return the page that a client leads to that asks for a new account."""
    return await browser.get(authorize_url(issuer, prompt="create", **changes))


async def send(issuer: Issuer, browser: Browser, **values: str) -> Page:
    """Fill in the form and send it."""
    page = await at_the_form(issuer, browser)
    return await browser.press(page, "signup-submit", follow=True, **values)


async def test_a_new_person_gets_to_the_application(issuer: Issuer) -> None:
    browser = await open_realm(issuer)
    page = await send(issuer, browser, **NEW)
    assert page.has("consent-allow"), page.text
    page = await browser.press(page, "consent-allow", follow=False)
    page = await browser.get(page.location, follow=False)
    assert "code" in page.answer
    account = await issuer.store.read(account_by_username("acme", "dora", issuer.now))
    assert account is not None
    assert (account.name, account.email, account.email_verified, account.roles) == (
        "Dora Day",
        "dora@acme.test",
        False,
        (),
    )
    again = browser_for(issuer)
    page = await sign_in(again, await again.get(authorize_url(issuer)), "dora", NEW["password"])
    assert "code" in page.answer or page.has("consent-allow")


async def test_whoever_has_an_account_may_use_it_instead(issuer: Issuer) -> None:
    browser = await open_realm(issuer)
    page = await at_the_form(issuer, browser)
    page = await sign_in(browser, await browser.get(link(page, "login-instead")), "alice", PASSWORD)
    assert page.has("consent-allow"), "the prompt is met by a sign-in, too"


async def test_signing_up_is_offered_at_the_sign_in_page(issuer: Issuer) -> None:
    browser = await open_realm(issuer)
    page = await browser.get(authorize_url(issuer))
    assert (await browser.get(link(page, "account-create"))).has("signup-submit")


async def test_the_person_may_go_back(issuer: Issuer) -> None:
    browser = await open_realm(issuer)
    page = await browser.press(await at_the_form(issuer, browser), "signup-cancel", follow=False)
    page = await browser.get(page.location, follow=False)
    assert page.answer["error"] == "access_denied"


async def test_a_login_hint_fills_in_the_name(issuer: Issuer) -> None:
    browser = await open_realm(issuer)
    assert 'value="dora"' in (await at_the_form(issuer, browser, login_hint="dora")).text


async def test_a_closed_realm_neither_serves_nor_offers_it(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await browser.get(authorize_url(issuer, prompt="create"), follow=False)
    assert page.answer["error"] == "invalid_request"
    page = await browser.get(authorize_url(issuer))
    assert "account-create" not in page.text
    handle = page.url.partition("interaction=")[2]
    assert not (await browser.get(f"sign-up?interaction={handle}")).has("signup-submit")
    document = await issuer.send(".well-known/openid-configuration", method="GET")
    assert "create" not in document.json["prompt_values_supported"]


async def test_discovery_says_that_it_is_served(issuer: Issuer) -> None:
    await open_realm(issuer)
    document = await issuer.send(".well-known/openid-configuration", method="GET")
    assert "create" in document.json["prompt_values_supported"]


async def test_it_does_not_go_with_none(issuer: Issuer) -> None:
    browser = await open_realm(issuer)
    page = await browser.get(authorize_url(issuer, prompt="none create"), follow=False)
    assert page.answer["error"] == "invalid_request"


WRONG: list[dict[str, Any]] = [
    {"username": ""},
    {"username": "do"},
    {"username": "dora day"},
    {"username": "dörte"},
    {"username": "d" * 65},
    {"email": "dora"},
    {"email": "dora@localhost"},
    {"name": "D" * 129},
    {"password": "short of fifteen"[:14]},
    {"password": "a" * 20},
    {"password": "x" * 1025},
    {"username": "doraofthewater", "password": "doraofthewater1"},
]


@pytest.mark.parametrize("changes", WRONG, ids=range(len(WRONG)))
async def test_what_cannot_be_chosen_is_said_and_nothing_typed_is_lost(issuer: Issuer, changes: dict[str, str]) -> None:
    browser = await open_realm(issuer)
    page = await send(issuer, browser, **(NEW | changes))
    assert page.status == 200
    assert 'role="alert"' in page.text
    assert page.has("signup-submit")
    if "email" not in changes:
        assert "dora@acme.test" in page.text
    assert NEW["password"] not in page.text
    assert await issuer.store.read(account_by_username("acme", "dora", issuer.now)) is None


async def test_a_taken_name_is_said_and_the_account_is_not_touched(issuer: Issuer) -> None:
    browser = await open_realm(issuer)
    page = await send(issuer, browser, **(NEW | {"username": "alice"}))
    assert "Somebody has this user name" in page.text
    page = await browser.get(authorize_url(issuer))
    assert (await sign_in(browser, page, "alice", PASSWORD)).has("consent-allow")


@pytest.mark.attack("U1")
async def test_accounts_from_one_address_are_bounded(issuer: Issuer) -> None:
    browser = await open_realm(issuer)
    statuses = []
    for number in range(13):
        page = await send(issuer, browser, **(NEW | {"username": "alice", "name": f"N{number}"}))
        statuses.append(page.status)
    assert statuses[:10] == [200] * 10
    assert statuses[-1] == 429


@pytest.mark.attack("C5")
async def test_the_form_of_one_browser_is_nothing_in_another(issuer: Issuer) -> None:
    browser = await open_realm(issuer)
    page = await at_the_form(issuer, browser)
    handle = page.url.partition("interaction=")[2]
    page = await browser_for(issuer).post("sign-up", {"interaction": handle, **NEW})
    assert await issuer.store.read(account_by_username("acme", "dora", issuer.now)) is None
