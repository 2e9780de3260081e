"""The claims parameter: read, bounded, carried to what the code buys; and the subject it may name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from keystead.oauth.interactions import find_interaction
from tests.client_requests import jwks, push_object, signed_request
from tests.issuer import Issuer
from tests.shop import authorize_url, browser_for, offered, open_shop, reach_code, sign_in

pytestmark = pytest.mark.spec("OpenID Connect Core 1.0 section 5.5")


def text(**members: Any) -> str:
    """Return a claims parameter."""
    return msgspec.json.encode(members).decode()


async def test_what_is_understood_is_carried_to_the_code(issuer: Issuer) -> None:
    await open_shop(issuer)
    claims = text(
        userinfo={"name": {"essential": True}, "email": None, "nickname": {"purpose": "unknown members are ignored"}},
        id_token={"auth_time": {"essential": True}, "locale": {"value": "en"}, "acr": {"values": ["1", "2"]}},
        verified_claims={"unknown": "members are ignored"},
    )
    page = await reach_code(browser_for(issuer), authorize_url(issuer, claims=claims))
    assert (await offered(issuer, page.answer["code"])).claims == {
        "userinfo": {"name": {"essential": True}, "email": None, "nickname": {}},
        "id_token": {"auth_time": {"essential": True}, "locale": {"value": "en"}, "acr": {"values": ["1", "2"]}},
    }


async def test_in_a_request_object_it_is_an_object(issuer: Issuer) -> None:
    await open_shop(issuer, jwks=jwks())
    assert (await push_object(issuer, signed_request(issuer, claims={"userinfo": {"name": None}}))).status == 201
    assert (await push_object(issuer, signed_request(issuer, claims={"userinfo": 7}))).error == "invalid_request"


MALFORMED = [
    "{",
    "[]",
    "null",
    "7",
    '{"userinfo":[]}',
    '{"userinfo":{"name":true}}',
    '{"userinfo":{"name":{"essential":"yes"}}}',
    '{"userinfo":{"name":{"values":"x"}}}',
    '{"userinfo":{"name":{"values":[]}}}',
    '{"id_token":{"sub":{"value":7}}}',
    '{"id_token":{"sub":{"value":""}}}',
    '{"id_token":{"sub":null,"sub":null}}',
    text(userinfo={f"claim-{number}": None for number in range(65)}),
    text(userinfo={"x" * 256: None}),
    text(userinfo={"name": {"value": "x" * 9000}}),
    '{"userinfo":' * 9 + "{}" + "}" * 9,
]


@pytest.mark.attack("J7")
@pytest.mark.parametrize("claims", MALFORMED, ids=lambda value: value[:40])
async def test_a_malformed_one_is_refused(issuer: Issuer, claims: str) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(authorize_url(issuer, claims=claims), follow=False)
    assert page.answer["error"] == "invalid_request"


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.5.1")
async def test_only_the_named_subject_may_answer(issuer: Issuer) -> None:
    await open_shop(issuer)
    for_bob = authorize_url(issuer, claims=text(id_token={"sub": {"value": "usr_bob"}}))
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    page = await browser.get(for_bob + "&prompt=none", follow=False)
    assert page.answer["error"] == "login_required"
    page = await sign_in(browser, await browser.get(for_bob), "alice")
    assert page.answer["error"] == "login_required"
    page = await sign_in(browser, await browser.get(for_bob), "bob")
    assert page.has("consent-allow")


async def test_discovery_says_that_it_is_served(issuer: Issuer) -> None:
    await open_shop(issuer)
    document = (await issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["claims_parameter_supported"] is True


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.1")
async def test_ui_locales_are_carried_to_the_pages_and_nonsense_among_them_is_left_out(issuer: Issuer) -> None:
    await open_shop(issuer)
    wanted = "fr-CA de <script> x " + " ".join(["en"] * 20)
    page = await browser_for(issuer).get(authorize_url(issuer, ui_locales=wanted))
    handle = page.form_with("login-submit").fields["interaction"]
    waiting = await issuer.store.read(find_interaction(issuer.cx.sealer, "acme", handle, issuer.now))
    assert waiting is not None
    assert waiting.ui_locales[:3] == ("fr-CA", "de", "en")
    assert len(waiting.ui_locales) == 10
