"""Resource indicators: named at authorization, narrowed at the token endpoint, never widened."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.client_requests import jwks, push_object, pushed_url, signed_request
from tests.issuer import SECRET, Issuer
from tests.shop import CATALOG, ORDERS, authorize_url, browser_for, good_request, offered, open_shop, reach_code

SCOPES = "openid catalog:read orders:read"


def asking_for(issuer: Issuer, *resources: str, scope: str = SCOPES) -> str:
    """Return the URL of a request that names resources."""
    named = [("resource", resource) for resource in resources]
    return f"{issuer.url}/authorize?{urlencode([*good_request(scope=scope).items(), *named])}"


async def audience(issuer: Issuer, token: str) -> object:
    """Return whom a token is for."""
    return (await issuer.post("introspect", {"token": token}, basic=("shop", SECRET))).json["aud"]


@pytest.mark.spec("RFC 8707 section 2")
@pytest.mark.parametrize(
    "resource",
    ["https://unknown.test", f"{CATALOG}/", CATALOG.upper(), "catalog", f"{CATALOG}#part", "", " ", f"{CATALOG}?x"],
)
async def test_an_unknown_resource_is_refused(issuer: Issuer, resource: str) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(asking_for(issuer, resource), follow=False)
    assert ("error=invalid_target" in page.location) is bool(resource), "an empty parameter is no parameter"


@pytest.mark.spec("RFC 8707 section 2.1")
@pytest.mark.spec("RFC 8707 section 2.2")
@pytest.mark.attack("G7")
async def test_a_token_is_for_a_resource_that_was_granted(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await reach_code(browser_for(issuer), asking_for(issuer, CATALOG, ORDERS))
    assert (await offered(issuer, page.answer["code"])).resources == (CATALOG, ORDERS)
    answer = await issuer.redeem(page.answer["code"], client="shop", resource=CATALOG)
    assert (await audience(issuer, answer.json["access_token"]), answer.json["scope"]) == (CATALOG, "catalog:read")
    refresh_token = answer.json["refresh_token"]
    answer = await issuer.token("refresh_token", client="shop", refresh_token=refresh_token, resource=ORDERS)
    assert (await audience(issuer, answer.json["access_token"]), answer.json["scope"]) == (ORDERS, "orders:read")
    answer = await issuer.token(
        "refresh_token", client="shop", refresh_token=answer.json["refresh_token"], resource="https://unknown.test"
    )
    assert answer.error == "invalid_target"


@pytest.mark.spec("RFC 8707 section 2.2")
@pytest.mark.attack("G7")
async def test_a_resource_beyond_the_grant_is_refused_and_the_code_stays_good(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await reach_code(browser_for(issuer), asking_for(issuer, CATALOG))
    answer = await issuer.redeem(page.answer["code"], client="shop", resource=ORDERS)
    assert answer.error == "invalid_target"
    answer = await issuer.redeem(page.answer["code"], client="shop")
    assert (await audience(issuer, answer.json["access_token"]), answer.json["scope"]) == (CATALOG, "catalog:read")


@pytest.mark.spec("RFC 8707 section 2.1")
async def test_consent_is_for_the_resources_it_was_given_for(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, asking_for(issuer, CATALOG))
    assert (await browser.get(asking_for(issuer, CATALOG), follow=False)).answer["code"]
    assert (await browser.get(asking_for(issuer, CATALOG, ORDERS))).has("consent-allow")


@pytest.mark.spec("RFC 8707 section 2.1")
@pytest.mark.parametrize("resource", [CATALOG, [CATALOG, ORDERS]])
async def test_in_a_request_object_one_is_a_text_and_several_are_a_list(issuer: Issuer, resource: object) -> None:
    await open_shop(issuer, jwks=jwks())
    uri = (await push_object(issuer, signed_request(issuer, resource=resource, scope=SCOPES))).json["request_uri"]
    page = await reach_code(browser_for(issuer), pushed_url(issuer, uri))
    wanted = (CATALOG,) if resource == CATALOG else (CATALOG, ORDERS)
    assert (await offered(issuer, page.answer["code"])).resources == wanted


@pytest.mark.spec("RFC 8707 section 2")
async def test_without_a_resource_the_scopes_say_whom_the_token_is_for(issuer: Issuer) -> None:
    await open_shop(issuer)
    page = await reach_code(browser_for(issuer), authorize_url(issuer, scope="orders:read"))
    answer = await issuer.redeem(page.answer["code"], client="shop")
    assert await audience(issuer, answer.json["access_token"]) == ORDERS
