"""Step-up: who wants more than the session has gets a fresh sign-in, or the right error."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from keystead.core.records.client import Client
from keystead.core.records.session import Session
from keystead.storage.ports import find
from tests.harness.browser import Browser
from tests.issuer import Issuer
from tests.shop import authorize_url, browser_for, offered, open_shop, reach_code, sign_in


def essential_acr(*values: str) -> str:
    """Return a `claims` parameter that demands one of these levels."""
    wish: dict[str, Any] = {"essential": True, "values": list(values)} if values else {"essential": True}
    return msgspec.json.encode({"id_token": {"acr": wish}}).decode()


async def weakly_signed_in(issuer: Issuer) -> Browser:
    """Return a browser whose session rests on no evidence, as if a weaker step had made it."""
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    for session in await issuer.store.read(find(Session, "acme", issuer.now)):
        await issuer.change(Session, session.id, evidence=())
    issuer.later(5)
    return browser


@pytest.mark.spec("RFC 9470 section 4")
async def test_a_higher_level_than_the_session_has_asks_the_person_again(issuer: Issuer) -> None:
    browser = await weakly_signed_in(issuer)
    page = await browser.get(authorize_url(issuer), follow=False)
    assert (await offered(issuer, page.answer["code"])).acr == "0"
    page = await browser.get(authorize_url(issuer, acr_values="1"))
    assert page.has("login-submit")
    page = await sign_in(browser, page)
    assert (await offered(issuer, page.answer["code"])).acr == "1"
    page = await browser.get(authorize_url(issuer, acr_values="1"), follow=False)
    assert page.answer["code"], "the session has it now"


@pytest.mark.spec("RFC 9470 section 4")
async def test_the_clients_default_levels_count_where_it_names_none(issuer: Issuer) -> None:
    browser = await weakly_signed_in(issuer)
    await issuer.change(Client, "shop", default_acr_values=("1",))
    assert (await browser.get(authorize_url(issuer))).has("login-submit")
    page = await browser.get(authorize_url(issuer, acr_values="0"), follow=False)
    assert page.answer["code"]


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.1")
async def test_no_page_is_shown_where_none_is_wanted(issuer: Issuer) -> None:
    browser = await weakly_signed_in(issuer)
    page = await browser.get(authorize_url(issuer, acr_values="1", prompt="none"), follow=False)
    assert page.answer["error"] == "login_required"


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.1")
@pytest.mark.parametrize("levels", ["0 1", "1", "urn:gold 1", "urn:gold", "2 3"])
async def test_a_wish_that_cannot_be_met_is_no_error_and_the_real_level_is_told(issuer: Issuer, levels: str) -> None:
    await open_shop(issuer)
    page = await reach_code(browser_for(issuer), authorize_url(issuer, acr_values=levels))
    assert (await offered(issuer, page.answer["code"])).acr == "1"


@pytest.mark.spec("OpenID Connect Core Error Code unmet_authentication_requirements 1.0 section 2")
@pytest.mark.spec("RFC 9470 section 5")
async def test_a_condition_that_cannot_be_met_is_one(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await browser.get(authorize_url(issuer, claims=essential_acr("urn:gold")), follow=False)
    assert page.answer["error"] == "unmet_authentication_requirements"
    assert page.answer["state"] == "state-1"


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.5.1.1")
async def test_an_essential_level_that_can_be_met_is_met(issuer: Issuer) -> None:
    browser = await weakly_signed_in(issuer)
    page = await browser.get(authorize_url(issuer, claims=essential_acr("urn:gold", "1")))
    assert page.has("login-submit")
    page = await sign_in(browser, page)
    assert (await offered(issuer, page.answer["code"])).acr == "1"


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.5.1.1")
async def test_the_level_told_is_one_that_was_asked_for(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await reach_code(browser_for(issuer), authorize_url(issuer, claims=essential_acr("0")))
    assert (await offered(issuer, page.answer["code"])).acr == "0"
    page = await reach_code(browser_for(issuer), authorize_url(issuer, claims=essential_acr()))
    assert (await offered(issuer, page.answer["code"])).acr == "1"


@pytest.mark.spec("OpenID Connect Discovery 1.0 section 3")
async def test_discovery_lists_the_levels(issuer: Issuer) -> None:
    await open_shop(issuer)
    document = (await issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["acr_values_supported"] == ["1", "2"]
