"""What a client is told about a person: by scope, and by the `claims` parameter."""

from __future__ import annotations

from typing import Any, Final

import pytest

from keystead.core.person_claims import SCOPE_CLAIMS, problem_with
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.consent import Consent, consent_id
from tests.issuer import Issuer
from tests.market import Market
from tests.relying_party import RelyingParty, somebody, suite_client

ADDRESS: Final = {"street_address": "1 Rabbit Hole", "locality": "Oxford", "country": "England"}
CLAIMS: Final[dict[str, Any]] = {
    "middle_name": "Pleasance",
    "nickname": "Al",
    "profile": "https://alice.test/",
    "picture": "https://alice.test/face.png",
    "website": "https://alice.test/site",
    "gender": "female",
    "birthdate": "0000-05-04",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "phone_number": "+44 1865 1",
    "phone_number_verified": True,
    "address": ADDRESS,
    "name#ja-Hani-JP": "愛麗絲",
    "salary": 7,
}
ALL: Final = ("openid", "profile", "email", "address", "phone")


@pytest.fixture
async def told(market: Market) -> Market:
    """The market, its person having every claim there is, and a client that may ask for all."""
    account = {"claims": CLAIMS, "username": "alice", "family_name": "Liddell", "updated_at": market.issuer.now - 60}
    await market.issuer.change(Account, market.account.id, **account)
    await market.issuer.change(Client, "web", scope=" ".join(ALL))
    await market.issuer.change(Consent, consent_id(market.account.id, "web"), scopes=ALL)
    return market


async def told_by(market: Market, scopes: tuple[str, ...], **request: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the ID token and userinfo say."""
    tokens = await market.tokens(scopes=scopes, **request)
    answer = await market.userinfo(tokens["access_token"])
    assert answer.status == 200
    return await market.verified(tokens["id_token"], "jwt"), answer.json


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.4")
@pytest.mark.parametrize("scope", ["profile", "email", "address", "phone"])
async def test_each_scope_opens_all_its_claims_and_no_others(told: Market, scope: str) -> None:
    id_token, userinfo = await told_by(told, ("openid", scope))
    translated = {"name#ja-Hani-JP"} if scope == "profile" else set()
    assert set(userinfo) == {"sub", *SCOPE_CLAIMS[scope], *translated}
    assert not set(id_token) & set(SCOPE_CLAIMS[scope])


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.1")
@pytest.mark.spec("OpenID Connect Core 1.0 section 5.1.1")
async def test_the_claims_have_their_types(told: Market) -> None:
    _, userinfo = await told_by(told, ALL)
    assert userinfo["address"] == ADDRESS
    assert userinfo["updated_at"] == told.issuer.now - 60
    assert (userinfo["email_verified"], userinfo["phone_number_verified"]) == (True, True)
    assert "salary" not in userinfo
    for name, value in userinfo.items():
        if name not in ("sub", "email", "email_verified", "preferred_username"):
            assert problem_with(name, value) == ""


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.5")
@pytest.mark.spec("OpenID Connect Core 1.0 section 5.5.1")
async def test_claims_asked_for_by_name_go_where_they_were_asked_for(told: Market) -> None:
    asked = {
        "userinfo": {"name": {"essential": True}, "phone_number": None, "unknown": {"essential": True}},
        "id_token": {"email": None, "locale": {"value": "en-GB"}, "sub": {"value": told.account.id}},
    }
    id_token, userinfo = await told_by(told, ("openid",), claims=asked)
    assert userinfo == {"sub": told.account.id, "name": "Alice Liddell", "phone_number": "+44 1865 1"}
    assert (id_token["email"], id_token["locale"], id_token["sub"]) == ("alice@acme.test", "en-GB", told.account.id)
    assert "name" not in id_token


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.5.1")
async def test_a_claim_of_another_value_is_left_out(told: Market) -> None:
    asked = {"userinfo": {"locale": {"value": "de"}, "gender": {"values": ["male"]}, "zoneinfo": {"values": ["UTC"]}}}
    _, userinfo = await told_by(told, ("openid",), claims=asked)
    assert set(userinfo) == {"sub"}
    asked = {"userinfo": {"locale": {"value": "en-GB"}, "gender": {"values": ["male", "female"]}}}
    _, userinfo = await told_by(told, ("openid",), claims=asked)
    assert set(userinfo) == {"sub", "locale", "gender"}


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.2")
async def test_a_translation_is_asked_for_by_its_tag(told: Market) -> None:
    _, userinfo = await told_by(told, ("openid",), claims={"userinfo": {"name#ja-Hani-JP": None, "name#fr": None}})
    assert userinfo == {"sub": told.account.id, "name#ja-Hani-JP": "愛麗絲"}


@pytest.mark.attack("C7")
async def test_the_parameter_does_not_widen_what_the_client_is_registered_for(told: Market) -> None:
    await told.issuer.change(Client, "web", scope="openid profile")
    asked = {"userinfo": {"email": {"essential": True}, "name": None}, "id_token": {"email": {"essential": True}}}
    id_token, userinfo = await told_by(told, ("openid",), claims=asked)
    assert set(userinfo) == {"sub", "name"}
    assert "email" not in id_token


@pytest.mark.attack("C7")
@pytest.mark.parametrize("name", ["iss", "aud", "exp", "sub", "nonce", "salary", "password_hash", "roles"])
async def test_nothing_but_standard_claims_can_be_asked_for(told: Market, name: str) -> None:
    await told.issuer.change(Account, told.account.id, claims=CLAIMS | {name: "evil"})
    id_token, userinfo = await told_by(
        told, ("openid", "profile"), claims={"id_token": {name: None}, "userinfo": {name: None}}
    )
    assert "evil" not in (id_token.get(name), userinfo.get(name))


@pytest.mark.spec("OpenID Connect Core 1.0 section 12.2")
async def test_a_refreshed_id_token_says_the_same(told: Market) -> None:
    tokens = await told.tokens(scopes=("openid",), claims={"id_token": {"email": None}}, nonce="n-1")
    first = await told.verified(tokens["id_token"], "jwt")
    told.issuer.later(7)
    second = await told.verified((await told.refresh(tokens["refresh_token"])).json["id_token"], "jwt")
    changed = {"iat", "exp", "at_hash"}
    assert {name for name in first if first[name] != second.get(name)} == changed | {"nonce"}
    assert second["iat"] == first["iat"] + 7


@pytest.mark.parametrize(
    ("name", "value", "fine"),
    [
        ("birthdate", "1990-02-03", True),
        ("birthdate", "03.02.1990", False),
        ("picture", "face.png", False),
        ("phone_number_verified", "yes", False),
        ("updated_at", True, False),
        ("address", {"street": "x"}, False),
        ("address", {"locality": ""}, False),
        ("name#ja", "x", True),
        ("name#", "x", True),
        ("name#j a", "x", False),
        ("email", "x@y", False),
        ("nickname", "", False),
        ("favourite_colour", [1, 2], True),
    ],
)
def test_what_operators_write_is_checked(name: str, value: object, fine: bool) -> None:
    assert (problem_with(name, value) == "") is fine


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.4")
@pytest.mark.attack("C7")
async def test_the_person_is_asked_about_claims_asked_for_by_name(issuer: Issuer) -> None:
    """Whoever allowed `openid` alone did not allow their name, however the client asks for it."""
    await issuer.set_up(suite_client(skip_consent=False), somebody())
    party = RelyingParty(issuer)
    await party.flow()
    wanted = '{"userinfo": {"name": {"essential": true}}, "id_token": {"email": null}}'
    assert party.answer_on(await party.ask(claims=wanted, prompt="none"))["error"] == "consent_required"
    page = await party.ask(claims=wanted)
    assert page.has("consent-allow")
    assert "See your name" in page.text
    assert "See your email address" in page.text
    tokens = (await party.redeem(party.answer_on(await party.finish(page))["code"])).json
    assert tokens["scope"] == "openid", "the scopes behind the claims are consented to, not granted"
    assert (await party.userinfo(tokens["access_token"])).json == {"sub": "usr_alice", "name": "Alice Liddell"}
    assert "code" in party.answer_on(await party.ask(claims=wanted, prompt="none")), "and remembered"
