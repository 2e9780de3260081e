"""Transaction tokens: made for a call from outside, gone on with, and believed by services of the trust domain."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.records.account import Account
from keystead.core.records.realm import Realm
from keystead.core.records.transaction_rules import TransactionRules
from keystead.sdk import TransactionVerifier
from keystead.sdk.caller import Refused
from keystead.sdk.transactions import VerifiedTransaction
from tests.issuer import Answer
from tests.market import ACCESS_TOKEN, EXCHANGE, ORDERS, Market
from tests.served import served

TXN = "urn:ietf:params:oauth:token-type:txn_token"
DOMAIN = "shop.internal"
DETAILS = {"action": "BUY", "item": "teapot", "quantity": 2}


@pytest.fixture
async def shop(market: Market) -> Market:
    """The market, with a trust domain."""
    rules = TransactionRules(trust_domain=DOMAIN, sources=("web", "orders"), replaced_by=("orders",))
    await market.issuer.change(Realm, "acme", transaction_tokens=rules)
    return market


async def ask(market: Market, token: str, client: str = "web", type: str = ACCESS_TOKEN, **form: Any) -> Answer:
    """Ask for a transaction token."""
    usual = {
        "requested_token_type": TXN,
        "audience": DOMAIN,
        "scope": "orders:write",
        "subject_token": token,
        "subject_token_type": type,
    }
    fields = {name: value for name, value in (usual | form).items() if value is not None}
    return await market.issuer.token(EXCHANGE, client=client, **fields)


async def begun(market: Market, **form: Any) -> str:
    """Return a transaction token for the person."""
    token = (await market.tokens())["access_token"]
    answer = await ask(
        market,
        token,
        request_details=msgspec.json.encode(DETAILS).decode(),
        request_context='{"req_ip":"69.151.72.123"}',
        **form,
    )
    assert answer.status == 200, answer.body
    return str(answer.json["access_token"])


@pytest.mark.spec("draft-ietf-oauth-transaction-tokens section 9")
@pytest.mark.spec("draft-ietf-oauth-transaction-tokens section 11.4")
async def test_a_transaction_begins(shop: Market) -> None:
    token = (await shop.tokens())["access_token"]
    answer = await ask(
        shop, token, request_details=msgspec.json.encode(DETAILS).decode(), request_context='{"req_ip":"69.151.72.123"}'
    )
    assert answer.status == 200, answer.body
    found = answer.json
    assert (found["token_type"], found["issued_token_type"]) == ("N_A", TXN)
    assert "refresh_token" not in found
    claims = await shop.verified(found["access_token"], "txntoken+jwt")
    now = shop.issuer.now
    assert (claims["aud"], claims["sub"], claims["scope"]) == (DOMAIN, shop.account.id, "orders:write")
    assert (claims["iat"], claims["exp"], claims["req_wl"]) == (now, now + 30, "web")
    assert (claims["tctx"], claims["rctx"]) == (DETAILS, {"req_ip": "69.151.72.123"})
    assert len(claims["txn"]) == 36
    assert token not in found["access_token"]


@pytest.mark.spec("draft-ietf-oauth-transaction-tokens section 13.15")
async def test_a_replacement_keeps_what_was_said_and_narrows(shop: Market) -> None:
    first = await begun(shop, scope="orders:read orders:write")
    before = await shop.verified(first, "txntoken+jwt")
    shop.issuer.later(5)
    answer = await ask(shop, first, "orders", TXN, scope="orders:read", request_details='{"warehouse":"north"}')
    assert answer.status == 200, answer.body
    after = await shop.verified(answer.json["access_token"], "txntoken+jwt")
    assert {name: after[name] for name in ("txn", "sub", "aud")} == {
        name: before[name] for name in ("txn", "sub", "aud")
    }
    assert (after["scope"], after["req_wl"]) == ("orders:read", "web,orders")
    assert after["tctx"] == {**DETAILS, "warehouse": "north"}
    assert after["exp"] == before["exp"], "it lives no longer than what it replaces"
    shop.issuer.later(25)
    assert (await ask(shop, first, "orders", TXN, scope="orders:read")).error == "invalid_grant"


@pytest.mark.spec("draft-ietf-oauth-transaction-tokens section 11.3")
@pytest.mark.attack("G1")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": None}, "invalid_scope"),
        ({"scope": "inventory:reserve orders:read catalog:write"}, "invalid_scope"),
        ({"audience": "other.internal"}, "invalid_target"),
        ({"audience": None}, "invalid_target"),
        ({"resource": ORDERS}, "invalid_target"),
        ({"type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"type": "urn:ietf:params:oauth:token-type:unsigned_json"}, "invalid_request"),
        ({"request_details": "[]"}, "invalid_request"),
        ({"request_details": '{"a":1,"a":2}'}, "invalid_request"),
        ({"request_context": "{" + '"a":"' + "x" * 5000 + '"}'}, "invalid_request"),
        ({"client": "other"}, "invalid_target"),
        ({"client": "spa"}, "invalid_client"),
    ],
)
async def test_what_may_not_be_asked(shop: Market, form: dict[str, Any], error: str) -> None:
    token = (await shop.tokens(scopes=("orders:read", "orders:write")))["access_token"]
    assert (await ask(shop, token, **form)).error == error


@pytest.mark.attack("G1")
async def test_only_its_holder_begins_a_transaction(shop: Market) -> None:
    others = (await shop.tokens("other"))["access_token"]
    assert (await ask(shop, others)).error == "invalid_grant"
    assert (await ask(shop, "nonsense")).error == "invalid_grant"
    at_orders = (await shop.exchange((await shop.tokens())["access_token"], ORDERS)).json["access_token"]
    assert (await ask(shop, at_orders, "orders", scope="orders:read")).status == 200, "the API's own service may"


@pytest.mark.attack("G1")
async def test_nothing_said_before_changes(shop: Market) -> None:
    first = await begun(shop)
    for form in (
        {"request_details": '{"quantity":200}'},
        {"request_context": '{"req_ip":"127.0.0.1"}'},
    ):
        assert (await ask(shop, first, "orders", TXN, **form)).error == "invalid_request"
    assert (await ask(shop, first, "orders", TXN, scope="orders:read")).error == "invalid_scope"
    assert (await ask(shop, first, "web", TXN)).error == "invalid_target", "the gateway may not replace"
    claims = await shop.verified(first, "txntoken+jwt")
    forged = jws.sign({**claims, "scope": "orders:read orders:write"}, generate("ES256"), "txntoken+jwt")
    assert (await ask(shop, forged, "orders", TXN)).error == "invalid_grant"
    retyped = jws.sign(claims, await shop.issuer.cx.keys.signer("acme", shop.issuer.now), "at+jwt")
    assert (await ask(shop, retyped, "orders", TXN)).error == "invalid_grant"


@pytest.mark.spec("draft-ietf-oauth-transaction-tokens section 13.13")
@pytest.mark.attack("C3")
async def test_a_transaction_token_is_no_access_token(shop: Market) -> None:
    token = await begun(shop)
    assert (await shop.userinfo(token)).error == "invalid_token"
    assert not await shop.active(token)
    assert (await shop.exchange(token, ORDERS)).error == "invalid_grant"


@pytest.mark.attack("F4")
async def test_a_replacement_asks_again_what_it_rests_on(shop: Market) -> None:
    first = await begun(shop)
    await shop.issuer.change(Account, shop.account.id, enabled=False)
    assert (await ask(shop, first, "orders", TXN)).error == "invalid_grant"


@pytest.mark.attack("H1")
async def test_a_realm_without_a_trust_domain_has_none(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    assert (await ask(market, token)).error == "invalid_target"
    assert (await ask(market, token, audience="")).error == "invalid_target"


@pytest.mark.spec("draft-ietf-oauth-transaction-tokens section 12.2")
async def test_a_service_believes_it(shop: Market) -> None:
    issuer = shop.issuer
    async with served(issuer):
        account, session = await issuer.signed_in()
        await issuer.consent(account, "web", ("orders:write", "openid"))
        market = Market(issuer, account, session)
        token = await _fresh(market)
        verifier = TransactionVerifier(
            issuer=issuer.url, trust_domain=DOMAIN, revocations=None, danger_allow_plain_http=True
        )
        try:
            found = await verifier.verify(token, ["orders:write"])
            assert isinstance(found, VerifiedTransaction), found
            assert (found.subject, found.details["item"], found.workloads) == (account.id, "teapot", ("web",))
            narrow = await verifier.verify(token, ["orders:delete"])
            assert isinstance(narrow, Refused)
            assert narrow.status == 403
            access = (await market.tokens(scopes=("openid",)))["id_token"]
            for wrong in (access, token[:-4] + "AAAA", "", "a.b.c"):
                refused = await verifier.verify(wrong)
                assert isinstance(refused, Refused)
                assert (refused.status, refused.error) == (401, "invalid_txn_token")
            elsewhere = TransactionVerifier(
                issuer=issuer.url, trust_domain="bank.internal", revocations=None, danger_allow_plain_http=True
            )
            assert isinstance(await elsewhere.verify(token), Refused)
            await elsewhere.close()
        finally:
            await verifier.close()


async def _fresh(market: Market) -> str:
    token = (await market.tokens(scopes=("openid", "orders:write")))["access_token"]
    details = msgspec.json.encode(DETAILS).decode()
    return str((await ask(market, token, request_details=details)).json["access_token"])
