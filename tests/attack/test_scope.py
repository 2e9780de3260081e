"""More scope than is due, in every grant (G2), and tokens for another resource than was agreed (G7)."""

from __future__ import annotations

import pytest

from keystead.core.records.api import Api
from tests.market import CATALOG, CLOSED, INVENTORY, ORDERS, Market

GREEDY = (
    "closed:all",
    "catalog:read closed:all",
    "unheard-of",
    "*",
    "CATALOG:READ",
    "catalog:read\tclosed:all",
    "catalog:read,closed:all",
    " catalog:read",
    "catalog:read ",
    'catalog:read"',
    "catalog:read\\",
    "catalog:réad",
)


@pytest.mark.attack("G2")
@pytest.mark.parametrize("scope", GREEDY)
async def test_no_grant_gives_a_scope_that_is_not_the_clients(market: Market, scope: str) -> None:
    tokens = await market.tokens()
    for answer in (
        await market.issuer.token("client_credentials", client="batch", scope=scope),
        await market.refresh(tokens["refresh_token"], scope=scope),
        await market.exchange(tokens["access_token"], CATALOG, scope=scope),
    ):
        assert (answer.status, answer.error) == (400, "invalid_scope")
    assert (await market.refresh(tokens["refresh_token"])).status == 200


@pytest.mark.attack("G2")
async def test_a_code_gives_what_was_agreed_whatever_is_asked(market: Market) -> None:
    code = await market.code(scopes=("openid", "catalog:read"))
    answer = await market.issuer.redeem(code, scope="openid catalog:read orders:read")
    assert answer.json["scope"] == "openid catalog:read"


@pytest.mark.attack("G2")
async def test_a_client_never_asks_for_what_only_a_person_can_give(market: Market) -> None:
    for scope in ("openid", "profile", "email", "offline_access"):
        answer = await market.issuer.token("client_credentials", client="batch", scope=scope)
        assert answer.error == "invalid_scope"


@pytest.mark.attack("G2")
async def test_a_scope_two_apis_share_is_for_both_unless_one_is_named(market: Market) -> None:
    await market.issuer.keep(Api(realm="acme", id="https://twin.test", scopes=("catalog:read",)))
    both = await market.introspect((await market.tokens(scopes=("catalog:read",)))["access_token"])
    assert set(both.json["aud"]) == {CATALOG, "https://twin.test"}
    one = await market.introspect((await market.tokens(scopes=("catalog:read",), resources=(CATALOG,)))["access_token"])
    assert one.json["aud"] == CATALOG


@pytest.mark.attack("G7")
@pytest.mark.parametrize("resource", [ORDERS, INVENTORY, CLOSED, "https://nowhere.test", CATALOG + "/", "catalog", "x"])
async def test_a_code_for_one_resource_buys_nothing_for_another(market: Market, resource: str) -> None:
    code = await market.code(resources=(CATALOG,))
    assert (await market.issuer.redeem(code, resource=resource)).error == "invalid_target"
    assert (await market.issuer.redeem(code, resource=[CATALOG, resource])).error == "invalid_target"
    tokens = (await market.issuer.redeem(code)).json
    assert (await market.refresh(tokens["refresh_token"], resource=resource)).error == "invalid_target"
    told = (await market.introspect(tokens["access_token"])).json
    assert (told["aud"], told["scope"]) == (CATALOG, "catalog:read")


@pytest.mark.attack("G7")
async def test_a_resource_needs_a_scope_of_its_own(market: Market) -> None:
    """No token for an API of which nothing was agreed: services that only look at the audience would take it."""
    code = await market.code(scopes=("openid", "catalog:read"))
    assert (await market.issuer.redeem(code, resource=ORDERS)).error == "invalid_target"
