"""How the person answers, and how the client hears of it: poll, ping and push."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from keystead.app.delivery_worker import DeliveryWorker
from keystead.core.records.account import Account
from keystead.core.records.api import Api
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.values import EpochSeconds
from keystead.oauth.id_token import half_hash
from tests.counter import NOTIFICATION_TOKEN, Counter, allow, open_counter, review, signed_in
from tests.harness.browser import Page
from tests.issuer import Issuer
from tests.market import Market


@pytest.fixture
async def counter(issuer: Issuer) -> Counter:
    """A counter."""
    return await open_counter(issuer)


async def bearer(issuer: Issuer, path: str, token: str, form: dict[str, Any] | None = None) -> Any:
    """Call an endpoint with an access token."""
    headers = [(b"authorization", b"Bearer " + token.encode())]
    if form is None:
        return await issuer.send(path, method="GET", headers=headers)
    return await issuer.post(path, form, headers=headers)


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 10.1.1")
@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 11")
async def test_poll(counter: Counter) -> None:
    issuer = counter.issuer
    begun = (await counter.ask()).json
    pending = await counter.poll(begun["auth_req_id"])
    assert (pending.status, pending.error) == (400, "authorization_pending")
    assert (await counter.poll(begun["auth_req_id"])).error == "slow_down"
    page = await allow(issuer)
    assert "You allowed it" in page.text
    answer = await counter.poll(begun["auth_req_id"])
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json["scope"] == "openid catalog:read"
    claims = await Market(issuer, None, None).verified(answer.json["id_token"], "jwt")  # type: ignore[arg-type]  # only verifies
    assert (claims["sub"], claims["aud"], claims["acr"]) == ("usr_alice", "counter", "1")
    assert "nonce" not in claims
    assert (await bearer(issuer, "userinfo", answer.json["access_token"])).json["sub"] == "usr_alice"


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 8")
async def test_the_person_sees_what_is_asked(counter: Counter) -> None:
    await counter.ask(binding_message="Order 4711", scope="openid catalog:read")
    browser = await signed_in(counter.issuer)
    page = await browser.get("ciba")
    assert "Bank Counter" in page.text
    assert "Order 4711" in page.text
    page = await review(browser)
    assert "Order 4711" in page.text
    assert "Look at what is for sale" in page.text
    assert "waits for your answer" in (await browser.get("signed-in")).text


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 11")
@pytest.mark.parametrize("where", ["ciba-deny-1", "consent-deny"])
async def test_the_person_says_no(counter: Counter, where: str) -> None:
    begun = (await counter.ask()).json
    browser = await signed_in(counter.issuer)
    page = await browser.get("ciba")
    if where == "consent-deny":
        page = await review(browser)
    await browser.press(page, where)
    answer = await counter.poll(begun["auth_req_id"])
    assert (answer.status, answer.error) == (400, "access_denied")
    assert "Nothing waits" in (await browser.get("ciba")).text


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 11")
async def test_nobody_answers_in_time(counter: Counter) -> None:
    begun = (await counter.ask(requested_expiry="10")).json
    counter.issuer.later(10)
    answer = await counter.poll(begun["auth_req_id"])
    assert (answer.status, answer.error) == (400, "expired_token")
    assert "Nothing waits" in (await (await signed_in(counter.issuer)).get("ciba")).text


@pytest.mark.attack("C3")
@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 11")
async def test_one_redemption_by_its_own_client(counter: Counter) -> None:
    begun = (await counter.ask()).json
    await allow(counter.issuer)
    stolen = await Counter(counter.issuer, "counter2").poll(begun["auth_req_id"])
    assert (stolen.status, stolen.error) == (400, "invalid_grant")
    answers = await asyncio.gather(*(counter.poll(begun["auth_req_id"]) for _ in range(8)))
    assert [answer.status for answer in answers].count(200) == 1
    assert {answer.error for answer in answers if answer.status != 200} == {"invalid_grant"}
    assert (await counter.poll("ksq_" + "A" * 43)).error == "invalid_grant"
    assert (await counter.poll(begun["auth_req_id"].replace("ksq_", "ksd_"))).error == "invalid_grant"


@pytest.mark.attack("C5")
async def test_only_the_person_who_was_asked_can_answer(counter: Counter) -> None:
    begun = (await counter.ask()).json
    alice, bob = await signed_in(counter.issuer), await signed_in(counter.issuer, "bob")
    assert "Nothing waits" in (await bob.get("ciba")).text
    form = (await alice.get("ciba")).form_with("ciba-review-1")
    theirs = await bob.get("signed-in")
    assert theirs.status == 200
    for answer in ("review", "deny"):
        await bob.post("ciba", {**form.fields, "answer": answer})
        foreign = await alice.post("ciba", {**form.fields, "answer": answer}, site="cross-site")
        assert foreign.status == 403
    assert (await counter.poll(begun["auth_req_id"])).error == "authorization_pending"


@pytest.mark.attack("F4")
async def test_a_yes_dies_with_the_person(counter: Counter) -> None:
    begun = (await counter.ask()).json
    await allow(counter.issuer)
    await counter.issuer.change(Account, "usr_alice", enabled=False)
    assert (await counter.poll(begun["auth_req_id"])).error == "invalid_grant"


async def test_the_approval_api(counter: Counter) -> None:
    issuer = counter.issuer
    audience = f"{issuer.url}/ciba"
    await issuer.keep(Api(realm="acme", id=audience, scopes=("ciba:approve",)))
    app = await open_authenticator(issuer)
    begun = (await counter.ask()).json
    listed = (await bearer(issuer, "ciba/requests", app)).json["requests"]
    assert [(one["client_name"], one["binding_message"], one["scope"]) for one in listed] == [
        ("Bank Counter", "W4SCT", "openid catalog:read")
    ]
    answer = {"request": listed[0]["request"], "decision": "allow"}
    assert (await bearer(issuer, "ciba/requests", app, {**answer, "decision": "maybe"})).error == "invalid_request"
    assert (await bearer(issuer, "ciba/requests", app, answer)).json == {"answered": True}
    assert (await bearer(issuer, "ciba/requests", app, answer)).error == "invalid_request"
    tokens = await counter.poll(begun["auth_req_id"])
    assert tokens.status == 200, tokens.body
    assert (await bearer(issuer, "ciba/requests", tokens.json["access_token"])).error == "invalid_token"
    assert (await issuer.send("ciba/requests", method="GET")).status == 401
    bobs = (await counter.ask(login_hint="bob")).json
    assert (await bearer(issuer, "ciba/requests", app)).json["requests"] == []
    assert (await counter.poll(bobs["auth_req_id"])).error == "authorization_pending"


async def open_authenticator(issuer: Issuer) -> str:
    """Return an access token of Alice for the approval API."""
    from tests.issuer import confidential
    from tests.shop import authorize_url, browser_for, reach_code

    scope = "openid ciba:approve"
    await issuer.keep(confidential("authenticator", scope=scope))
    url = authorize_url(issuer, client_id="authenticator", scope="ciba:approve")
    page: Page = await reach_code(browser_for(issuer), url)
    return str((await issuer.redeem(page.answer["code"], client="authenticator")).json["access_token"])


@pytest.mark.attack("H1")
async def test_the_test_door_is_closed_unless_a_danger_opens_it(counter: Counter) -> None:
    begun = (await counter.ask(acr_values="1")).json
    assert (await counter.test_door(begun["auth_req_id"])).status == 404
    assert (await counter.poll(begun["auth_req_id"])).error == "authorization_pending"
    await counter.issuer.change(Realm, "acme", danger_backchannel_test_decisions=True)
    assert (await counter.test_door("ksq_nothing")).error == "invalid_request"
    assert (await counter.test_door(begun["auth_req_id"])).json == {"answered": True}
    assert (await counter.poll(begun["auth_req_id"])).status == 200
    denied = (await counter.ask()).json
    await counter.test_door(denied["auth_req_id"], "deny")
    assert (await counter.poll(denied["auth_req_id"])).error == "access_denied"


@asynccontextmanager
async def notification_endpoint(statuses: list[int]) -> AsyncIterator[tuple[str, asyncio.Queue[tuple[str, Any]]]]:
    """Serve a client's notification endpoint: it answers with these statuses, then 204. Gives URL and what came."""
    heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
        }
        body = await reader.readexactly(int(fields["content-length"]))
        assert fields["content-type"] == "application/json"
        await heard.put((fields["authorization"], msgspec.json.decode(body)))
        status = statuses.pop(0) if statuses else 204
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/cb", heard
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def at_work(issuer: Issuer) -> AsyncIterator[None]:
    """Let the delivery worker work, on the real clock."""
    issuer.now = EpochSeconds(int(time.time()))
    task = asyncio.create_task(DeliveryWorker(issuer.cx, ["acme"]).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told_by(counter: Counter, mode: str, url: str, id_token_alg: str = "") -> None:
    """Register how the client wants to be told."""
    await counter.issuer.change(
        Client,
        "counter",
        backchannel_token_delivery_mode=mode,
        backchannel_client_notification_endpoint=url,
        id_token_signed_response_alg=id_token_alg,
    )


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 10.2")
@pytest.mark.parametrize("answer", ["consent-allow", "consent-deny"])
async def test_ping(counter: Counter, answer: str) -> None:
    async with notification_endpoint([]) as (url, heard), at_work(counter.issuer):
        await told_by(counter, "ping", url)
        begun = (await counter.ask(client_notification_token=NOTIFICATION_TOKEN)).json
        browser = await signed_in(counter.issuer)
        await browser.press(await review(browser), answer)
        authorization, body = await asyncio.wait_for(heard.get(), 30)
        assert authorization == f"Bearer {NOTIFICATION_TOKEN}"
        assert body == {"auth_req_id": begun["auth_req_id"]}, "and nothing else"
        tokens = await counter.poll(begun["auth_req_id"])
        assert (tokens.status, tokens.error) == ((200, "") if answer == "consent-allow" else (400, "access_denied"))


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 10.2")
@pytest.mark.parametrize("status", [301, 401, 403, 404])
async def test_a_refused_ping_is_not_sent_again(counter: Counter, status: int) -> None:
    async with notification_endpoint([status]) as (url, heard), at_work(counter.issuer):
        await told_by(counter, "ping", url)
        begun = (await counter.ask(client_notification_token=NOTIFICATION_TOKEN)).json
        await allow(counter.issuer)
        await asyncio.wait_for(heard.get(), 30)
        deadline = time.monotonic() + 30
        while counter.issuer.journal.reason != "delivery.refused" and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        assert counter.issuer.journal.reason == "delivery.refused"
        assert (await counter.poll(begun["auth_req_id"])).status == 200, "the client may still fetch"


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 10.3")
@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 10.3.1")
async def test_push(counter: Counter) -> None:
    issuer = counter.issuer
    async with notification_endpoint([500]) as (url, heard), at_work(issuer):
        await told_by(counter, "push", url)
        begun = (await counter.ask(client_notification_token=NOTIFICATION_TOKEN)).json
        await allow(issuer)
        authorization, body = await asyncio.wait_for(heard.get(), 30)
        assert authorization == f"Bearer {NOTIFICATION_TOKEN}"
        assert body["auth_req_id"] == begun["auth_req_id"]
        claims = await Market(issuer, None, None).verified(body["id_token"], "jwt")  # type: ignore[arg-type]  # only verifies
        assert claims["urn:openid:params:jwt:claim:auth_req_id"] == begun["auth_req_id"]
        assert claims["urn:openid:params:jwt:claim:rt_hash"] == half_hash(body["refresh_token"], "ES256")
        assert claims["at_hash"] == half_hash(body["access_token"], "ES256")
        assert await asyncio.wait_for(heard.get(), 30) == (authorization, body), "the same tokens again, after a 500"
        assert (await counter.poll(begun["auth_req_id"])).error == "invalid_grant", "pushed tokens are not fetched"
        assert (await bearer(issuer, "userinfo", body["access_token"])).json["sub"] == "usr_alice"


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 12")
async def test_push_of_a_no(counter: Counter) -> None:
    async with notification_endpoint([]) as (url, heard), at_work(counter.issuer):
        await told_by(counter, "push", url)
        begun = (await counter.ask(client_notification_token=NOTIFICATION_TOKEN)).json
        browser = await signed_in(counter.issuer)
        await browser.press(await browser.get("ciba"), "ciba-deny-1")
        _, body = await asyncio.wait_for(heard.get(), 30)
        assert (body["auth_req_id"], body["error"]) == (begun["auth_req_id"], "access_denied")
        assert set(body) == {"auth_req_id", "error", "error_description"}


@pytest.mark.spec("FAPI-CIBA section 5.2.2")
async def test_userinfo_gives_the_interaction_id_back(counter: Counter) -> None:
    begun = (await counter.ask()).json
    await allow(counter.issuer)
    token = (await counter.poll(begun["auth_req_id"])).json["access_token"]
    name = b"c4621Df1-0Fe1-4E24-9857-a1898EbCf061"
    for sent, given in ((name, name.decode()), (b"<script>", None)):
        headers = [(b"authorization", b"Bearer " + token.encode()), (b"x-fapi-interaction-id", sent)]
        answer = await counter.issuer.send("userinfo", method="GET", headers=headers)
        assert (answer.status, answer.headers.get("x-fapi-interaction-id")) == (200, given)
