"""ID tokens of the token endpoint."""

from __future__ import annotations

import base64
import hashlib

import pytest

from keystead.core.records.client import Client
from tests.market import Market


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.3")
@pytest.mark.spec("OpenID Connect Core 1.0 section 2")
@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.3.6")
async def test_it_says_who_signed_in_when_and_how(market: Market) -> None:
    tokens = await market.tokens(nonce="n" * 64)
    claims = await market.verified(tokens["id_token"], "jwt")
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()
    assert claims == {
        "iss": market.issuer.url,
        "sub": market.account.id,
        "aud": "web",
        "exp": market.issuer.now + 300,
        "iat": market.issuer.now,
        "auth_time": market.issuer.now,
        "nonce": "n" * 64,
        "acr": "1",
        "amr": ["pwd"],
        "sid": market.session.id,
        "at_hash": base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode(),
    }


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.2.1")
async def test_without_openid_there_is_none(market: Market) -> None:
    assert "id_token" not in await market.tokens(scopes=("catalog:read",))


@pytest.mark.spec("OpenID Connect Core 1.0 section 3.1.3.7")
@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "EdDSA"])
async def test_a_client_may_choose_the_algorithm(market: Market, algorithm: str) -> None:
    await market.issuer.change(Client, "web", id_token_signed_response_alg=algorithm)
    tokens = await market.tokens()
    claims = await market.verified(tokens["id_token"], "jwt")
    assert claims["aud"] == "web"
    hash_of = hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256
    digest = hash_of(tokens["access_token"].encode()).digest()
    half = digest[: len(digest) // 2]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    published = await market.issuer.send("jwks", method="GET")
    assert algorithm in {key.get("alg") for key in published.json["keys"]}
