"""Authority that must not survive: the very next use of anything bought with it fails (F4, T5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from keystead.core.records.account import Account
from keystead.core.records.api import Api, ExchangePolicy
from keystead.core.records.client import Client
from keystead.core.records.consent import Consent, consent_id
from keystead.core.records.session import Session
from keystead.core.records.workload import Workload
from keystead.storage.ports import remove
from tests.issuer import SECRET
from tests.market import CATALOG, EXCHANGE, INVENTORY, ORDERS, WORKLOAD, Market, subject

Change = Callable[[Market], Awaitable[object]]


async def _disable_account(market: Market) -> None:
    await market.issuer.change(Account, market.account.id, enabled=False)


async def _change_password(market: Market) -> None:
    await market.issuer.change(Account, market.account.id, authority_epoch=1)


async def _remove_role(market: Market) -> None:
    await market.issuer.change(Account, market.account.id, roles=())


async def _log_out(market: Market) -> None:
    await market.issuer.change(Session, market.session.id, ended_at=market.issuer.now)


async def _withdraw_consent(market: Market) -> None:
    id = consent_id(market.account.id, "web")
    await market.issuer.store.write(lambda: remove(Consent, "acme", id))


async def _narrow_consent(market: Market) -> None:
    await market.issuer.change(Consent, consent_id(market.account.id, "web"), scopes=("openid",))


async def _delete_account(market: Market) -> None:
    await market.issuer.store.write(lambda: remove(Account, "acme", market.account.id))


ENDS: dict[str, Change] = {
    "account disabled": _disable_account,
    "account deleted": _delete_account,
    "password changed": _change_password,
    "logged out": _log_out,
    "consent withdrawn": _withdraw_consent,
    "consent narrowed": _narrow_consent,
}


@pytest.mark.attack("F4")
@pytest.mark.parametrize("end", ENDS)
async def test_nothing_outlives_its_authority(market: Market, end: str) -> None:
    tokens = await market.tokens()
    code = await market.code()
    at_orders = (await market.exchange(tokens["access_token"], ORDERS)).json["access_token"]
    assert await market.active(at_orders, "orders")
    await ENDS[end](market)
    assert not await market.active(tokens["access_token"])
    assert not await market.active(tokens["refresh_token"])
    assert not await market.active(at_orders, "orders")
    assert (await market.userinfo(tokens["access_token"])).status == 401
    assert (await market.exchange(tokens["access_token"], CATALOG)).error == "invalid_grant"
    assert (await market.exchange(at_orders, INVENTORY, "orders")).error == "invalid_grant"
    assert (await market.refresh(tokens["refresh_token"])).error == "invalid_grant"
    assert (await market.issuer.redeem(code)).error == "invalid_grant"


@pytest.mark.attack("F4")
async def test_a_removed_role_ends_tokens_and_the_next_refresh_gives_less(market: Market) -> None:
    await market.issuer.change(Account, market.account.id, roles=("customer", "manager"))
    tokens = await market.tokens(scopes=("openid", "catalog:read", "catalog:write"))
    assert tokens["scope"] == "openid catalog:read catalog:write"
    await market.issuer.change(Account, market.account.id, roles=("customer",))
    assert not await market.active(tokens["access_token"])
    assert (await market.exchange(tokens["access_token"], CATALOG)).error == "invalid_grant"
    refreshed = (await market.refresh(tokens["refresh_token"])).json
    assert refreshed["scope"] == "openid catalog:read"
    await _remove_role(market)
    assert not await market.active(refreshed["access_token"])


@pytest.mark.attack("F4")
async def test_offline_access_outlives_the_session_and_nothing_else(market: Market) -> None:
    tokens = await market.tokens(scopes=("openid", "offline_access"))
    await _log_out(market)
    refreshed = await market.refresh(tokens["refresh_token"])
    assert refreshed.status == 200
    await _change_password(market)
    assert (await market.refresh(refreshed.json["refresh_token"])).error == "invalid_grant"


@pytest.mark.attack("F4")
@pytest.mark.attack("T5")
async def test_a_disabled_client_takes_its_tokens_with_it_along_the_chain(market: Market) -> None:
    tokens = await market.tokens()
    at_orders = (await market.exchange(tokens["access_token"], ORDERS)).json["access_token"]
    at_inventory = (await market.exchange(at_orders, INVENTORY, "orders")).json["access_token"]
    assert await market.active(at_inventory, "inventory")
    await market.issuer.change(Client, "web", enabled=False)
    assert not await market.active(at_orders, "orders")
    assert not await market.active(at_inventory, "inventory")
    assert (await market.exchange(at_orders, INVENTORY, "orders")).error == "invalid_grant"
    assert (await market.refresh(tokens["refresh_token"])).error == "invalid_client"


@pytest.mark.attack("F4")
async def test_a_disabled_actor_in_the_middle_breaks_the_chain(market: Market) -> None:
    tokens = await market.tokens()
    at_orders = (await market.exchange(tokens["access_token"], ORDERS)).json["access_token"]
    at_inventory = (await market.exchange(at_orders, INVENTORY, "orders")).json["access_token"]
    await market.issuer.change(Client, "orders", enabled=False)
    assert not await market.active(at_inventory, "inventory")
    assert await market.active(tokens["access_token"])


@pytest.mark.attack("F4")
async def test_every_actor_of_a_long_chain_counts(market: Market) -> None:
    """web, orders, inventory: the one in the middle neither got the token nor is its client."""
    depot = Api(realm="acme", id="https://depot.test", exchange=ExchangePolicy(sources=("inventory",)))
    await market.issuer.keep(msgspec.structs.replace(depot, served_by="auditor"))
    token = (await market.tokens())["access_token"]
    token = (await market.exchange(token, ORDERS)).json["access_token"]
    token = (await market.exchange(token, INVENTORY, "orders")).json["access_token"]
    token = (await market.exchange(token, "https://depot.test", "inventory")).json["access_token"]
    assert (await market.claims(token))["act"] == {"sub": "inventory", "act": {"sub": "orders", "act": {"sub": "web"}}}
    assert await market.active(token, "auditor")
    await market.issuer.change(Client, "orders", enabled=False)
    assert not await market.active(token, "auditor")


@pytest.mark.attack("F4")
async def test_the_client_the_person_signed_in_to_counts_to_the_end_of_the_chain(market: Market) -> None:
    """The workload `gateway` acts, the client `bff` is what the person agreed to: disabling it ends every hop."""
    token = (await market.bff_tokens())["access_token"]
    at_orders = (await market.as_bff(EXCHANGE, **subject(token, ORDERS))).json["access_token"]
    at_inventory = (await market.exchange(at_orders, INVENTORY, "orders")).json["access_token"]
    assert (await market.claims(at_inventory))["act"] == {"sub": "orders", "act": {"sub": "gateway"}}
    assert await market.active(at_inventory, "inventory")
    await market.issuer.change(Client, "bff", enabled=False)
    assert not await market.active(at_inventory, "inventory")


@pytest.mark.attack("F4")
async def test_a_scope_reserved_for_a_role_since_is_not_carried_on(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    assert (await market.exchange(token, ORDERS)).json["scope"] == "orders:read inventory:reserve"
    await market.issuer.change(Api, INVENTORY, scope_roles={"inventory:reserve": ("manager",)})
    assert (await market.exchange(token, ORDERS)).json["scope"] == "orders:read"


@pytest.mark.attack("F4")
async def test_a_workload_speaks_for_its_own_client_only(market: Market) -> None:
    await market.issuer.keep(Workload(realm="acme", id="stranger", scope="catalog:read"))
    form = {"client_assertion_type": WORKLOAD, "client_assertion": "workload:stranger", "client_id": "bff"}
    answer = await market.issuer.post("token", form | {"grant_type": "client_credentials"})
    assert (answer.status, answer.error) == (401, "invalid_client")
    assert market.issuer.journal.reason == "client.other_workload"


@pytest.mark.attack("F4")
async def test_a_disabled_workload_is_refused_everywhere(market: Market) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:keystead:params:oauth:client-assertion-type:workload",
        "client_assertion": "workload:gateway",
    }
    token = (await market.issuer.post("token", form)).json["access_token"]
    assert await market.active(token, "catalog")
    await market.issuer.change(Workload, "gateway", enabled=False)
    assert not await market.active(token, "catalog")
    answer = await market.issuer.post("token", form | {"client_id": "bff"})
    assert (answer.status, answer.error) == (401, "invalid_client")


@pytest.mark.attack("F4")
async def test_a_disabled_workload_takes_the_tokens_of_its_client_with_it(market: Market) -> None:
    """People sign in to `bff`, which proves itself as the workload `gateway`."""
    tokens = await market.bff_tokens()
    at_orders = (await market.as_bff(EXCHANGE, **subject(tokens["access_token"], ORDERS))).json["access_token"]
    assert await market.active(at_orders, "orders")
    await market.issuer.change(Workload, "gateway", enabled=False)
    assert not await market.active(at_orders, "orders")
    assert (await market.userinfo(tokens["access_token"])).status == 401
    assert (await market.as_bff("refresh_token", refresh_token=tokens["refresh_token"])).error == "invalid_client"
    assert (await market.exchange(at_orders, INVENTORY, "orders")).error == "invalid_grant"


@pytest.mark.attack("T5")
async def test_a_disabled_api_gets_no_more_tokens(market: Market) -> None:
    tokens = await market.tokens()
    await market.issuer.change(Api, CATALOG, enabled=False)
    assert (await market.exchange(tokens["access_token"], CATALOG)).error == "invalid_target"
    assert "catalog:read" not in (await market.refresh(tokens["refresh_token"])).json["scope"]


@pytest.mark.attack("T5")
async def test_a_grant_taken_from_a_client_is_refused_with_tokens_at_hand(market: Market) -> None:
    tokens = await market.tokens()
    await market.issuer.change(Client, "web", grant_types=("authorization_code",))
    assert (await market.refresh(tokens["refresh_token"])).error == "unauthorized_client"
    assert (await market.exchange(tokens["access_token"], CATALOG)).error == "unauthorized_client"


@pytest.mark.attack("F5")
async def test_what_a_revoked_token_was_exchanged_for_dies_with_its_grant(market: Market) -> None:
    tokens = await market.tokens()
    at_orders = (await market.exchange(tokens["access_token"], ORDERS)).json["access_token"]
    await market.revoke(tokens["refresh_token"])
    assert not await market.active(at_orders, "orders")
    assert (await market.exchange(at_orders, INVENTORY, "orders")).error == "invalid_grant"
    assert SECRET not in repr(market.issuer.journal.decisions)
