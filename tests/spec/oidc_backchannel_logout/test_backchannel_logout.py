"""The issuer tells every client of a session that it ended, server to server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc.jwk import ECKey

from keystead.core.jose import jws
from keystead.core.jose.outcomes import VerifiedToken
from keystead.core.logout import LOGOUT_EVENT
from keystead.core.records.client import Client
from keystead.core.records.grant import Grant, new_grant_id
from keystead.core.values import EpochSeconds
from keystead.identity.accounts import end_authority
from keystead.storage.ports import due_first, get
from tests.browser import Browser
from tests.issuer import Issuer, confidential
from tests.receiver import Got, Receiver, receiver
from tests.sending import working
from tests.served import FrontDoor
from tests.shop import authorize_url, offered, reach_code
from tests.token_likes import token_likes

pytestmark = pytest.mark.spec("OpenID Connect Back-Channel Logout 1.0 section 2")


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    """Where clients listen."""
    async with receiver() as made:
        yield made


async def signed_in(door: FrontDoor, there: Receiver, *clients: str) -> tuple[Browser, str]:
    """Sign alice in to clients that want to hear of logouts; return her browser and the session's id."""
    issuer, browser, sid = door.issuer, door.browser(), ""
    for name in clients:
        uri = f"{there.origin}/{name}"
        if name == "shop":
            await issuer.change(Client, "shop", backchannel_logout_uri=uri)
        else:
            await issuer.keep(confidential(name, backchannel_logout_uri=uri, skip_consent=True))
        redirect_uri = "https://app.test/cb"
        page = await reach_code(
            browser, authorize_url(issuer, client_id=name, redirect_uri=redirect_uri, scope="openid")
        )
        sid = (await offered(issuer, page.answer["code"])).sid
    return browser, sid


async def sign_out(door: FrontDoor, browser: Browser) -> None:
    """Sign out at the issuer."""
    page = await browser.get(f"{door.issuer.url}/logout")
    await browser.press(page, "logout-yes")


async def claims_of(issuer: Issuer, got: Got) -> dict[str, Any]:
    """Verify what a client got as its library would, and return the claims."""
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(got.body.decode(), strict_parsing=True)
    assert list(form) == ["logout_token"]
    now = EpochSeconds(int(time.time()))
    verified = jws.read(form["logout_token"][0], keys=await issuer.keys.key_set("acme", now), typ=("logout+jwt",))
    assert isinstance(verified, VerifiedToken), verified
    return verified.claims


async def test_every_client_of_the_session_gets_a_logout_token(door: FrontDoor, there: Receiver) -> None:
    browser, sid = await signed_in(door, there, "shop", "other")
    async with working(door.issuer):
        await sign_out(door, browser)
        got = await there.wait_for(2)
    assert sorted(one.path for one in got) == ["/other", "/shop"]
    for one in got:
        claims = await claims_of(door.issuer, one)
        assert claims["iss"] == door.issuer.url
        assert claims["aud"] == one.path[1:]
        assert (claims["sub"], claims["sid"]) == ("usr_alice", sid)
        assert claims["events"] == {LOGOUT_EVENT: {}}
        assert claims["jti"]
        assert claims["iat"] <= int(time.time()) < claims["exp"] <= claims["iat"] + 120
        assert "nonce" not in claims


async def test_a_client_that_was_not_signed_in_hears_nothing(door: FrontDoor, there: Receiver) -> None:
    browser, _ = await signed_in(door, there, "shop")
    await door.issuer.keep(confidential("stranger", backchannel_logout_uri=f"{there.origin}/stranger"))
    async with working(door.issuer):
        await sign_out(door, browser)
        await there.wait_for(1)
    assert [one.path for one in there.got] == ["/shop"]


async def test_a_client_that_got_its_grant_elsewhere_hears_too(door: FrontDoor, there: Receiver) -> None:
    """As by a device, whose grant names the session it was approved in."""
    browser, sid = await signed_in(door, there, "shop")
    grant = Grant(realm="acme", id=new_grant_id(), subject="usr_alice", client_id="tv", sid=sid, offline=True)
    await door.issuer.keep(confidential("tv", backchannel_logout_uri=f"{there.origin}/tv"), grant)
    async with working(door.issuer):
        await sign_out(door, browser)
        got = await there.wait_for(2)
    assert sorted(one.path for one in got) == ["/shop", "/tv"]
    still = await door.issuer.store.read(get(Grant, "acme", grant.id, door.issuer.now))
    assert still is not None
    assert still.revoked_at is None, "offline access outlives a logout; the application's own session does not"


async def test_ending_a_persons_authority_tells_the_clients_of_all_their_sessions(
    door: FrontDoor, there: Receiver
) -> None:
    _, first = await signed_in(door, there, "shop")
    page = await reach_code(door.browser(), authorize_url(door.issuer, scope="openid"))
    second = (await offered(door.issuer, page.answer["code"])).sid
    assert first != second
    now = EpochSeconds(int(time.time()))
    await door.issuer.store.write(lambda: end_authority("acme", "usr_alice", "password_changed", now))
    async with working(door.issuer):
        got = await there.wait_for(2)
    assert {(await claims_of(door.issuer, one))["sid"] for one in got} == {first, second}


async def test_the_message_is_written_with_the_end_of_the_session_and_survives_a_restart(
    door: FrontDoor, there: Receiver
) -> None:
    browser, _ = await signed_in(door, there, "shop")
    await sign_out(door, browser)
    now = EpochSeconds(int(time.time()))
    [waiting] = await door.issuer.store.read(due_first("acme", now))
    assert token_likes(waiting.body.decode()) == [], (
        "the token is made when it is sent, so nothing that could be replayed is stored"
    )
    async with working(door.issuer):
        await there.wait_for(1)


@pytest.mark.spec("OpenID Connect Back-Channel Logout 1.0 section 2.8")
async def test_a_client_that_answers_with_an_error_is_told_again(door: FrontDoor, there: Receiver) -> None:
    browser, _ = await signed_in(door, there, "shop")
    there.answers = [503, 500]
    async with working(door.issuer):
        await sign_out(door, browser)
        got = await there.wait_for(3)
    assert len({(await claims_of(door.issuer, one))["jti"] for one in got}) == 3


async def test_a_client_that_is_disabled_meanwhile_hears_nothing_more(door: FrontDoor, there: Receiver) -> None:
    browser, _ = await signed_in(door, there, "shop", "other")
    await sign_out(door, browser)
    await door.issuer.change(Client, "shop", enabled=False)
    async with working(door.issuer):
        await there.wait_for(1)
        while await door.issuer.store.read(due_first("acme", EpochSeconds(int(time.time())))):
            assert [one.path for one in there.got] == ["/other"]
    assert [one.path for one in there.got] == ["/other"]


@pytest.mark.spec("OpenID Connect Back-Channel Logout 1.0 section 2.1")
async def test_discovery_says_so(door: FrontDoor) -> None:
    document = (await door.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True


@pytest.mark.spec("OpenID Connect Back-Channel Logout 1.0 section 2.4")
async def test_a_client_with_encrypted_id_tokens_gets_encrypted_logout_tokens(door: FrontDoor, there: Receiver) -> None:
    browser, _ = await signed_in(door, there, "shop")
    key = ECKey.generate_key("P-256", {"use": "enc", "kid": "e1", "alg": "ECDH-ES"})
    jwks = {"keys": [key.as_dict(private=False)]}
    await door.issuer.change(Client, "shop", id_token_encrypted_response_alg="ECDH-ES", jwks=jwks)
    async with working(door.issuer):
        await sign_out(door, browser)
        [got] = await there.wait_for(1)
    token = parse_qs(got.body.decode())["logout_token"][0]
    assert token.count(".") == 4
    assert "usr_alice" not in token
