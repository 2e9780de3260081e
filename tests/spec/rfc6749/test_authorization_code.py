"""The authorization code grant at the token endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.records.client import Client
from tests.issuer import VERIFIER
from tests.market import CATALOG, INVENTORY, ORDERS, SCOPES, Market


@pytest.mark.spec("RFC 6749 section 4.1.4")
@pytest.mark.spec("RFC 6749 section 5.1")
async def test_a_code_buys_tokens(market: Market) -> None:
    answer = await market.issuer.redeem(await market.code(nonce="n-1"))
    assert answer.status == 200
    document = answer.json
    assert document["access_token"].startswith("ksa_")
    assert document["refresh_token"].startswith("ksr_")
    assert document["token_type"] == "Bearer"
    assert document["scope"] == " ".join(SCOPES)
    assert answer.headers["cache-control"] == "no-store"
    assert await market.active(document["access_token"])


@pytest.mark.spec("RFC 6749 section 4.1.2")
async def test_without_the_refresh_grant_there_is_no_refresh_token(market: Market) -> None:
    await market.issuer.change(Client, "web", grant_types=("authorization_code",))
    document = await market.tokens()
    assert "refresh_token" not in document
    assert await market.active(document["access_token"])


@pytest.mark.spec("RFC 6749 section 2.1")
@pytest.mark.spec("RFC 6749 section 3.2.1")
async def test_a_public_client_redeems_with_pkce_alone(market: Market) -> None:
    code = await market.code("spa")
    form = {
        "grant_type": "authorization_code",
        "client_id": "spa",
        "code": code,
        "redirect_uri": "https://app.test/cb",
        "code_verifier": VERIFIER,
    }
    answer = await market.issuer.post("token", form)
    assert answer.status == 200, answer.body


@pytest.mark.spec("RFC 6749 section 4.1.3")
@pytest.mark.spec("RFC 6749 section 5.2")
@pytest.mark.parametrize(
    ("missing", "error"),
    [("code", "invalid_request"), ("redirect_uri", "invalid_request"), ("code_verifier", "invalid_grant")],
)
async def test_every_parameter_is_needed(market: Market, missing: str, error: str) -> None:
    form = {"code": await market.code(), "redirect_uri": "https://app.test/cb", "code_verifier": VERIFIER}
    del form[missing]
    answer = await market.issuer.token("authorization_code", **form)
    assert (answer.status, answer.error) == (400, error)
    assert missing in answer.json["error_description"]


@pytest.mark.spec("RFC 6749 section 4.1.2")
async def test_an_expired_code_buys_nothing(market: Market) -> None:
    code = await market.code()
    market.issuer.later(60)
    answer = await market.issuer.redeem(code)
    assert (answer.status, answer.error) == (400, "invalid_grant")
    assert market.issuer.journal.reason == "authorization_code.expired"


@pytest.mark.spec("RFC 8707 section 2.2")
@pytest.mark.parametrize(
    ("resources", "asked", "scope"),
    [
        ((CATALOG,), (), "catalog:read"),
        ((CATALOG, ORDERS), (ORDERS,), "orders:read orders:write"),
        ((), (INVENTORY,), "inventory:reserve"),
    ],
)
async def test_a_resource_narrows_audience_and_scope(
    market: Market, resources: tuple[str, ...], asked: tuple[str, ...], scope: str
) -> None:
    code = await market.code("jwtweb", resources=resources)
    form: dict[str, Any] = {"resource": list(asked)} if asked else {}
    answer = await market.issuer.redeem(code, client="jwtweb", **form)
    assert answer.status == 200, answer.body
    claims = await market.claims(answer.json["access_token"])
    assert (claims["aud"], claims["scope"]) == ((asked or resources)[0], scope)


@pytest.mark.spec("RFC 8707 section 2.2")
@pytest.mark.attack("G7")
async def test_a_resource_beyond_the_authorization_is_refused_and_the_code_lives(market: Market) -> None:
    code = await market.code(resources=(CATALOG,))
    answer = await market.issuer.redeem(code, resource=ORDERS)
    assert (answer.status, answer.error) == (400, "invalid_target")
    assert (await market.issuer.redeem(code, resource=CATALOG)).status == 200


async def test_a_scope_the_person_has_no_role_for_is_left_out(market: Market) -> None:
    document = await market.tokens(scopes=("openid", "catalog:read", "catalog:write"))
    assert document["scope"] == "openid catalog:read"
