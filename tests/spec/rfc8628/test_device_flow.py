"""The device authorization grant, from the first code to the tokens."""

from __future__ import annotations

import re

import pytest

from keystead.core.records.client import Client
from keystead.core.records.consent import Consent, consent_id
from keystead.oauth.grants.device_code import GRANT_TYPE
from keystead.storage.ports import get
from tests.dpop import Sender, dpop
from tests.issuer import Issuer
from tests.shop import browser_for, sign_in
from tests.television import Television, allow, open_living_room, type_code


@pytest.fixture
async def television(issuer: Issuer) -> Television:
    """A television at the shop."""
    return await open_living_room(issuer)


@pytest.mark.spec("RFC 8628 section 3.2")
async def test_the_answer_has_every_member(television: Television) -> None:
    answer = await television.begin()
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json
    assert re.fullmatch("[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}", found["user_code"])
    assert found["verification_uri"] == f"{television.issuer.url}/device"
    assert found["verification_uri_complete"] == f"{television.issuer.url}/device?user_code={found['user_code']}"
    assert (found["expires_in"], found["interval"]) == (600, 5)
    assert len(found["device_code"]) > 40


@pytest.mark.spec("RFC 8628 section 4")
async def test_discovery_names_endpoint_and_grant(television: Television) -> None:
    document = (await television.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["device_authorization_endpoint"] == f"{television.issuer.url}/device_authorization"
    assert "urn:ietf:params:oauth:grant-type:device_code" in document["grant_types_supported"]


@pytest.mark.spec("RFC 8628 section 3.1")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "orders:read"}, "invalid_scope"),
        ({"scope": "nothing:here"}, "invalid_scope"),
        ({"resource": "https://nowhere.test"}, "invalid_target"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": "shop"}, "invalid_client"),
    ],
)
async def test_what_may_not_be_asked_is_refused_at_once(television: Television, form: dict, error: str) -> None:  # type: ignore[type-arg]  # any form
    assert (await television.begin(**form)).error == error


@pytest.mark.spec("RFC 8628 section 3.1")
async def test_only_clients_with_the_grant_may_begin(television: Television) -> None:
    await television.issuer.change(Client, "tv", grant_types=("refresh_token",))
    assert (await television.begin()).error == "unauthorized_client"


@pytest.mark.spec("RFC 8628 section 3.3")
@pytest.mark.spec("RFC 8628 section 3.5")
async def test_the_whole_way(television: Television) -> None:
    issuer = television.issuer
    begun = (await television.begin()).json
    pending = await television.poll(begun["device_code"])
    assert (pending.status, pending.error) == (400, "authorization_pending")
    page = await allow(issuer, begun["user_code"])
    assert "Your device is connected" in page.text
    issuer.later(5)
    answer = await television.poll(begun["device_code"])
    assert answer.status == 200, answer.body
    tokens = answer.json
    assert (tokens["token_type"], tokens["scope"]) == ("Bearer", "openid catalog:read")
    assert tokens["id_token"]
    assert tokens["refresh_token"]
    consent = await issuer.store.read(get(Consent, "acme", consent_id("usr_alice", "tv"), issuer.now))
    assert consent is not None
    assert consent.scopes == ("openid", "catalog:read")
    refreshed = await issuer.post(
        "token", {"grant_type": "refresh_token", "client_id": "tv", "refresh_token": tokens["refresh_token"]}
    )
    assert refreshed.status == 200, refreshed.body


@pytest.mark.spec("RFC 8628 section 3.5")
async def test_polling_too_fast_is_told_to_slow_down_and_must(television: Television) -> None:
    issuer = television.issuer
    code = (await television.begin()).json["device_code"]
    assert (await television.poll(code)).error == "authorization_pending"
    issuer.later(1)
    assert (await television.poll(code)).error == "slow_down"
    issuer.later(6)
    assert (await television.poll(code)).error == "slow_down", "ten seconds apart from now on"
    issuer.later(15)
    assert (await television.poll(code)).error == "authorization_pending"


@pytest.mark.spec("RFC 8628 section 3.5")
async def test_nobody_answers_in_time(television: Television) -> None:
    begun = (await television.begin()).json
    television.issuer.later(600)
    answer = await television.poll(begun["device_code"])
    assert (answer.status, answer.error) == (400, "expired_token")
    page = await type_code(browser_for(television.issuer), begun["user_code"])
    assert "has run out" in page.alert
    television.issuer.later(130)
    assert (await television.poll(begun["device_code"])).error == "invalid_grant"


@pytest.mark.spec("RFC 8628 section 3.5")
@pytest.mark.parametrize("where", ["device-deny", "login-cancel", "consent-deny"])
async def test_the_person_says_no(television: Television, where: str) -> None:
    begun = (await television.begin()).json
    browser = browser_for(television.issuer)
    page = await type_code(browser, begun["user_code"])
    if where != "device-deny":
        page = await browser.press(page, "device-continue")
    if where == "consent-deny":
        page = await sign_in(browser, page)
    page = await browser.press(page, where)
    assert "not connected" in page.text
    answer = await television.poll(begun["device_code"])
    assert (answer.status, answer.error) == (400, "access_denied")


@pytest.mark.spec("RFC 8628 section 3.3.1")
async def test_the_link_fills_in_the_code_and_does_nothing_else(television: Television) -> None:
    begun = (await television.begin()).json
    browser = browser_for(television.issuer)
    page = await browser.get(begun["verification_uri_complete"])
    assert f'value="{begun["user_code"]}"' in page.text
    assert "Is this the code" in page.text
    assert not page.has("login-submit")
    page = await browser.press(page, "device-submit", user_code=begun["user_code"])
    assert page.has("device-continue")
    assert begun["user_code"] in page.text


@pytest.mark.spec("RFC 8628 section 3.3.1")
async def test_the_link_can_be_had_as_a_picture(television: Television) -> None:
    begun = (await television.begin()).json
    picture = await television.issuer.send("device/qr", method="GET", query=f"user_code={begun['user_code']}".encode())
    assert (picture.status, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert b"<svg" in picture.body
    refused = await television.issuer.send("device/qr", method="GET", query=b"user_code=%3Cscript%3E")
    assert refused.error == "invalid_request"


@pytest.mark.spec("RFC 8628 section 6.1")
@pytest.mark.parametrize("write", [str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("-", "")])
async def test_codes_are_read_as_people_type_them(television: Television, write) -> None:  # type: ignore[no-untyped-def]  # three spellings
    begun = (await television.begin()).json
    page = await type_code(browser_for(television.issuer), write(begun["user_code"]))
    assert page.has("device-continue"), page.text


@pytest.mark.spec("RFC 8628 section 5.4")
async def test_the_person_sees_who_asked_and_is_warned(television: Television) -> None:
    begun = (await television.begin()).json
    page = await type_code(browser_for(television.issuer), begun["user_code"])
    assert "Shop TV" in page.text
    assert "ShopTV/4.2 (Living room)" in page.text
    assert "If somebody sent you the code or a link" in page.text


async def test_roles_of_the_person_bound_what_the_device_gets(television: Television) -> None:
    begun = (await television.begin(scope="openid orders:write")).json
    await allow(television.issuer, begun["user_code"], username="bob")
    answer = await television.poll(begun["device_code"])
    assert answer.json["scope"] == "openid", "bob is no customer"


@pytest.mark.spec("RFC 9449 section 5")
@pytest.mark.attack("E1")
async def test_a_device_with_a_key_gets_tokens_bound_to_it(television: Television) -> None:
    issuer = television.issuer
    await issuer.change(Client, "tv", dpop_bound_access_tokens=True)
    sender, stranger = Sender(), Sender()

    def shown(who: Sender, path: str) -> list[tuple[bytes, bytes]]:
        return [dpop(who.proof("POST", f"{issuer.url}/{path}", issuer.now))]

    fields = {"client_id": "tv", "scope": "openid catalog:read"}
    begun = await issuer.post("device_authorization", fields, headers=shown(sender, "device_authorization"))
    assert begun.status == 200, begun.body
    await allow(issuer, begun.json["user_code"])
    assert (await television.poll(begun.json["device_code"])).error == "invalid_dpop_proof"
    poll = {"grant_type": GRANT_TYPE, "client_id": "tv", "device_code": begun.json["device_code"]}
    stolen = await issuer.post("token", poll, headers=shown(stranger, "token"))
    assert stolen.error == "invalid_grant", "begun with another key"
    answer = await issuer.post("token", poll, headers=shown(sender, "token"))
    assert (answer.status, answer.json["token_type"]) == (200, "DPoP"), answer.body
