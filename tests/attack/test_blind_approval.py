"""Consent under attack on the back channel: nobody allows what their authenticator was not shown."""

from __future__ import annotations

import msgspec
import pytest

from keystead.core.records.api import Api
from keystead.core.records.client import Client
from keystead.core.records.detail_type import DetailField, DetailType
from keystead.core.records.realm import Realm
from tests.counter import open_counter
from tests.issuer import Issuer
from tests.spec.ciba.test_answers import bearer, open_authenticator

PAYMENT = {"type": "payment", "amount": "10000.00 EUR", "creditor": "Mallory"}


@pytest.mark.attack("G2")
async def test_an_authenticator_is_told_what_exactly_is_asked(issuer: Issuer) -> None:
    counter = await open_counter(issuer)
    await issuer.keep(Api(realm="acme", id=f"{issuer.url}/ciba", scopes=("ciba:approve",)))
    kind = DetailType(description="Make a payment", fields={"amount": DetailField(), "creditor": DetailField()})
    await issuer.change(Realm, "acme", authorization_details_types={"payment": kind})
    await issuer.change(Client, "counter", authorization_details_types=("payment",))
    app = await open_authenticator(issuer)
    begun = await counter.ask(authorization_details=msgspec.json.encode([PAYMENT]).decode())
    assert begun.status == 200, begun.body
    (listed,) = (await bearer(issuer, "ciba/requests", app)).json["requests"]
    assert listed["authorization_details"] == [PAYMENT]
