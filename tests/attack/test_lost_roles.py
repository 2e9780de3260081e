"""A role that was taken away is gone for a transaction that is under way, too."""

from __future__ import annotations

import pytest

from keystead.core.records.account import Account
from keystead.core.records.realm import Realm
from keystead.core.records.transaction_rules import TransactionRules
from tests.market import ACCESS_TOKEN, EXCHANGE, Market

TXN = "urn:ietf:params:oauth:token-type:txn_token"
DOMAIN = "shop.internal"


@pytest.mark.attack("F4")
async def test_a_replacement_brings_no_scope_of_a_lost_role(market: Market) -> None:
    issuer = market.issuer
    rules = TransactionRules(trust_domain=DOMAIN, sources=("web",), replaced_by=("orders",))
    await issuer.change(Realm, "acme", transaction_tokens=rules)
    await issuer.change(Account, market.account.id, roles=("customer", "manager"))
    held = await market.tokens(scopes=("openid", "catalog:read", "catalog:write"))
    asked = {"requested_token_type": TXN, "audience": DOMAIN, "scope": "catalog:read catalog:write"}
    first = await issuer.token(
        EXCHANGE, client="web", subject_token=held["access_token"], subject_token_type=ACCESS_TOKEN, **asked
    )
    assert first.status == 200, first.body
    await issuer.change(Account, market.account.id, roles=("customer",))
    shown = {"subject_token": first.json["access_token"], "subject_token_type": TXN}
    again = await issuer.token(EXCHANGE, client="orders", **asked, **shown)
    assert (again.status, again.error) == (400, "invalid_scope"), again.body
    less = await issuer.token(EXCHANGE, client="orders", **{**asked, "scope": "catalog:read"}, **shown)
    assert (less.status, less.json["scope"]) == (200, "catalog:read")
