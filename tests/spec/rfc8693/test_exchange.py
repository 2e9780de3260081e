"""Token exchange: delegation, told by the act claim, for one API at a time."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.records.api import Api, ExchangePolicy
from keystead.core.records.realm import Realm
from tests.issuer import SECRET
from tests.market import ACCESS_TOKEN, CATALOG, EXCHANGE, INVENTORY, ORDERS, Market, subject

JWT = "urn:ietf:params:oauth:token-type:jwt"


@pytest.mark.spec("RFC 8693 section 2.2")
@pytest.mark.spec("RFC 8693 section 2.2.1")
@pytest.mark.spec("RFC 8693 section 4.1")
async def test_an_opaque_token_becomes_a_jwt_for_one_api(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    answer = await market.exchange(token, CATALOG)
    assert answer.status == 200, answer.body
    document = answer.json
    assert set(document) == {"access_token", "expires_in", "scope", "token_type", "issued_token_type"}
    assert document["issued_token_type"] == ACCESS_TOKEN
    assert document["expires_in"] == 60
    claims = await market.claims(document["access_token"])
    jti = claims.pop("jti")
    assert len(jti) >= 22
    now = market.issuer.now
    assert claims == {
        "iss": market.issuer.url,
        "sub": market.account.id,
        "aud": CATALOG,
        "client_id": "web",
        "exp": now + 60,
        "iat": now,
        "scope": "catalog:read",
        "sid": market.session.id,
        "gid": claims["gid"],
        "acr": "1",
        "amr": ["pwd"],
        "auth_time": now,
        "roles": ["customer"],
        "act": {"sub": "web"},
        "may_act": {"sub": "catalog"},
    }


@pytest.mark.spec("RFC 8693 section 4.1")
async def test_the_chain_of_actors_grows_and_is_kept(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    at_orders = (await market.exchange(token, ORDERS)).json
    assert at_orders["scope"] == "orders:read inventory:reserve"
    at_inventory = (await market.exchange(at_orders["access_token"], INVENTORY, "orders")).json
    assert at_inventory["scope"] == "inventory:reserve"
    claims = await market.claims(at_inventory["access_token"])
    assert claims["act"] == {"sub": "orders", "act": {"sub": "web"}}
    assert (claims["sub"], claims["client_id"], claims["aud"]) == (market.account.id, "orders", INVENTORY)


async def test_a_workload_acts_under_its_own_name(market: Market) -> None:
    token = (await market.bff_tokens())["access_token"]
    answer = await market.as_bff(EXCHANGE, **subject(token, CATALOG))
    assert answer.status == 200, answer.body
    claims = await market.claims(answer.json["access_token"])
    assert (claims["client_id"], claims["act"]) == ("bff", {"sub": "gateway"})


@pytest.mark.spec("RFC 8693 section 2.1")
async def test_resource_names_the_target_as_well_and_a_service_may_narrow_its_own(market: Market) -> None:
    await market.issuer.change(Api, CATALOG, exchange=ExchangePolicy(sources=("web", "catalog")))
    token = (await market.tokens())["access_token"]
    first = (await market.exchange(token, "", resource=CATALOG)).json["access_token"]
    answer = await market.exchange(first, CATALOG, "catalog", requested_token_type=JWT)
    assert answer.json["issued_token_type"] == JWT
    claims = await market.claims(answer.json["access_token"])
    assert (claims["aud"], claims["act"]) == (CATALOG, {"sub": "catalog", "act": {"sub": "web"}})


@pytest.mark.spec("RFC 8693 section 2.2.1")
async def test_the_scope_asked_for_is_the_scope_given(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    answer = await market.exchange(token, ORDERS, scope="orders:read")
    assert answer.json["scope"] == "orders:read"


async def test_the_result_never_outlives_the_subject_token(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    market.issuer.later(290)
    answer = await market.exchange(token, CATALOG)
    assert answer.json["expires_in"] == 10


@pytest.mark.spec("RFC 8693 section 2.2.2")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token": "nonsense"}, "invalid_grant"),
        ({"subject_token_type": ""}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"audience": ""}, "invalid_target"),
        ({"audience": "https://nowhere.test"}, "invalid_target"),
        ({"audience": [CATALOG, ORDERS]}, "invalid_target"),
        ({"resource": ORDERS}, "invalid_target"),
        ({"audience": "https://closed.test"}, "invalid_target"),
        ({"audience": INVENTORY}, "invalid_target"),
        ({"scope": "orders:read"}, "invalid_scope"),
        ({"scope": "catalog:write"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    ],
)
async def test_what_is_not_served_is_refused(market: Market, form: dict[str, Any], error: str) -> None:
    token = (await market.tokens())["access_token"]
    answer = await market.exchange(**({"subject_token": token, "audience": CATALOG} | form))
    assert (answer.status, answer.error) == (400, error), answer.body


@pytest.mark.spec("RFC 8693 section 2.1")
async def test_an_actor_token_must_be_the_callers_own(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    at_orders = (await market.exchange(token, ORDERS)).json["access_token"]
    own = (await market.issuer.token("client_credentials", client="orders")).json["access_token"]
    others = (await market.issuer.token("client_credentials", client="catalog")).json["access_token"]
    form = {"actor_token_type": ACCESS_TOKEN}
    assert (await market.exchange(at_orders, INVENTORY, "orders", actor_token=own, **form)).status == 200
    assert (
        await market.exchange(at_orders, INVENTORY, "orders", actor_token=others, **form)
    ).error == "invalid_request"


async def test_a_client_exchanges_its_own_token_too(market: Market) -> None:
    await market.issuer.change(Api, CATALOG, exchange=ExchangePolicy(sources=("batch",)))
    own = (await market.issuer.token("client_credentials", client="batch", scope="catalog:read")).json["access_token"]
    claims = await market.claims((await market.exchange(own, CATALOG, "batch")).json["access_token"])
    assert (claims["sub"], claims["act"], claims["scope"]) == ("batch", {"sub": "batch"}, "catalog:read")
    assert "roles" not in claims


async def test_the_chain_is_bounded(market: Market) -> None:
    await market.issuer.change(Realm, "acme", maximum_actor_depth=1)
    token = (await market.tokens())["access_token"]
    at_orders = (await market.exchange(token, ORDERS)).json["access_token"]
    answer = await market.exchange(at_orders, INVENTORY, "orders")
    assert answer.error == "invalid_grant"
    assert market.issuer.journal.reason == "token_exchange.chain_too_long"
    assert SECRET not in repr(market.issuer.journal.decisions)


async def test_a_refusal_tells_the_operator_what_was_shown_and_which_check_failed(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    at_orders = (await market.exchange(token, ORDERS)).json["access_token"]
    assert (await market.exchange(at_orders, CATALOG)).error == "invalid_grant"
    decision = market.issuer.journal.decisions[-1]
    assert (decision.allowed, decision.reason) == (False, "token_exchange.may_not_act")
    assert decision.credential is not None
    assert (decision.credential.audience, decision.subject) == ((ORDERS,), market.account.id)
    assert [check.passed for check in decision.checks] == [True] * (len(decision.checks) - 1) + [False]
    assert decision.checks[-1].why == "only orders may act with the token, not web"
    assert at_orders not in repr(decision)
