"""The jwt-bearer grant: what another issuer asserts, for tokens of this realm."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.trusted_issuer import AccountMatch, ClaimCondition, TrustedIssuer
from keystead.core.records.workload import Workload
from tests.elsewhere import Elsewhere, open_elsewhere
from tests.market import CATALOG, ORDERS, Market


@pytest.fixture
async def elsewhere(market: Market) -> Elsewhere:
    """Another issuer."""
    return await open_elsewhere(market)


@pytest.mark.spec("RFC 7523 section 2.1")
@pytest.mark.spec("RFC 7521 section 4.1")
async def test_a_workload_elsewhere_gets_its_own_token_without_a_secret(elsewhere: Elsewhere) -> None:
    await elsewhere.trusted()
    answer = await elsewhere.bring(elsewhere.assertion(), scope="catalog:read")
    assert answer.status == 200, answer.body
    claims = await elsewhere.market.claims(answer.json["access_token"])
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("deployer", "deployer", CATALOG)
    assert "refresh_token" not in answer.json
    assert "id_token" not in answer.json


@pytest.mark.spec("RFC 7523 section 2.1")
async def test_an_entry_narrows_what_the_workload_may(elsewhere: Elsewhere) -> None:
    await elsewhere.trusted(scope="catalog:read")
    assert (await elsewhere.bring(elsewhere.assertion())).json["scope"] == "catalog:read"
    assert (await elsewhere.bring(elsewhere.assertion(), scope="orders:read")).error == "invalid_scope"


@pytest.mark.spec("RFC 7523 section 2.1")
async def test_a_client_may_be_spoken_for(elsewhere: Elsewhere) -> None:
    await elsewhere.trusted(client="batch")
    assert (await elsewhere.bring(elsewhere.assertion())).error == "invalid_client"
    grants = ("client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer")
    await elsewhere.market.issuer.change(
        Client, "batch", token_endpoint_auth_method="trusted_issuer", client_secret_digests=(), grant_types=grants
    )
    answer = await elsewhere.bring(elsewhere.assertion(), scope="")
    assert answer.status == 200, answer.body
    assert answer.json["scope"] == "catalog:read orders:read"


@pytest.mark.spec("RFC 7523 section 2.1")
async def test_a_persons_token_goes_to_a_client_the_entry_names(elsewhere: Elsewhere) -> None:
    market = elsewhere.market
    await elsewhere.trusted_for_people()
    answer = await elsewhere.bring_as("trusted", elsewhere.assertion(**elsewhere.person()), scope="catalog:read")
    assert answer.status == 200, answer.body
    members = (await market.introspect(answer.json["access_token"], "trusted")).json
    assert (members["active"], members["sub"], members["client_id"]) == (True, market.account.id, "trusted")
    assert members["acr"] == "0", "we saw no evidence ourselves"


@pytest.mark.spec("RFC 7523 section 2.1")
async def test_roles_and_consent_still_count(elsewhere: Elsewhere) -> None:
    await elsewhere.trusted_for_people()
    person = elsewhere.person()
    wide = await elsewhere.bring_as("trusted", elsewhere.assertion(**person), scope="catalog:write")
    assert wide.error == "invalid_scope", "Alice is no manager"
    await elsewhere.market.issuer.change(Client, "trusted", skip_consent=False)
    answer = await elsewhere.bring_as("trusted", elsewhere.assertion(**person), scope="catalog:read")
    assert answer.error == "invalid_grant"
    assert elsewhere.market.issuer.journal.reason == "consent.withdrawn"


@pytest.mark.spec("RFC 7523 section 3")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.elsewhere.test"},
        {"sub": "repo:acme/shop:ref:refs/heads/evil"},
        {"sub": None},
        {"aud": "https://elsewhere.test"},
        {"aud": ["https://elsewhere.test"]},
        {"aud": None},
        {"exp": None},
        {"exp": 1_700_000_000},
        {"exp": 1_800_100_000},
        {"nbf": 1_800_001_000},
        {"iat": 1_800_001_000},
        {"jti": None},
        {"iss": None},
        {"iss": 7},
    ],
)
async def test_what_does_not_fit_is_refused(elsewhere: Elsewhere, changes: dict[str, Any]) -> None:
    await elsewhere.trusted()
    answer = await elsewhere.bring(elsewhere.assertion(**changes))
    assert (answer.status, answer.error) == (401, "invalid_client"), answer.body
    await elsewhere.trusted_for_people(id="people")
    claims = elsewhere.person(**changes) if "sub" not in changes or changes["sub"] is None else {"sub": "u-1"} | changes
    answer = await elsewhere.bring_as("trusted", elsewhere.assertion(**claims))
    assert (answer.status, answer.error) == (400, "invalid_grant"), answer.body


@pytest.mark.spec("RFC 7523 section 3")
async def test_several_audiences_are_refused_one_of_one_is_taken(elsewhere: Elsewhere) -> None:
    await elsewhere.trusted()
    url = elsewhere.market.issuer.url
    assert (await elsewhere.bring(elsewhere.assertion(aud=[url]))).status == 200
    assert (await elsewhere.bring(elsewhere.assertion(aud=[url, "https://third.test"]))).error == "invalid_client"


@pytest.mark.spec("RFC 7521 section 5.2")
async def test_an_audience_of_ones_own_choice(elsewhere: Elsewhere) -> None:
    await elsewhere.trusted(audiences=("sts.acme.test",))
    assert (await elsewhere.bring(elsewhere.assertion(aud="sts.acme.test"))).status == 200
    assert (await elsewhere.bring(elsewhere.assertion())).error == "invalid_client"


@pytest.mark.spec("RFC 7523 section 3")
async def test_a_kubernetes_token_may_be_shown_again(elsewhere: Elsewhere) -> None:
    nested = (
        ClaimCondition(("kubernetes.io", "namespace"), equals="shop"),
        ClaimCondition(("kubernetes.io", "serviceaccount", "name"), one_of=("orders", "deployer")),
    )
    await elsewhere.trusted(conditions=nested, reusable=True)
    cluster: dict[str, Any] = {"kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "deployer"}}}
    token = elsewhere.assertion(sub="system:serviceaccount:shop:deployer", jti=None, **cluster)
    assert (await elsewhere.bring(token)).status == 200
    assert (await elsewhere.bring(token)).status == 200
    cluster["kubernetes.io"]["namespace"] = "other"
    assert (await elsewhere.bring(elsewhere.assertion(jti=None, **cluster))).error == "invalid_client"


@pytest.mark.parametrize("match", ["username", "email", "id"])
async def test_people_are_found_as_the_entry_says(elsewhere: Elsewhere, match: str) -> None:
    market = elsewhere.market
    await elsewhere.trusted_for_people(account=AccountMatch("who", match))
    person = {"org": "acme", "who": getattr(market.account, match), "email_verified": True}
    assert (await elsewhere.bring_as("trusted", elsewhere.assertion(**person))).status == 200
    assert (await elsewhere.bring_as("trusted", elsewhere.assertion(org="acme", who="nobody"))).error == "invalid_grant"
    if match == "email":
        unproven = person | {"email_verified": "true"}
        assert (await elsewhere.bring_as("trusted", elsewhere.assertion(**unproven))).error == "invalid_grant"
        await market.issuer.change(Account, market.account.id, email_verified=False)
        assert (await elsewhere.bring_as("trusted", elsewhere.assertion(**person))).error == "invalid_grant"


@pytest.mark.spec("RFC 8693 section 2.1")
async def test_token_exchange_takes_a_foreign_workloads_token(elsewhere: Elsewhere) -> None:
    from keystead.core.records.api import Api, ExchangePolicy

    market = elsewhere.market
    await elsewhere.trusted()
    assert (await elsewhere.exchange(elsewhere.assertion(), CATALOG)).error == "invalid_target"
    await market.issuer.change(Api, CATALOG, exchange=ExchangePolicy(sources=("deployer",), scopes=("catalog:read",)))
    answer = await elsewhere.exchange(elsewhere.assertion(), CATALOG)
    assert answer.status == 200, answer.body
    claims = await market.claims(answer.json["access_token"])
    assert (claims["sub"], claims["aud"], claims["scope"]) == ("deployer", CATALOG, "catalog:read")
    assert "act" not in claims


@pytest.mark.spec("RFC 8693 section 4.1")
async def test_token_exchange_takes_a_foreign_persons_token(elsewhere: Elsewhere) -> None:
    market = elsewhere.market
    await elsewhere.trusted_for_people()
    token = elsewhere.assertion(**elsewhere.person())
    answer = await market.exchange(token, ORDERS, "web", subject_token_type="urn:ietf:params:oauth:token-type:jwt")
    assert answer.status == 200, answer.body
    claims = await market.claims(answer.json["access_token"])
    assert (claims["sub"], claims["act"], claims["scope"]) == (market.account.id, {"sub": "web"}, "orders:read")


@pytest.mark.spec("RFC 7523 section 2.1")
async def test_a_disabled_entry_or_workload_opens_nothing(elsewhere: Elsewhere) -> None:
    await elsewhere.trusted()
    await elsewhere.market.issuer.change(Workload, "deployer", enabled=False)
    assert (await elsewhere.bring(elsewhere.assertion())).error == "invalid_client"
    await elsewhere.market.issuer.change(Workload, "deployer", enabled=True)
    await elsewhere.market.issuer.change(TrustedIssuer, "ci", enabled=False)
    assert (await elsewhere.bring(elsewhere.assertion())).error == "invalid_client"
