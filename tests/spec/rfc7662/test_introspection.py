"""Token introspection: what is told, and to whom."""

from __future__ import annotations

import pytest

from keystead.core.records.account import Account
from tests.issuer import SECRET
from tests.market import CATALOG, ORDERS, SCOPES, Market

INACTIVE = {"active": False}


@pytest.mark.spec("RFC 7662 section 2")
@pytest.mark.spec("RFC 7662 section 2.2")
async def test_the_client_of_a_token_is_told_everything(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    answer = await market.introspect(token)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json
    assert told["active"] is True
    assert told["iss"] == market.issuer.url
    assert told["sub"] == market.account.id
    assert told["client_id"] == "web"
    assert told["scope"] == " ".join(SCOPES)
    assert told["token_type"] == "Bearer"
    assert told["exp"] == market.issuer.now + 300
    assert told["aud"] == [CATALOG, ORDERS, "https://inventory.test", market.issuer.url]
    assert told["acr"] == "1"
    assert told["roles"] == ["customer"]


@pytest.mark.spec("RFC 7662 section 2.2")
async def test_a_service_of_the_audience_is_told_its_part(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    told = (await market.introspect(token, "catalog")).json
    assert (told["active"], told["aud"], told["scope"]) == (True, CATALOG, "catalog:read")
    told = (await market.introspect(token, "auditor")).json
    assert (told["active"], told["aud"], told["scope"]) == (True, ORDERS, "orders:read orders:write")


@pytest.mark.spec("RFC 7662 section 4")
@pytest.mark.attack("G6")
async def test_everybody_else_is_told_nothing(market: Market) -> None:
    tokens = await market.tokens(scopes=("openid", "catalog:read"))
    for client in ("other", "orders", "auditor", "batch"):
        assert (await market.introspect(tokens["access_token"], client)).json == INACTIVE
        assert (await market.introspect(tokens["refresh_token"], client)).json == INACTIVE


@pytest.mark.spec("RFC 7662 section 2.1")
@pytest.mark.attack("G6")
async def test_the_caller_must_authenticate_and_a_public_client_cannot(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    for form in ({"token": token}, {"token": token, "client_id": "spa"}, {"token": token, "client_id": "web"}):
        answer = await market.issuer.post("introspect", form)
        assert (answer.status, answer.error) == (401, "invalid_client")


@pytest.mark.spec("RFC 7662 section 2.2")
@pytest.mark.parametrize("token", ["nonsense", "ksa_", "ksa_AAAA", "ksr_AAAA", "ksc_AAAA", "a.b.c", "é"])
async def test_what_is_no_token_is_inactive(market: Market, token: str) -> None:
    assert (await market.introspect(token)).json == INACTIVE


@pytest.mark.spec("RFC 7662 section 2.2")
async def test_an_expired_token_is_inactive(market: Market) -> None:
    tokens = await market.tokens("trusted")
    market.issuer.later(300)
    assert (await market.introspect(tokens["access_token"], "trusted")).json == INACTIVE
    assert market.issuer.journal.reason == "access_token.expired"


@pytest.mark.spec("RFC 7662 section 2.2")
async def test_a_refresh_token_is_known_to_its_client_while_it_is_the_live_one(market: Market) -> None:
    first = (await market.tokens())["refresh_token"]
    told = (await market.introspect(first)).json
    assert (told["active"], told["client_id"], told["sub"]) == (True, "web", market.account.id)
    second = (await market.refresh(first)).json["refresh_token"]
    assert (await market.introspect(first)).json == INACTIVE
    assert (await market.introspect(second)).json["active"] is True


@pytest.mark.spec("RFC 7662 section 2.2")
async def test_a_jwt_is_introspected_like_any_other(market: Market) -> None:
    token = (await market.tokens("jwtweb", scopes=("catalog:read",)))["access_token"]
    assert (await market.introspect(token, "jwtweb")).json["active"] is True
    assert (await market.introspect(token, "catalog")).json["active"] is True
    await market.issuer.change(Account, market.account.id, enabled=False)
    assert (await market.introspect(token, "catalog")).json == INACTIVE


@pytest.mark.spec("RFC 7662 section 2.1")
async def test_a_wrong_secret_is_refused(market: Market) -> None:
    answer = await market.issuer.post("introspect", {"token": "x"}, basic=("web", SECRET + "x"))
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="keystead", charset="UTF-8"')
