"""Attacks on the device grant: guessing, phishing, stealing and redeeming twice."""

from __future__ import annotations

import asyncio

import pytest

from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.oauth.user_codes import new_user_code
from tests.harness.browser import in_process
from tests.issuer import Issuer
from tests.shop import authorize_url, browser_for, reach_code, sign_in
from tests.television import Television, allow, open_living_room, type_code

pytestmark = pytest.mark.attack("G3")


@pytest.fixture
async def television(issuer: Issuer) -> Television:
    """A television at the shop."""
    return await open_living_room(issuer)


@pytest.mark.spec("RFC 8628 section 5.1")
async def test_guessing_codes_is_braked_by_address(television: Television) -> None:
    begun = (await television.begin()).json
    browser = browser_for(television.issuer, "198.51.100.7")
    answers = []
    for _ in range(14):
        answers.append(await type_code(browser, new_user_code()))
    assert [page.status for page in answers].count(429) == 4, "ten are free, then each one waits"
    blocked = await type_code(browser, begun["user_code"])
    assert blocked.status == 429, "even the right one waits"
    elsewhere = await type_code(browser_for(television.issuer, "198.51.100.8"), begun["user_code"])
    assert elsewhere.has("device-continue")


@pytest.mark.attack("P1")
async def test_one_address_cannot_fill_the_store(television: Television) -> None:
    issuer = television.issuer
    wire = in_process(issuer, "198.51.100.9")

    async def begin(address: str = "198.51.100.9") -> int:
        form = b"client_id=tv&scope=openid"
        headers = ((b"content-type", b"application/x-www-form-urlencoded"),)
        send = wire if address == "198.51.100.9" else in_process(issuer, address)
        return (await send("POST", f"{issuer.url}/device_authorization", headers, form)).status

    assert {await begin() for _ in range(64)} == {200}
    assert await begin() == 503
    assert await begin("198.51.100.10") == 200
    issuer.later(600)
    assert await begin() == 200


async def test_right_codes_buy_no_guesses(television: Television) -> None:
    browser = browser_for(television.issuer)
    page = await browser.get("device")
    for number in range(12):
        code = new_user_code() if number % 2 else (await television.begin()).json["user_code"]
        page = await type_code(browser, code)
    assert page.status == 200
    for _ in range(5):
        page = await type_code(browser, new_user_code())
    assert page.status == 429


async def test_a_code_is_redeemed_once_however_many_ask_at_once(television: Television) -> None:
    begun = (await television.begin()).json
    await allow(television.issuer, begun["user_code"])
    answers = await asyncio.gather(*(television.poll(begun["device_code"]) for _ in range(8)))
    assert [answer.status for answer in answers].count(200) == 1
    assert {answer.error for answer in answers if answer.status != 200} == {"invalid_grant"}


async def test_a_replay_takes_back_what_the_code_bought(television: Television) -> None:
    issuer = television.issuer
    begun = (await television.begin()).json
    await allow(issuer, begun["user_code"])
    tokens = (await television.poll(begun["device_code"])).json
    assert (await television.poll(begun["device_code"])).error == "invalid_grant"
    refresh = {"grant_type": "refresh_token", "client_id": "tv", "refresh_token": tokens["refresh_token"]}
    assert (await issuer.post("token", refresh)).error == "invalid_grant"


async def test_another_client_cannot_redeem_it(television: Television) -> None:
    begun = (await television.begin()).json
    await allow(television.issuer, begun["user_code"])
    stolen = await Television(television.issuer, "tv2").poll(begun["device_code"])
    assert (stolen.status, stolen.error) == (400, "invalid_grant")
    assert (await television.poll(begun["device_code"])).status == 200, "a thief does not end it for its owner"


@pytest.mark.attack("C5")
async def test_no_other_site_can_enter_or_confirm_a_code(television: Television) -> None:
    begun = (await television.begin()).json
    browser = browser_for(television.issuer)
    page = await type_code(browser, begun["user_code"])
    form = page.form_with("device-continue")
    fields = {**form.fields, "answer": "continue"}
    assert (await browser.post("device", fields, site="cross-site")).status == 403
    other = browser_for(television.issuer)
    await other.get("device")
    foreign = await other.post("device", fields)
    assert not foreign.has("login-submit"), "the form was made for another browser"


@pytest.mark.attack("C5")
async def test_a_signed_in_person_with_remembered_consent_still_confirms(television: Television) -> None:
    issuer = television.issuer
    browser = browser_for(issuer)
    first = (await television.begin()).json
    await allow(issuer, first["user_code"], browser)
    second = (await television.begin()).json
    await browser.get(second["verification_uri_complete"])
    page = await type_code(browser, second["user_code"])
    assert (await television.poll(second["device_code"])).error == "authorization_pending"
    assert "Your device is connected" in (await browser.press(page, "device-continue")).text


@pytest.mark.attack("C3")
async def test_handles_do_not_cross_over(television: Television) -> None:
    issuer = television.issuer
    begun = (await television.begin()).json
    await allow(issuer, begun["user_code"])
    code = (await reach_code(browser_for(issuer), authorize_url(issuer))).answer["code"]
    assert (await television.poll(code)).error == "invalid_grant"
    assert (await television.poll("ksd_" + code.removeprefix("ksc_"))).error == "invalid_grant"
    assert (await issuer.redeem(begun["device_code"], client="shop")).error == "invalid_grant"
    for position in range(0, len(begun["device_code"]), 7):
        letter = "A" if begun["device_code"][position] != "A" else "B"
        bent = begun["device_code"][:position] + letter + begun["device_code"][position + 1 :]
        assert (await television.poll(bent)).error == "invalid_grant"
    assert (await television.poll(begun["device_code"])).status == 200


@pytest.mark.attack("F4")
async def test_what_was_allowed_dies_with_person_or_client(television: Television) -> None:
    issuer = television.issuer
    begun = (await television.begin()).json
    await allow(issuer, begun["user_code"])
    await issuer.change(Account, "usr_alice", enabled=False)
    assert (await television.poll(begun["device_code"])).error == "invalid_grant"
    await issuer.change(Account, "usr_alice", enabled=True)
    await issuer.change(Client, "tv", enabled=False)
    assert (await television.poll(begun["device_code"])).error == "invalid_client"
    page = await type_code(browser_for(issuer), (begun["user_code"]))
    assert page.alert


async def test_a_device_is_answered_once(television: Television) -> None:
    issuer = television.issuer
    begun = (await television.begin()).json
    mallory, alice = browser_for(issuer), browser_for(issuer)
    his = await mallory.press(await type_code(mallory, begun["user_code"]), "device-continue")
    await allow(issuer, begun["user_code"], alice)
    page = await sign_in(mallory, his, "bob")
    page = await mallory.press(page, "consent-allow")
    assert "connected" not in page.text
    tokens = (await television.poll(begun["device_code"])).json
    headers = [(b"authorization", b"Bearer " + tokens["access_token"].encode())]
    assert (await issuer.send("userinfo", method="GET", headers=headers)).json["sub"] == "usr_alice"
