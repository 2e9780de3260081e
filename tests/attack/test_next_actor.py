"""`may_act` under attack: a token that names its only next actor serves no other caller, for no kind of exchange."""

from __future__ import annotations

import pytest

from keystead.core.records.realm import Realm
from keystead.core.records.transaction_rules import TransactionRules
from keystead.core.records.trusted_issuer import PartnerServer
from tests.market import ACCESS_TOKEN, EXCHANGE, ORDERS, Market

TXN = "urn:ietf:params:oauth:token-type:txn_token"
ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
PARTNER = "https://partner.test"


@pytest.mark.attack("G1")
@pytest.mark.parametrize(
    ("kind", "audience", "admitted"), [(TXN, "shop.internal", 200), (ID_JAG, PARTNER, 400)], ids=["txn", "id_jag"]
)
async def test_only_the_named_actor_goes_on(market: Market, kind: str, audience: str, admitted: int) -> None:
    """`web` made a token for the orders service, which alone may act with it from there; an ID-JAG is for nobody's."""
    issuer = market.issuer
    rules = TransactionRules(trust_domain="shop.internal", sources=("web", "orders"))
    await issuer.change(Realm, "acme", transaction_tokens=rules)
    clients = {"web": "shop-here", "orders": "orders-here"}
    await issuer.keep(
        PartnerServer(realm="acme", id=PARTNER, clients=clients, scopes=("orders:read",), formats=("id_jag",))
    )
    exchanged = await market.exchange((await market.tokens())["access_token"], ORDERS)
    token = exchanged.json["access_token"]
    assert (await market.claims(token))["may_act"] == {"sub": "orders"}
    asked = {
        "requested_token_type": kind,
        "audience": audience,
        "scope": "orders:read",
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
    }
    assert (await issuer.token(EXCHANGE, client="orders", **asked)).status == admitted
    answer = await issuer.token(EXCHANGE, client="web", **asked)
    assert answer.status == 400, answer.body
    assert answer.error in ("invalid_grant", "invalid_request"), answer.body
