"""The introspection reply as a signed JWT: the phantom token."""

from __future__ import annotations

import pytest

from tests.market import CATALOG, Market

ACCEPT = ((b"accept", b"application/token-introspection+jwt"),)


@pytest.mark.spec("RFC 9701 section 5")
async def test_the_reply_is_signed_for_the_caller(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    answer = await market.introspect(token, "catalog", headers=ACCEPT)
    assert answer.headers["content-type"] == "application/token-introspection+jwt"
    assert answer.headers["cache-control"] == "no-store"
    claims = await market.verified(answer.body.decode(), "token-introspection+jwt")
    assert set(claims) == {"iss", "aud", "iat", "token_introspection"}
    assert (claims["iss"], claims["aud"], claims["iat"]) == (market.issuer.url, "catalog", market.issuer.now)
    told = claims["token_introspection"]
    assert (told["active"], told["aud"], told["sub"]) == (True, CATALOG, market.account.id)


@pytest.mark.spec("RFC 9701 section 5")
@pytest.mark.attack("G6")
async def test_an_inactive_reply_is_signed_too_and_says_nothing_more(market: Market) -> None:
    answer = await market.introspect("ksa_nonsense", "catalog", headers=ACCEPT)
    claims = await market.verified(answer.body.decode(), "token-introspection+jwt")
    assert claims["token_introspection"] == {"active": False}


@pytest.mark.spec("RFC 9701 section 4")
@pytest.mark.parametrize("accept", [b"*/*", b"application/json", b"application/*", b""])
async def test_json_is_the_default(market: Market, accept: bytes) -> None:
    answer = await market.introspect("ksa_nonsense", headers=((b"accept", accept),))
    assert answer.json == {"active": False}


@pytest.mark.spec("RFC 9701 section 8.1")
@pytest.mark.attack("J10")
async def test_a_signed_reply_is_no_access_token(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    phantom = (await market.introspect(token, "catalog", headers=ACCEPT)).body.decode()
    assert (await market.userinfo(phantom)).status == 401
    assert (await market.introspect(phantom, "catalog")).json == {"active": False}
    assert (await market.exchange(phantom, CATALOG)).error == "invalid_grant"
