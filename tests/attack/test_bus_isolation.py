"""The bus under attack: a sender that wants to receive, a receiver that wants to send, tokens that open nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats.errors
import pytest

from keystead.core.jose.algorithms import generate
from keystead.core.records.client import Client as ClientRecord
from keystead.core.records.realm import Realm
from keystead.core.records.workload import RoleAssignment, Workload
from keystead.sdk.bus import BusMessage, BusRefused
from tests.attack.local_bus import BILLING, ISSUER, LocalBus, closed_within, connect, kicks, local_bus, start_server


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[LocalBus]:
    async with local_bus(tmp_path) as running:
        yield running


# --- B1: a sender only sends, a receiver only receives -------------------------------------------------------


@pytest.mark.attack("B1")
async def test_what_is_allowed_works(bus: LocalBus) -> None:
    sender, receiver = await bus.client("orders"), await bus.client("billing")
    subscription = await receiver.subscribe("orders.>")
    assert await receiver.settle() == []
    await sender.publish("orders.placed", b"42")
    assert await sender.settle() == []
    message = await subscription.next_msg(timeout=2)
    assert (message.subject, message.data) == ("orders.placed", b"42")
    assert bus.reasons() == ["bus.admitted", "bus.admitted"]
    for client in (sender, receiver):
        await client.close()


SUBSCRIPTIONS = [
    "orders.placed",
    "orders.>",
    "orders.*",
    ">",
    "*",
    "*.*",
    "$SYS.>",
    "$SYS.REQ.USER.AUTH",
    "$SYS.ACCOUNT.APP.CONNECT",
    "_INBOX.>",
    "_INBOX.a.b",
    "_INBOX_orders.>",
    "_INBOX_billing.>",
    "$JS.>",
    "$JS.API.>",
    "$KV.>",
    "$MQTT.>",
    "_R_.>",
    "other.subject",
]


@pytest.mark.attack("B1")
async def test_a_sender_receives_nothing(bus: LocalBus) -> None:
    client = await bus.client("orders")
    for number, subject in enumerate(SUBSCRIPTIONS, start=1):
        await client.subscribe(subject)
        assert len(await client.settle()) == number, f"subscribed to {subject}"
        assert "permissions violation for subscription" in client.problems[-1]
    await client.subscribe("orders.>", queue="workers")
    assert "permissions violation" in (await client.settle())[-1]
    await client.close()


@pytest.mark.attack("B1")
async def test_a_sender_gets_no_reply_to_a_request(bus: LocalBus) -> None:
    client = await bus.client("orders")
    with pytest.raises((nats.errors.TimeoutError, nats.errors.NoRespondersError)):
        await client.request("orders.placed", b"", timeout=0.3)
    assert any("permissions violation for subscription" in problem for problem in client.problems)
    await client.close()


PUBLICATIONS = [
    "orders.placed",
    "billing.paid",
    "orders",
    "$SYS.REQ.SERVER.PING",
    "$SYS.REQ.SERVER.PING.CONNZ",
    "$SYS.REQ.USER.AUTH",
    "$SYS.REQ.ACCOUNT.PING.CONNZ",
    "$SYS.REQ.USER.INFO",
    "$JS.API.STREAM.CREATE.x",
    "$JS.API.INFO",
    "$JS.ACK.orders.billing.1.1.1.1.1",
    "$KV.bucket.key",
    "$MQTT.msgs.a",
    "_INBOX.a.b",
    "_INBOX_orders.a",
    "_R_.a",
    ">",
]


@pytest.mark.attack("B1")
async def test_a_receiver_sends_nothing_not_even_a_reply(bus: LocalBus) -> None:
    client = await bus.client("billing")
    for number, subject in enumerate(PUBLICATIONS, start=1):
        await client.publish(subject, b"x", reply="")
        assert len(await client.settle()) == number, f"published to {subject}"
        assert "permissions violation for publish" in client.problems[-1]
    sender = await bus.client("orders")
    subscription = await client.subscribe("orders.>")
    await client.settle()
    await sender.publish("orders.placed", b"x", reply="orders.reply")
    await sender.settle()
    message = await subscription.next_msg(timeout=2)
    await message.respond(b"a reply is a message too")
    assert "permissions violation for publish" in (await client.settle())[-1]
    await client.close()
    await sender.close()


@pytest.mark.attack("B1")
async def test_a_sender_sends_only_where_its_role_is(bus: LocalBus) -> None:
    client = await bus.client("orders")
    for number, subject in enumerate([*PUBLICATIONS[1:], "Orders.placed", "billing.>"], start=1):
        await client.publish(subject, b"x")
        assert len(await client.settle()) == number, f"published to {subject}"
        assert "permissions violation for publish" in client.problems[-1]
    await client.close()


@pytest.mark.attack("B1")
async def test_a_receiver_receives_only_where_its_role_is(bus: LocalBus) -> None:
    client = await bus.client("billing")
    elsewhere = [subject for subject in SUBSCRIPTIONS if not subject.startswith("orders.")]
    for number, subject in enumerate([*elsewhere, "*.placed", "*.>", "billing.>", "orders"], start=1):
        await client.subscribe(subject)
        assert len(await client.settle()) == number, f"subscribed to {subject}"
        assert "permissions violation for subscription" in client.problems[-1]
    await client.close()


@pytest.mark.attack("B1")
async def test_queue_groups_give_nothing_more(bus: LocalBus) -> None:
    client = await bus.client("billing")
    await client.subscribe("billing.>", queue="orders")
    assert "permissions violation" in (await client.settle())[0]
    await client.close()


@pytest.mark.attack("B1")
async def test_the_service_is_told(bus: LocalBus) -> None:
    sender, _ = await bus.bus("orders")
    receiver, _ = await bus.bus("billing")

    async def ignore(message: BusMessage) -> None:
        return

    with pytest.raises(BusRefused, match="violation for subscription"):
        await sender.subscribe("orders.>", ignore)
    await receiver.publish("orders.placed", b"")
    with pytest.raises(BusRefused, match="violation for publish"):
        await receiver.flush()
    await receiver.flush()
    await sender.close()
    await receiver.close()


# --- B2: other accounts, other names -------------------------------------------------------------------------


@pytest.mark.attack("B2")
@pytest.mark.parametrize(
    "options",
    [
        {"user": "SYS", "password": "x"},
        {"user": "AUTH", "password": ""},
        {"user": "", "password": ""},
        {"name": "keystead callout"},
    ],
)
async def test_user_and_password_or_a_borrowed_name_open_nothing(bus: LocalBus, options: dict[str, str]) -> None:
    await refused(bus, **options)


@pytest.mark.attack("B2")
async def test_a_good_token_beside_another_credential_is_refused(bus: LocalBus) -> None:
    """Whoever shows two identities could be taken for either; the server might prefer the other one some day."""
    token = await bus.token("orders")
    for other in ('"user":"SYS","pass":"x"', '"user":"billing"', '"pass":"x"', '"nkey":"UX","sig":"AA"'):
        lines = await raw(bus, b'CONNECT {"auth_token":"%s",%s}\r\nPING\r\n' % (token.encode(), other.encode()))
        assert b"Authorization Violation" in lines
        assert b"PONG" not in lines
    assert set(bus.reasons()) == {"bus.other_credential"}


@pytest.mark.attack("B2")
async def test_a_public_key_of_ours_without_its_seed(bus: LocalBus) -> None:
    for key in (bus.driver._keys.callout, bus.driver._keys.system, bus.driver._keys.issuer):
        lines = await raw(bus, b'CONNECT {"verbose":true,"nkey":"%s","sig":"AAAA"}\r\nPING\r\n' % key.public.encode())
        assert b"Authorization Violation" in lines
        assert b"PONG" not in lines


@pytest.mark.attack("B2")
async def test_asking_for_another_account_or_no_echo_changes_nothing(bus: LocalBus) -> None:
    token = await bus.token("orders")
    for options in (b"", b',"account":"SYS"', b',"account":"SYS","new_account":true', b',"echo":false,"headers":true'):
        frames = b'CONNECT {"verbose":false,"auth_token":"%s"%s}\r\nSUB $SYS.> 1\r\nPING\r\n'
        lines = await raw(bus, frames % (token.encode(), options), until=b"Violation")
        assert b"Authorization Violation" in lines or b"Permissions Violation for Subscription" in lines


@pytest.mark.attack("B2")
async def test_a_plain_client_named_like_a_workload_is_not_it(bus: LocalBus) -> None:
    await bus.change("client", "orders", ClientRecord(realm="acme", id="orders", grant_types=("client_credentials",)))
    await refused(bus, token=await bus.token("orders"), reason="bus.other_client")
    await bus.change("client", "orders", ClientRecord(realm="acme", id="orders", workload="orders"))
    await (await bus.client("orders")).close()


# --- B3: absent, garbled, expired, foreign, revoked tokens ---------------------------------------------------


@pytest.mark.attack("B3")
async def test_without_a_token(bus: LocalBus) -> None:
    await refused(bus, reason="bus.no_token")


@pytest.mark.attack("B3")
@pytest.mark.parametrize("junk", ["x", "a.b.c", "e30.e30.", "é" * 10, "." * 100, "x" * 12_000])
async def test_garbage(bus: LocalBus, junk: str) -> None:
    await refused(bus, token=junk)


@pytest.mark.attack("B3")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": int(time.time()) - 1, "iat": int(time.time()) - 100}, "bus.token_expired"),
        ({"exp": None}, "bus.token_claim_missing"),
        ({"aud": "https://inventory.acme.example"}, "bus.token_audience"),
        ({"aud": ISSUER}, "bus.token_audience"),
        ({"aud": "https://bus.acme.example/"}, "bus.token_audience"),
        ({"aud": None}, "bus.token_claim_missing"),
        ({"iss": "https://id.example/realms/other"}, "bus.token_issuer"),
        ({"nbf": int(time.time()) + 1000}, "bus.token_not_yet_valid"),
        ({"jti": None}, "bus.token_claim_missing"),
        ({"client_id": None}, "bus.token_claim_missing"),
        ({"act": "gateway"}, "bus.claims"),
        ({"typ": "JWT"}, "bus.token_type"),
        ({"typ": "workload-assertion+jwt"}, "bus.token_type"),
        ({"workload": "idle"}, "bus.no_role"),
        ({"workload": "broken"}, "bus.no_role"),
        ({"workload": "retired"}, "workload.disabled"),
        ({"workload": "nobody"}, "workload.disabled"),
        ({"workload": "orders", "client_id": "billing"}, "bus.other_client"),
        ({"workload": "usr_alice", "client_id": "orders"}, "bus.delegated"),
        ({"act": {"sub": "gateway"}}, "bus.delegated"),
        ({"sid": "ses_1"}, "bus.delegated"),
        ({"gid": "grt_1"}, "bus.delegated"),
        ({"cnf": {"jkt": "k" * 43}}, "bus.bound"),
        ({"cnf": {"x5t#S256": "k" * 43}}, "bus.bound"),
        ({"cnf": {}}, "bus.bound"),
    ],
)
async def test_tokens_that_do_not_open_the_bus(bus: LocalBus, changes: dict[str, Any], reason: str) -> None:
    await refused(bus, token=await bus.token(**changes), reason=reason)


@pytest.mark.attack("B3")
async def test_signed_by_another_key(bus: LocalBus) -> None:
    kid = (await bus.keys.signer("acme", bus.context.admission._clock())).kid
    await refused(bus, token=await bus.token(key=generate("ES256")), reason="bus.token_key_unknown")
    await refused(bus, token=await bus.token(key=generate("ES256", kid)), reason="bus.token_signature")


@pytest.mark.attack("B3")
async def test_a_revoked_token(bus: LocalBus) -> None:
    token = await bus.token()
    await bus.revoke(token)
    await refused(bus, token=token, reason="token.revoked")


@pytest.mark.attack("B3")
async def test_the_connection_ends_with_the_token(bus: LocalBus) -> None:
    client = await bus.client("orders", exp=int(time.time()) + 2)
    assert await closed_within(client, 3.5) > 0.5


# --- B3, F4: authority that ends while connected -------------------------------------------------------------


@pytest.mark.attack("F4")
@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("workload", Workload(realm="acme", id="billing", enabled=False, roles=BILLING)),
        ("workload", Realm(realm="acme", id="acme", enabled=False)),
        ("role_assignment", Workload(realm="acme", id="billing")),
        ("role_assignment", Workload(realm="acme", id="billing", roles=(RoleAssignment("bus-receiver", "other"),))),
    ],
)
async def test_authority_lost_while_connected_ends_within_a_second(bus: LocalBus, kind: str, record: Workload) -> None:
    receiver, sender = await bus.client("billing"), await bus.client("orders")
    subscription = await receiver.subscribe("orders.>")
    await receiver.settle()
    began = time.monotonic()
    await bus.change(kind, "billing", record)
    await closed_within(receiver, 1.0)
    assert time.monotonic() - began < 1.0
    if not sender.is_closed:
        await sender.publish("orders.placed", b"late")
        await sender.settle()
    assert subscription.delivered == 0
    realm_is_off = isinstance(record, Realm)
    ended = 2 if realm_is_off else 1
    assert len(await kicks(bus, ended)) == ended
    if realm_is_off:
        await closed_within(sender, 1.0)
    assert sender.is_closed == realm_is_off
    await sender.close()


@pytest.mark.attack("F4")
async def test_a_revoked_token_ends_its_connection_and_no_other(bus: LocalBus) -> None:
    token = await bus.token("orders")
    doomed, other = await connect(bus.url, token=token), await bus.client("orders")
    await bus.revoke(token)
    await closed_within(doomed, 1.0)
    await asyncio.sleep(0.5)
    assert not other.is_closed
    await other.close()


@pytest.mark.attack("F4")
async def test_admitted_while_the_driver_was_away_ends_when_it_is_back(bus: LocalBus) -> None:
    """What happened while nobody looked is found at the start: the connections are asked for, not remembered."""
    client, other = await bus.client("billing"), await bus.client("orders")
    await bus.driver.close()
    await bus.change("workload", "billing", Workload(realm="acme", id="billing", enabled=False))
    await asyncio.sleep(0.1)
    assert not client.is_closed
    bus.driver.begin()
    await closed_within(client, 2.0)
    assert not other.is_closed
    await other.close()


@pytest.mark.attack("F4")
async def test_news_that_came_while_being_admitted(bus: LocalBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Admitted a moment before the news, connected a moment after the first look: out all the same, soon."""
    admission = bus.context.admission
    decide = admission.admit
    decided = asyncio.Event()

    async def decide_and_dawdle(token: str) -> Any:
        outcome = await decide(token)
        decided.set()
        await asyncio.sleep(0.15)
        return outcome

    monkeypatch.setattr(admission, "admit", decide_and_dawdle)
    connecting = asyncio.create_task(bus.client("billing"))
    await decided.wait()
    await bus.change("role_assignment", "billing", Workload(realm="acme", id="billing"))
    client = await connecting
    await closed_within(client, 1.0)
    assert await kicks(bus, 1) == ["bus.roles_changed"]


# --- B3, B4: the callout is away, the server is fed garbage ---------------------------------------------------


@pytest.mark.attack("B3")
async def test_nobody_gets_in_while_nobody_answers(bus: LocalBus) -> None:
    admitted = await bus.client("orders")
    await bus.driver.close()
    attempts: list[dict[str, Any]] = [{"token": await bus.token()}, {}, {"user": "a", "password": "b"}]
    outcomes = await asyncio.gather(*(connect(bus.url, **options) for options in attempts), return_exceptions=True)
    assert [isinstance(outcome, nats.errors.Error) for outcome in outcomes] == [True] * 3
    await admitted.publish("orders.placed", b"")
    assert await admitted.settle() == []
    await admitted.close()


@pytest.mark.attack("B4")
@pytest.mark.parametrize(
    "frames",
    [
        b"\x00" * 4096,
        b"CONNECT {\r\n",
        b'CONNECT {"auth_token":' + b"[" * 3000 + b"\r\n",
        b'CONNECT {"auth_token":12345,"verbose":"x"}\r\nPING\r\n',
        b"PUB orders.placed 99999999999999999999\r\n",
        b"PUB orders.placed -1\r\n\r\n",
        b"SUB orders.> 1\r\nPING\r\n",
        b"HPUB a 10 5\r\nNATS/1.0\r\n\r\n",
        b"A" * 8192 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b'CONNECT {"auth_token":"x","tls_required":true,"protocol":99}\r\nPING\r\n',
    ],
)
async def test_malformed_frames_before_authentication(bus: LocalBus, frames: bytes) -> None:
    lines = await raw(bus, frames)
    assert b"PONG" not in lines
    assert not [line for line in lines.split(b"\r\n") if line.startswith((b"MSG", b"HMSG"))]
    assert bus.server.returncode is None
    await (await bus.client("orders")).close()


@pytest.mark.attack("B4")
async def test_the_driver_survives_the_server_and_goes_on(tmp_path: Path) -> None:
    async with local_bus(tmp_path) as bus:
        client = await bus.client("orders")
        bus.server.kill()
        await bus.server.wait()
        await closed_within(client, 2)
        server, url = await start_server(tmp_path / "bus", port=int(bus.url.rpartition(":")[2]))
        assert url == bus.url
        try:
            for _ in range(40):
                try:
                    client = await bus.client("orders")
                    break
                except (nats.errors.Error, OSError):
                    await asyncio.sleep(0.1)
            else:
                raise AssertionError("never admitted again")
            await client.close()
            # the one that watches is back as well
            client = await bus.client("billing")
            await bus.change("workload", "billing", Workload(realm="acme", id="billing", enabled=False))
            await closed_within(client, 2.0)
        finally:
            server.kill()
            await server.wait()


# --- T6: nothing secret in the journal or the server's log ----------------------------------------------------


@pytest.mark.attack("T6")
async def test_no_token_in_journal_or_server_log(bus: LocalBus, tmp_path: Path) -> None:
    tokens = [await bus.token(), await bus.token(aud="https://other.example"), await bus.token("idle")]
    for token in tokens:
        try:
            await (await connect(bus.url, token=token, name=token)).close()
        except nats.errors.Error:
            pass
    log = (tmp_path / "bus" / "nats-server.log").read_text() + repr(bus.journal.decisions)
    seeds = [path.read_text().strip() for path in (tmp_path / "bus").glob("*.seed")]
    assert len(seeds) == 3
    for secret in [*tokens, *(token.rpartition(".")[2] for token in tokens), *seeds]:
        assert secret not in log


async def test_what_the_journal_says(bus: LocalBus) -> None:
    await (await bus.client("orders")).close()
    [decision] = bus.journal.decisions
    assert (decision.action, decision.allowed, decision.subject) == ("bus.connect", True, "orders")
    assert decision.credential
    assert decision.credential.audience == ("https://bus.acme.example",)
    assert [check.name for check in decision.checks] == [
        "signature", "issuer", "audience", "expiry", "beginning", "own_token", "authority", "role",
    ]  # fmt: skip
    assert decision.facts["publish"] == ("orders.>",)


async def refused(bus: LocalBus, *, reason: str = "", **options: Any) -> None:
    """Demand that a connection fails, with nothing said but that it does."""
    with pytest.raises(nats.errors.Error) as caught:
        await connect(bus.url, **options)
    assert "authorization violation" in str(caught.value).lower()
    if reason:
        assert bus.reasons()[-1] == reason


async def raw(bus: LocalBus, frames: bytes, *, until: bytes = b"") -> bytes:
    """Send bytes and return what the server says until it hangs up, falls silent, or says `until`."""
    port = int(bus.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        writer.write(frames)
        await writer.drain()
        async with asyncio.timeout(3):
            while chunk := await reader.read(65_536):
                received += chunk
                if until and until in received:
                    break
    except (TimeoutError, OSError):
        pass
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        pass
    return received
