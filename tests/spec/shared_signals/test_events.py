"""What happens becomes events: their shape, to whom they go, pushed and polled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from keystead.core.records.account import Account
from keystead.core.records.realm import Realm
from keystead.core.records.session import Evidence
from keystead.core.security_events import ASSURANCE_LEVEL_CHANGE
from keystead.core.values import EpochSeconds
from keystead.identity.account_events import tell_of_account, tell_of_removal
from keystead.identity.accounts import end_authority
from keystead.identity.sessions import NewSession, sign_in
from keystead.storage.ports import get
from tests.issuer import Issuer
from tests.receiver import Receiver, receiver
from tests.sending import working
from tests.shop import alice
from tests.spec.shared_signals.receiver_side import (
    CREDENTIAL_CHANGE,
    POLL,
    PUSH,
    SESSION_REVOKED,
    VERIFICATION,
    EventReceiver,
    only_event,
    receiver_client,
)

pytestmark = pytest.mark.spec("OpenID CAEP 1.0 section 3")


@pytest.fixture
async def siem(issuer: Issuer) -> EventReceiver:
    """A receiver, and alice to hear about."""
    issuer.now = EpochSeconds(int(__import__("time").time()))
    await issuer.set_up(receiver_client(), receiver_client("other"), alice())
    return EventReceiver(issuer)


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    """Where events are pushed."""
    async with receiver() as made:
        yield made


async def sign_out(issuer: Issuer, reason: str = "logout") -> str:
    """Make a session of alice and end it."""
    account = await issuer.store.read(get(Account, "acme", "usr_alice", issuer.now))
    assert account is not None
    _, session = await issuer.signed_in(
        account.__class__(**{f: getattr(account, f) for f in account.__struct_fields__})
    )
    await issuer.store.write(lambda: issuer.cx.end_session("acme", session.id, reason, issuer.now))
    return session.id


@pytest.mark.spec("RFC 8417 section 2.2")
@pytest.mark.spec("OpenID Shared Signals Framework 1.0 section 4.1")
async def test_an_ended_session_is_told_with_person_and_session(siem: EventReceiver) -> None:
    stream = await siem.stream()
    sid = await sign_out(siem.issuer)
    [claims] = await siem.events(stream)
    assert claims["sub_id"] == {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": siem.issuer.url, "sub": "usr_alice"},
        "session": {"format": "opaque", "id": sid},
    }
    kind, facts = only_event(claims)
    assert kind == SESSION_REVOKED
    assert facts["initiating_entity"] == "user"
    assert facts["event_timestamp"] == siem.issuer.now
    assert facts["reason_admin"]["en"]
    assert await siem.events(stream) == [], "acknowledged is forgotten"


async def test_a_changed_password_is_a_credential_change_and_ends_the_sessions(siem: EventReceiver) -> None:
    stream = await siem.stream()
    now = siem.issuer.now
    await siem.issuer.store.write(lambda: end_authority("acme", "usr_alice", "password_changed", now))
    [claims] = await siem.events(stream)
    kind, facts = only_event(claims)
    assert kind == CREDENTIAL_CHANGE
    assert (facts["credential_type"], facts["change_type"]) == ("password", "update")
    assert claims["sub_id"] == {"format": "iss_sub", "iss": siem.issuer.url, "sub": "usr_alice"}


async def test_what_becomes_of_an_account_is_told(siem: EventReceiver) -> None:
    stream, now = await siem.stream(), siem.issuer.now
    changed = alice(enabled=False, roles=("customer", "admin"), email="new@acme.test")
    await siem.issuer.store.write(lambda: tell_of_account(changed, {"enabled", "roles", "email"}, "admin", now))
    await siem.issuer.store.write(lambda: tell_of_account(alice(), {"enabled"}, "admin", now))
    await siem.issuer.store.write(lambda: tell_of_removal("acme", "usr_alice", now))
    told = [only_event(claims) for claims in await siem.events(stream)]
    assert sorted(kind.rpartition("/")[2] for kind, _ in told) == [
        "account-disabled",
        "account-enabled",
        "account-purged",
        "identifier-changed",
        "token-claims-change",
    ]
    facts = {kind.rpartition("/")[2]: facts for kind, facts in told}
    assert facts["token-claims-change"]["claims"] == {"roles": ["customer", "admin"]}
    assert facts["identifier-changed"]["new-value"] == "new@acme.test"


async def test_a_session_that_rests_on_more_than_before_is_told(siem: EventReceiver) -> None:
    stream = await siem.stream(events_requested=[ASSURANCE_LEVEL_CHANGE])
    store, now = siem.issuer.store, siem.issuer.now
    realm = await store.read(get(Realm, "acme", "acme", now))
    account = await store.read(get(Account, "acme", "usr_alice", now))
    assert realm is not None
    assert account is not None
    by_password = NewSession(account=account, evidence=Evidence("pwd", now))
    first = await store.write(lambda: sign_in(realm, by_password))
    more = NewSession(account=account, evidence=Evidence("otp", now), previous_digest=first.session.handle_digest)
    await store.write(lambda: sign_in(realm, more))
    [claims] = await siem.events(stream)
    _, facts = only_event(claims)
    assert (facts["previous_level"], facts["current_level"], facts["change_direction"]) == ("1", "2", "increase")
    assert claims["sub_id"]["session"] == {"format": "opaque", "id": first.session.id}


async def test_only_what_was_asked_for_is_sent(siem: EventReceiver) -> None:
    sessions, credentials = (
        await siem.stream(events_requested=[SESSION_REVOKED]),
        await siem.stream(events_requested=[CREDENTIAL_CHANGE]),
    )
    await sign_out(siem.issuer)
    assert [only_event(claims)[0] for claims in await siem.events(sessions)] == [SESSION_REVOKED]
    assert await siem.events(credentials) == []


@pytest.mark.spec("RFC 8936 section 2.4")
async def test_polling_in_pieces_and_again(siem: EventReceiver) -> None:
    stream = await siem.stream(events_requested=[SESSION_REVOKED])
    for _ in range(3):
        await sign_out(siem.issuer)
    first = await siem.poll(stream, maxEvents=2)
    assert len(first["sets"]) == 2
    assert first["moreAvailable"] is True
    again = await siem.poll(stream, maxEvents=2)
    assert list(again["sets"]) == list(first["sets"]), "what is not acknowledged comes again, with the same jti"
    rest = await siem.poll(stream, maxEvents=2, ack=list(first["sets"]))
    assert len(rest["sets"]) == 1
    assert not rest.get("moreAvailable")
    assert (await siem.poll(stream, maxEvents=0, ack=list(rest["sets"])))["sets"] == {}
    assert (await siem.poll(stream))["sets"] == {}


@pytest.mark.spec("RFC 8936 section 2.4")
async def test_an_error_of_the_receiver_is_noted_and_not_repeated(siem: EventReceiver) -> None:
    stream = await siem.stream()
    await sign_out(siem.issuer)
    [token_id] = (await siem.poll(stream))["sets"]
    wrong = {token_id: {"err": "authentication_failed", "description": "wrong key"}}
    assert (await siem.poll(stream, setErrs=wrong))["sets"] == {}
    assert "stream.set_refused" in [one.reason for one in siem.issuer.journal.decisions]


@pytest.mark.spec("RFC 8936 section 2.2")
async def test_a_long_poll_is_answered_when_something_happens(siem: EventReceiver) -> None:
    stream = await siem.stream()
    waiting = asyncio.create_task(siem.poll(stream, returnImmediately=False))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await sign_out(siem.issuer)
    found = await asyncio.wait_for(waiting, 15)
    assert len(found["sets"]) == 1


@pytest.mark.spec("RFC 8936 section 2.4")
async def test_what_is_no_poll_request_is_400(siem: EventReceiver) -> None:
    stream = await siem.stream()
    query = stream["delivery"]["endpoint_url"].partition("?")[2]
    documents: tuple[Any, ...] = (b"maxEvents=1", {"maxEvents": -1}, {"ack": "one"}, {"returnImmediately": "yes"}, [])
    for document in documents:
        assert (await siem.call("POST", "ssf/poll", document, query=query)).status == 400, document


@pytest.mark.attack("T1")
async def test_nobody_acknowledges_for_another(siem: EventReceiver) -> None:
    other = EventReceiver(siem.issuer, "other")
    mine, theirs = await siem.stream(), await other.stream()
    await sign_out(siem.issuer)
    [token_id] = (await siem.poll(mine))["sets"]
    await other.poll(theirs, ack=[token_id], setErrs={token_id: {"err": "x"}})
    assert list((await siem.poll(mine))["sets"]) == [token_id]


@pytest.mark.spec("RFC 8935 section 2")
async def test_a_pushed_event_is_the_token_alone_with_the_header_asked_for(
    siem: EventReceiver, there: Receiver
) -> None:
    delivery = {"method": PUSH, "endpoint_url": f"{there.origin}/events", "authorization_header": "Bearer of-the-siem"}
    await siem.stream(delivery=delivery)
    there.usual = 202
    async with working(siem.issuer):
        await sign_out(siem.issuer)
        [got] = await there.wait_for(1)
    assert got.headers["content-type"] == "application/secevent+jwt"
    assert got.headers["accept"] == "application/json"
    assert got.headers["authorization"] == "Bearer of-the-siem"
    assert only_event(await siem.read(got.body.decode()))[0] == SESSION_REVOKED


@pytest.mark.spec("RFC 8935 section 2.4")
async def test_a_push_is_repeated_with_the_same_jti_until_it_is_taken(siem: EventReceiver, there: Receiver) -> None:
    await siem.stream(delivery={"method": PUSH, "endpoint_url": there.origin})
    there.answers, there.usual = [503], 202
    async with working(siem.issuer):
        await sign_out(siem.issuer)
        first, second = await there.wait_for(2)
    assert "authorization" not in first.headers
    assert (await siem.read(first.body.decode()))["jti"] == (await siem.read(second.body.decode()))["jti"]


@pytest.mark.spec("OpenID Shared Signals Framework 1.0 section 8.1.4")
async def test_verification_comes_back_with_its_state(siem: EventReceiver) -> None:
    stream = await siem.stream()
    id = stream["stream_id"]
    assert (await siem.call("POST", "ssf/verification", {"stream_id": id, "state": "s-1"})).status == 204
    [claims] = await siem.events(stream)
    assert only_event(claims) == (VERIFICATION, {"state": "s-1"})
    assert claims["sub_id"] == {"format": "opaque", "id": id}
    too_soon = await siem.call("POST", "ssf/verification", {"stream_id": id})
    assert too_soon.status == 429
    assert int(too_soon.headers["retry-after"]) <= stream["min_verification_interval"]
    siem.issuer.later(stream["min_verification_interval"])
    assert (await siem.call("POST", "ssf/verification", {"stream_id": id})).status == 204
    [claims] = await siem.events(stream)
    assert only_event(claims) == (VERIFICATION, {})


@pytest.mark.spec("OpenID Shared Signals Framework 1.0 section 8.1.2")
async def test_a_paused_stream_keeps_and_a_disabled_one_drops(siem: EventReceiver) -> None:
    stream = await siem.stream(events_requested=[SESSION_REVOKED])
    id = stream["stream_id"]

    async def set_status(status: str) -> dict[str, Any]:
        answer = await siem.call("POST", "ssf/status", {"stream_id": id, "status": status, "reason": "maintenance"})
        assert answer.status == 200
        return answer.json

    assert await set_status("paused") == {"stream_id": id, "status": "paused", "reason": "maintenance"}
    await sign_out(siem.issuer)
    assert await siem.events(stream) == []
    await set_status("enabled")
    assert len(await siem.events(stream)) == 1
    await set_status("disabled")
    await sign_out(siem.issuer)
    assert (await siem.call("GET", "ssf/status", query=f"stream_id={id}")).json["status"] == "disabled"
    await set_status("enabled")
    assert await siem.events(stream) == []
    assert (await siem.call("POST", "ssf/status", {"stream_id": id, "status": "asleep"})).status == 400


async def test_a_push_stream_that_was_paused_gets_what_it_missed(siem: EventReceiver, there: Receiver) -> None:
    id = (await siem.stream(delivery={"method": PUSH, "endpoint_url": there.origin}))["stream_id"]
    await siem.call("POST", "ssf/status", {"stream_id": id, "status": "paused"})
    async with working(siem.issuer):
        await sign_out(siem.issuer)
        await asyncio.sleep(0.3)
        assert there.got == []
        await siem.call("POST", "ssf/status", {"stream_id": id, "status": "enabled"})
        await there.wait_for(1)


@pytest.mark.spec("OpenID Shared Signals Framework 1.0 section 8.1.3")
@pytest.mark.parametrize(
    "subject",
    [
        {"format": "iss_sub", "iss": "ISSUER", "sub": "usr_alice"},
        {"format": "opaque", "id": "usr_alice"},
    ],
)
async def test_a_subject_taken_out_is_not_told_of_until_taken_in_again(
    siem: EventReceiver, subject: dict[str, str]
) -> None:
    subject = {name: value.replace("ISSUER", siem.issuer.url) for name, value in subject.items()}
    stream = await siem.stream()
    named = {"stream_id": stream["stream_id"], "subject": subject}
    assert (await siem.call("POST", "ssf/subjects/remove", named)).status == 204
    await sign_out(siem.issuer)
    assert await siem.events(stream) == []
    assert (await siem.call("POST", "ssf/subjects/add", {**named, "verified": True})).status == 200
    await sign_out(siem.issuer)
    assert len(await siem.events(stream)) == 1


@pytest.mark.spec("OpenID Shared Signals Framework 1.0 section 8.1.3")
async def test_adding_a_stranger_tells_nothing_and_nonsense_is_400(siem: EventReceiver) -> None:
    id = (await siem.stream())["stream_id"]
    stranger = {"format": "email", "email": "example.user@example.com"}
    assert (await siem.call("POST", "ssf/subjects/add", {"stream_id": id, "subject": stranger})).status == 200
    assert (await siem.call("POST", "ssf/subjects/remove", {"stream_id": id, "subject": stranger})).status == 204
    for subject in (
        None,
        {},
        {"format": "email"},
        {"format": "dna", "id": "x"},
        {"format": "opaque", "id": 5},
        "alice",
    ):
        assert (await siem.call("POST", "ssf/subjects/add", {"stream_id": id, "subject": subject})).status == 400


@pytest.mark.attack("S1")
async def test_a_push_endpoint_cannot_reach_inside(siem: EventReceiver) -> None:
    await siem.stream(delivery={"method": PUSH, "endpoint_url": "https://10.0.0.1/internal"})
    async with working(siem.issuer):
        await sign_out(siem.issuer)
        while not (told := [one for one in siem.issuer.journal.decisions if one.action == "delivery.send"]):
            await asyncio.sleep(0.01)
    assert told[0].reason == "delivery.postponed"
    assert "public address" in told[0].facts["why"]


async def test_poll_is_the_default_method_of_the_metadata(siem: EventReceiver) -> None:
    assert (await siem.stream(delivery={"method": POLL}))["delivery"]["method"] == POLL
