"""The refresh token grant: narrower or the same, never wider; and two ends, idle and absolute."""

from __future__ import annotations

import pytest

from keystead.core.records.client import Client
from tests.market import CATALOG, ORDERS, SCOPES, Market


@pytest.mark.spec("RFC 6749 section 6")
async def test_a_refresh_token_buys_the_next_one(market: Market) -> None:
    first = await market.tokens()
    answer = await market.refresh(first["refresh_token"])
    assert answer.status == 200
    second = answer.json
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == " ".join(SCOPES)
    assert await market.active(second["access_token"])
    assert (await market.refresh(second["refresh_token"])).status == 200


@pytest.mark.spec("RFC 6749 section 6")
async def test_a_refresh_may_narrow_and_the_grant_stays_whole(market: Market) -> None:
    first = await market.tokens()
    narrow = (await market.refresh(first["refresh_token"], scope="catalog:read")).json
    assert narrow["scope"] == "catalog:read"
    whole = (await market.refresh(narrow["refresh_token"])).json
    assert whole["scope"] == " ".join(SCOPES)


@pytest.mark.spec("RFC 6749 section 6")
@pytest.mark.attack("G2")
async def test_a_refresh_never_widens_and_spends_nothing(market: Market) -> None:
    first = await market.tokens(scopes=("openid", "catalog:read"))
    answer = await market.refresh(first["refresh_token"], scope="catalog:read orders:read")
    assert (answer.status, answer.error) == (400, "invalid_scope")
    assert (await market.refresh(first["refresh_token"])).status == 200


@pytest.mark.spec("RFC 8707 section 2.2")
@pytest.mark.attack("G7")
async def test_a_refresh_stays_within_the_resources_of_the_grant(market: Market) -> None:
    first = await market.tokens(resources=(CATALOG,))
    answer = await market.refresh(first["refresh_token"], resource=ORDERS)
    assert (answer.status, answer.error) == (400, "invalid_target")
    assert (await market.refresh(first["refresh_token"], resource=CATALOG)).json["scope"] == "catalog:read"


@pytest.mark.spec("RFC 9700 section 4.14.2")
async def test_an_unused_family_ends_after_its_idle_lifetime(market: Market) -> None:
    first = await market.tokens("trusted", scopes=("openid", "offline_access"))
    market.issuer.later(7 * 86_400 - 1)
    second = await market.refresh(first["refresh_token"], "trusted")
    assert second.status == 200
    market.issuer.later(7 * 86_400)
    assert (await market.refresh(second.json["refresh_token"], "trusted")).error == "invalid_grant"


@pytest.mark.spec("RFC 9700 section 4.14.2")
async def test_a_used_family_ends_after_its_absolute_lifetime(market: Market) -> None:
    token = (await market.tokens("trusted", scopes=("openid", "offline_access")))["refresh_token"]
    for _ in range(4):
        market.issuer.later(6 * 86_400)
        answer = await market.refresh(token, "trusted")
        assert answer.status == 200
        token = answer.json["refresh_token"]
    market.issuer.later(6 * 86_400)
    assert (await market.refresh(token, "trusted")).error == "invalid_grant"


@pytest.mark.spec("OpenID Connect Core 1.0 section 12")
@pytest.mark.spec("OpenID Connect Core 1.0 section 12.2")
async def test_the_id_token_of_a_refresh_keeps_who_and_when(market: Market) -> None:
    first = await market.tokens(nonce="n-1")
    market.issuer.later(100)
    second = (await market.refresh(first["refresh_token"])).json
    before = await market.verified(first["id_token"], "jwt")
    after = await market.verified(second["id_token"], "jwt")
    assert {name: after[name] for name in ("iss", "sub", "aud", "auth_time", "sid")} == {
        name: before[name] for name in ("iss", "sub", "aud", "auth_time", "sid")
    }
    assert after["iat"] == before["iat"] + 100
    assert "nonce" not in after


async def test_what_the_client_may_no_longer_ask_for_is_left_out(market: Market) -> None:
    first = await market.tokens()
    await market.issuer.change(Client, "web", scope="openid catalog:read")
    assert (await market.refresh(first["refresh_token"])).json["scope"] == "openid catalog:read"
