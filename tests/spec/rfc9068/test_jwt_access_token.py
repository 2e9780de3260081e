"""JWT access tokens, as resource servers will read them."""

from __future__ import annotations

import base64
import json

import pytest

from tests.market import CATALOG, Market


@pytest.mark.spec("RFC 9068 section 2.1")
async def test_the_header_names_type_key_and_algorithm(market: Market) -> None:
    token = (await market.tokens("jwtweb", scopes=("catalog:read",)))["access_token"]
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    keys = await market.issuer.cx.keys.published("acme", market.issuer.now)
    assert header == {"alg": "ES256", "kid": keys[0].kid, "typ": "at+jwt"}


@pytest.mark.spec("RFC 9068 section 2.2")
async def test_it_carries_every_required_claim(market: Market) -> None:
    document = await market.tokens("jwtweb", scopes=("catalog:read",))
    claims = await market.claims(document["access_token"])
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= set(claims)
    assert claims["aud"] == CATALOG
    assert (claims["exp"] - claims["iat"], claims["scope"]) == (300, "catalog:read")


@pytest.mark.spec("RFC 9068 section 2.2.1")
async def test_it_tells_how_the_person_signed_in(market: Market) -> None:
    claims = await market.claims((await market.tokens("jwtweb", scopes=("catalog:read",)))["access_token"])
    assert (claims["acr"], claims["amr"], claims["auth_time"]) == ("1", ["pwd"], market.issuer.now)


@pytest.mark.spec("RFC 9068 section 3")
async def test_with_openid_the_issuer_is_an_audience_too(market: Market) -> None:
    token = (await market.tokens("jwtweb", scopes=("openid", "catalog:read")))["access_token"]
    assert (await market.claims(token))["aud"] == [CATALOG, market.issuer.url]
    assert (await market.userinfo(token)).status == 200


@pytest.mark.spec("RFC 9068 section 5")
async def test_two_tokens_of_one_second_differ_in_jti(market: Market) -> None:
    tokens = [(await market.tokens("jwtweb", scopes=("catalog:read",)))["access_token"] for _ in range(3)]
    assert len({(await market.claims(token))["jti"] for token in tokens}) == 3
