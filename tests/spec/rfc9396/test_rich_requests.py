"""Rich authorization requests: asked in typed objects, shown in words, carried to every token, never widened."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from keystead.core.records.api import Api, ExchangePolicy
from keystead.core.records.client import Client
from keystead.core.records.consent import Consent
from keystead.core.records.detail_type import DetailField, DetailType
from keystead.core.records.realm import Realm
from keystead.storage.ports import find
from tests.client_requests import jwks, push_object, pushed_url, signed_request
from tests.issuer import Answer, Issuer
from tests.shop import CATALOG, ORDERS, authorize_url, browser_for, open_shop, reach_code, sign_in

PAYMENT: dict[str, Any] = {
    "type": "payment",
    "actions": ["initiate", "status"],
    "locations": [ORDERS],
    "amount": {"currency": "EUR", "value": "123.50"},
    "creditor": "Merchant A",
}
TYPES = {
    "payment": DetailType(
        description="Make a payment",
        actions=("initiate", "status", "cancel"),
        locations=(ORDERS, CATALOG),
        fields={
            "amount": DetailField(
                type="object",
                label="Amount",
                required=True,
                fields={
                    "currency": DetailField(label="Currency", required=True, enum=("EUR", "USD")),
                    "value": DetailField(label="Value", required=True, maximum=12),
                },
            ),
            "creditor": DetailField(label="To", required=True),
            "urgent": DetailField(type="boolean", label="Urgent"),
            "days": DetailField(type="integer", minimum=1, maximum=30),
            "tags": DetailField(type="array", items=DetailField(), maximum=3),
        },
    ),
    "history": DetailType(
        description="Look at past orders", remember=True, fields={"year": DetailField(type="integer")}
    ),
    "closed": DetailType(),
}


def encode(*details: dict[str, Any]) -> str:
    """Return the parameter."""
    return msgspec.json.encode(details).decode()


async def open_bank(issuer: Issuer, **fields: Any) -> None:
    """Open the shop with types of details, two of which its client may ask for."""
    await open_shop(issuer, **{"authorization_details_types": ("payment", "history"), **fields})
    await issuer.change(Realm, "acme", authorization_details_types=TYPES)


async def bought(issuer: Issuer, *details: dict[str, Any], **changes: str | None) -> Answer:
    """Ask, allow, and redeem the code."""
    url = authorize_url(issuer, authorization_details=encode(*details), **changes)
    page = await reach_code(browser_for(issuer), url)
    return await issuer.redeem(page.answer["code"], client="shop")


async def introspected(issuer: Issuer, token: str) -> dict[str, Any]:
    """Return what the client itself learns of a token."""
    answer = await issuer.post(
        "introspect", {"token": token}, basic=("shop", "correct-horse-battery-staple-0123456789")
    )
    assert answer.json["active"] is True
    return answer.json


@pytest.mark.spec("RFC 9396 section 3")
@pytest.mark.spec("RFC 9396 section 7")
@pytest.mark.spec("RFC 9396 section 9.2")
async def test_what_was_allowed_is_in_the_answer_the_token_and_the_introspection(issuer: Issuer) -> None:
    await open_bank(issuer)
    answer = await bought(issuer, PAYMENT)
    assert answer.json["authorization_details"] == [PAYMENT]
    members = await introspected(issuer, answer.json["access_token"])
    assert members["authorization_details"] == [PAYMENT]
    assert ORDERS in members["aud"], "the token is for the API where the detail is of use"


@pytest.mark.spec("RFC 9396 section 9.1")
async def test_a_jwt_access_token_carries_them(issuer: Issuer) -> None:
    from keystead.core.jose.jws import peek_claims_unverified

    await open_bank(issuer, access_token_format="jwt")
    answer = await bought(issuer, PAYMENT, scope="openid orders:read")
    claims = peek_claims_unverified(answer.json["access_token"])
    assert claims is not None
    assert claims["authorization_details"] == [PAYMENT]


@pytest.mark.spec("RFC 9396 section 3")
async def test_details_need_no_scope_beside_them(issuer: Issuer) -> None:
    await open_bank(issuer)
    answer = await bought(issuer, PAYMENT, scope=None)
    assert (answer.status, answer.json["scope"]) == (200, "")
    assert "id_token" not in answer.json
    assert (await introspected(issuer, answer.json["access_token"]))["aud"] == ORDERS


BAD = [
    "{",
    "{}",
    "[]",
    "[7]",
    '[{"actions":["x"]}]',
    '[{"type":7}]',
    encode({**PAYMENT, "type": "unknown"}),
    encode({"type": "closed"}),
    encode({**PAYMENT, "actions": ["steal"]}),
    encode({**PAYMENT, "actions": []}),
    encode({**PAYMENT, "actions": "initiate"}),
    encode({**PAYMENT, "locations": ["https://evil.test"]}),
    encode({**PAYMENT, "datatypes": ["x"]}),
    encode({**PAYMENT, "identifier": "x"}),
    encode({**PAYMENT, "creditor": 7}),
    encode({**PAYMENT, "creditor": "x" * 2049}),
    encode({**PAYMENT, "creditor": "line\nbreak"}),
    encode({**PAYMENT, "amount": {"currency": "EUR"}}),
    encode({**PAYMENT, "amount": {"currency": "GBP", "value": "1"}}),
    encode({**PAYMENT, "amount": {"currency": "EUR", "value": "1", "fee": "9"}}),
    encode({**PAYMENT, "amount": {"currency": "EUR", "value": "1" * 13}}),
    encode({**PAYMENT, "urgent": 1}),
    encode({**PAYMENT, "days": 31}),
    encode({**PAYMENT, "days": True}),
    encode({**PAYMENT, "days": 1.5}),
    encode({**PAYMENT, "tags": ["a", 7]}),
    encode({**PAYMENT, "tags": ["a", "b", "c", "d"]}),
    encode({name: value for name, value in PAYMENT.items() if name != "creditor"}),
    encode(*[PAYMENT] * 17),
    '[{"type":"history","type":"payment"}]',
]


@pytest.mark.spec("RFC 9396 section 5")
@pytest.mark.attack("G2")
@pytest.mark.parametrize("text", BAD, ids=lambda value: value[:60])
async def test_what_is_not_of_an_open_type_is_refused(issuer: Issuer, text: str) -> None:
    await open_bank(issuer)
    page = await browser_for(issuer).get(authorize_url(issuer, authorization_details=text), follow=False)
    assert page.answer["error"] == "invalid_authorization_details"


async def test_a_client_that_registered_no_type_may_ask_for_none(issuer: Issuer) -> None:
    await open_bank(issuer, authorization_details_types=())
    url = authorize_url(issuer, authorization_details=encode(PAYMENT))
    assert (await browser_for(issuer).get(url, follow=False)).answer["error"] == "invalid_authorization_details"


@pytest.mark.spec("RFC 9396 section 7.1")
async def test_the_person_sees_every_field_in_words(issuer: Issuer) -> None:
    await open_bank(issuer)
    browser = browser_for(issuer)
    detail = {**PAYMENT, "urgent": True, "tags": ["<b>", "x"]}
    page = await sign_in(browser, await browser.get(authorize_url(issuer, authorization_details=encode(detail))))
    for words in ("Make a payment", "Amount: Value", "123.50", "EUR", "To", "Merchant A", "initiate, status", ORDERS):
        assert words in page.text, words
    assert "<dd>yes</dd>" in page.text
    assert "&lt;b&gt;" in page.text


async def test_what_is_no_longer_asked_cannot_be_allowed_by_an_old_page(issuer: Issuer) -> None:
    await open_bank(issuer)
    browser = browser_for(issuer)
    page = await sign_in(browser, await browser.get(authorize_url(issuer, authorization_details=encode(PAYMENT))))
    other = await browser.get(authorize_url(issuer, authorization_details=encode({**PAYMENT, "creditor": "Mallory"})))
    shown = page.form_with("consent-allow").fields["shown"]
    answer = await browser.press(other, "consent-allow", shown=shown)
    assert answer.has("consent-allow"), "asked again"


async def test_a_payment_is_asked_about_each_time_and_what_may_be_remembered_once(issuer: Issuer) -> None:
    await open_bank(issuer)
    browser = browser_for(issuer)
    payment = authorize_url(issuer, authorization_details=encode(PAYMENT))
    history = authorize_url(issuer, authorization_details=encode({"type": "history", "year": 2026}))
    for url in (payment, history):
        await reach_code(browser, url)
    assert (await browser.get(payment)).has("consent-allow")
    assert (await browser.get(history, follow=False)).answer["code"]
    other = authorize_url(issuer, authorization_details=encode({"type": "history", "year": 2025}))
    assert (await browser.get(other)).has("consent-allow")
    page = await browser.get(payment + "&prompt=none", follow=False)
    assert page.answer["error"] == "consent_required"
    (consent,) = await issuer.store.read(find(Consent, "acme", issuer.now))
    assert {detail["type"] for detail in consent.authorization_details} == {"payment", "history"}


NARROWER = [
    [{**PAYMENT, "actions": ["status"]}],
    [PAYMENT],
    [{**PAYMENT, "actions": ["status"]}, {**PAYMENT, "actions": ["initiate"]}],
]
WIDER = [
    [{**PAYMENT, "actions": ["initiate", "status", "cancel"]}],
    [{**PAYMENT, "amount": {"currency": "EUR", "value": "999.00"}}],
    [{**PAYMENT, "creditor": "Mallory"}],
    [{**PAYMENT, "locations": [ORDERS, CATALOG]}],
    [{name: value for name, value in PAYMENT.items() if name != "actions"}],
    [{name: value for name, value in PAYMENT.items() if name != "locations"}],
    [{**PAYMENT, "urgent": True}],
    [{"type": "history"}],
    [PAYMENT, {"type": "history"}],
]


@pytest.mark.spec("RFC 9396 section 6")
@pytest.mark.spec("RFC 9396 section 6.1")
async def test_a_token_request_narrows_and_never_widens(issuer: Issuer) -> None:
    await open_bank(issuer)
    refresh_token = (await bought(issuer, PAYMENT)).json["refresh_token"]
    for wider in WIDER:
        answer = await issuer.token(
            "refresh_token", client="shop", refresh_token=refresh_token, authorization_details=encode(*wider)
        )
        assert (answer.status, answer.error) == (400, "invalid_authorization_details"), wider
    for narrower in NARROWER:
        answer = await issuer.token(
            "refresh_token", client="shop", refresh_token=refresh_token, authorization_details=encode(*narrower)
        )
        assert answer.json["authorization_details"] == narrower
        refresh_token = answer.json["refresh_token"]
    answer = await issuer.token("refresh_token", client="shop", refresh_token=refresh_token)
    assert answer.json["authorization_details"] == [PAYMENT], "the grant is what it was"


@pytest.mark.spec("RFC 9396 section 6")
async def test_the_code_is_not_spent_for_a_request_that_asks_for_too_much(issuer: Issuer) -> None:
    await open_bank(issuer)
    page = await reach_code(browser_for(issuer), authorize_url(issuer, authorization_details=encode(PAYMENT)))
    wider = await issuer.redeem(page.answer["code"], client="shop", authorization_details=encode(*WIDER[0]))
    assert wider.error == "invalid_authorization_details"
    narrower = await issuer.redeem(page.answer["code"], client="shop", authorization_details=encode(*NARROWER[0]))
    assert narrower.json["authorization_details"] == NARROWER[0]


@pytest.mark.attack("F4")
async def test_a_type_that_is_closed_since_is_in_no_token(issuer: Issuer) -> None:
    await open_bank(issuer)
    refresh_token = (await bought(issuer, PAYMENT, {"type": "history"})).json["refresh_token"]
    await issuer.change(Client, "shop", authorization_details_types=("history",))
    answer = await issuer.token("refresh_token", client="shop", refresh_token=refresh_token)
    assert answer.json["authorization_details"] == [{"type": "history"}]


@pytest.mark.spec("RFC 9396 section 9")
@pytest.mark.spec("RFC 8707 section 2.2")
async def test_a_resource_learns_only_what_concerns_it(issuer: Issuer) -> None:
    await open_bank(issuer)
    page = await reach_code(
        browser_for(issuer),
        authorize_url(issuer, authorization_details=encode(PAYMENT, {"type": "history"})),
    )
    answer = await issuer.redeem(page.answer["code"], client="shop", resource=CATALOG)
    assert answer.json["authorization_details"] == [{"type": "history"}], "a detail without a location is everybody's"
    refresh_token = answer.json["refresh_token"]
    answer = await issuer.token("refresh_token", client="shop", refresh_token=refresh_token, resource=ORDERS)
    assert answer.json["authorization_details"] == [PAYMENT, {"type": "history"}]


@pytest.mark.spec("RFC 9396 section 6")
async def test_a_client_asks_for_its_own(issuer: Issuer) -> None:
    await open_bank(issuer, grant_types=("client_credentials",))
    asked = encode({"type": "history", "year": 2026})
    answer = await issuer.token("client_credentials", client="shop", authorization_details=asked)
    assert answer.json["authorization_details"] == [{"type": "history", "year": 2026}]
    answer = await issuer.token("client_credentials", client="shop", authorization_details='[{"type":"closed"}]')
    assert answer.error == "invalid_authorization_details"


@pytest.mark.spec("RFC 9396 section 3")
async def test_in_a_request_object_they_are_an_array(issuer: Issuer) -> None:
    await open_bank(issuer, jwks=jwks())
    object = signed_request(issuer, authorization_details=[PAYMENT])
    uri = (await push_object(issuer, object)).json["request_uri"]
    page = await reach_code(browser_for(issuer), pushed_url(issuer, uri))
    answer = await issuer.redeem(page.answer["code"], client="shop")
    assert answer.json["authorization_details"] == [PAYMENT]


@pytest.mark.spec("RFC 9396 section 10")
async def test_discovery_names_the_types(issuer: Issuer) -> None:
    await open_bank(issuer)
    document = (await issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["authorization_details_types_supported"] == ["closed", "history", "payment"]


@pytest.mark.spec("RFC 9396 section 6")
@pytest.mark.attack("G1")
async def test_exchange_hands_on_what_concerns_the_next_api_and_never_more(issuer: Issuer) -> None:
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    await open_bank(issuer, grant_types=("authorization_code", exchange))
    for audience in (CATALOG, ORDERS):
        await issuer.change(Api, audience, exchange=ExchangePolicy(("shop",)))
    scopes = "openid catalog:read orders:read"
    elsewhere = {**PAYMENT, "locations": [CATALOG]}
    subject = (await bought(issuer, PAYMENT, elsewhere, {"type": "history"}, scope=scopes)).json["access_token"]
    form = {"subject_token": subject, "subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    answer = await issuer.token(exchange, client="shop", audience=ORDERS, **form)
    assert answer.json["authorization_details"] == [PAYMENT, {"type": "history"}]
    narrower = {**PAYMENT, "actions": ["status"]}
    answer = await issuer.token(
        exchange, client="shop", audience=ORDERS, authorization_details=encode(narrower), **form
    )
    assert answer.json["authorization_details"] == [narrower]
    wider = {**PAYMENT, "creditor": "Mallory"}
    answer = await issuer.token(exchange, client="shop", audience=ORDERS, authorization_details=encode(wider), **form)
    assert answer.error == "invalid_authorization_details"
