"""Event streams: their metadata, their life, and who may touch them."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.security_events import EVENTS_SUPPORTED
from tests.harness.issuer import RunningIssuer
from tests.issuer import Issuer
from tests.spec.shared_signals.receiver_side import (
    CREDENTIAL_CHANGE,
    POLL,
    PUSH,
    SESSION_REVOKED,
    EventReceiver,
    receiver_client,
)

pytestmark = pytest.mark.spec("OpenID Shared Signals Framework 1.0 section 8.1.1")
DEVICE = "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change"


@pytest.fixture
async def siem(issuer: Issuer) -> EventReceiver:
    """A receiver that may manage streams, and another."""
    await issuer.set_up(receiver_client(), receiver_client("other"), receiver_client("reader", scope="ssf.read"))
    return EventReceiver(issuer)


@pytest.mark.spec("OpenID Shared Signals Framework 1.0 section 7.2")
async def test_the_metadata_is_complete_and_has_no_empty_list(siem: EventReceiver) -> None:
    document = (await siem.issuer.send(".well-known/ssf-configuration", method="GET")).json
    issuer = siem.issuer.url
    assert document["issuer"] == issuer
    assert document["spec_version"] == "1_0"
    assert set(document["delivery_methods_supported"]) == {PUSH, POLL}
    assert document["default_subjects"] in ("ALL", "NONE")
    assert {"spec_urn": "urn:ietf:rfc:6749"} in document["authorization_schemes"]
    for name, value in document.items():
        assert value != [], name
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert value.startswith(f"{issuer}/")


@pytest.mark.spec("OpenID Shared Signals Framework 1.0 section 7.2.1")
async def test_the_metadata_is_found_from_the_issuers_name(served: RunningIssuer) -> None:
    client = served.client("web")
    inside = await client.send("GET", f"{served.url}/.well-known/ssf-configuration")
    before = await client.send("GET", f"{served.base_url}/.well-known/ssf-configuration/realms/acme")
    assert inside.status == before.status == 200
    assert inside.json == before.json


async def test_the_life_of_a_stream(siem: EventReceiver) -> None:
    asked: dict[str, Any] = {
        "description": "for us",
        "events_requested": [SESSION_REVOKED, CREDENTIAL_CHANGE, DEVICE],
        "delivery": {"method": POLL},
    }
    made = await siem.stream(**asked)
    assert (made["iss"], made["aud"]) == (siem.issuer.url, "siem")
    assert made["events_supported"] == list(EVENTS_SUPPORTED)
    assert made["events_delivered"] == [SESSION_REVOKED, CREDENTIAL_CHANGE], "what is asked for and exists"
    assert made["delivery"]["endpoint_url"].startswith(f"{siem.issuer.url}/ssf/poll?")
    query = f"stream_id={made['stream_id']}"
    assert (await siem.call("GET", "ssf/streams", query=query)).json == made
    listed = await siem.call("GET", "ssf/streams")
    assert listed.body.startswith(b"[")
    changed = await siem.call("PATCH", "ssf/streams", {"stream_id": made["stream_id"], "description": "changed"})
    assert changed.status == 200
    assert changed.json == {**made, "description": "changed"}
    push = {"method": PUSH, "endpoint_url": "https://siem.test/events", "authorization_header": "Bearer secret-of-ours"}
    replaced = await siem.call(
        "PUT", "ssf/streams", {"stream_id": made["stream_id"], "delivery": push, "iss": siem.issuer.url}
    )
    assert replaced.status == 200
    assert replaced.json["delivery"] == {"method": PUSH, "endpoint_url": "https://siem.test/events"}
    assert replaced.json["events_delivered"] == list(EVENTS_SUPPORTED), "left out: back to the default"
    assert "description" not in replaced.json
    assert b"secret-of-ours" not in (await siem.call("GET", "ssf/streams", query=query)).body
    assert (await siem.call("DELETE", "ssf/streams", query=query)).status == 204
    assert (await siem.call("GET", "ssf/streams", query=query)).status == 404
    assert (await siem.call("GET", "ssf/streams")).body == b"[]"


async def test_without_delivery_a_stream_is_polled(siem: EventReceiver) -> None:
    assert (await siem.stream())["delivery"]["method"] == POLL


BROKEN: tuple[Any, ...] = (
    b";{ broken",
    b"",
    b"[]",
    b'{"description": 5}',
    b'{"description": "a", "description": "b"}',
    {"delivery": {"method": "urn:example:carrier-pigeon"}},
    {"delivery": {"method": PUSH}},
    {"delivery": {"method": PUSH, "endpoint_url": "file:///etc/passwd"}},
    {"delivery": {"method": PUSH, "endpoint_url": "https://user:secret@siem.test/"}},
    {"delivery": {"method": PUSH, "endpoint_url": "https://siem.test/ x"}},
    {"delivery": {"method": PUSH, "endpoint_url": "https://siem.test/", "authorization_header": "a\r\nx: y"}},
    {"events_requested": "all"},
    {"iss": "https://evil.test"},
    {"aud": "other"},
    {"aud": ["siem", "other"]},
)


async def test_what_is_no_configuration_is_400(siem: EventReceiver) -> None:
    stream = await siem.stream()
    for document in BROKEN:
        assert (await siem.call("POST", "ssf/streams", document)).status == 400, document
        if isinstance(document, dict):
            document = {**document, "stream_id": stream["stream_id"]}
        assert (await siem.call("PATCH", "ssf/streams", document)).status == 400, document
        assert (await siem.call("PUT", "ssf/streams", document)).status == 400, document


async def test_a_stream_that_is_not_there_is_404(siem: EventReceiver) -> None:
    for method in ("PATCH", "PUT"):
        assert (await siem.call(method, "ssf/streams", {"stream_id": "stm_unknown"})).status == 404
    for method in ("GET", "DELETE"):
        assert (await siem.call(method, "ssf/streams", query="stream_id=stm_unknown")).status == 404
    assert (await siem.call("GET", "ssf/status", query="stream_id=stm_unknown")).status == 404
    assert (await siem.call("GET", "ssf/status")).status == 404
    assert (await siem.call("POST", "ssf/status", {"stream_id": "stm_unknown", "status": "paused"})).status == 404
    assert (await siem.call("POST", "ssf/verification", {"stream_id": "stm_unknown"})).status == 404
    assert (await siem.call("POST", "ssf/poll", {}, query="stream_id=stm_unknown")).status == 404


async def test_a_receiver_has_a_bounded_number_of_streams(siem: EventReceiver) -> None:
    for _ in range(16):
        await siem.stream()
    assert (await siem.call("POST", "ssf/streams", {})).status == 409


@pytest.mark.spec("RFC 6750 section 3")
@pytest.mark.attack("J10")
async def test_without_a_good_token_of_the_callers_own_nothing_is_answered(siem: EventReceiver) -> None:
    issuer = siem.issuer
    stream = await siem.stream()
    query = f"stream_id={stream['stream_id']}"
    account, session = await issuer.signed_in()
    await issuer.change(type(receiver_client()), "siem", grant_types=("client_credentials", "authorization_code"))
    await issuer.change(type(receiver_client()), "siem", redirect_uris=("https://app.test/cb",))
    await issuer.consent(account, "siem", ("ssf.manage",))
    code = await issuer.code(account, session, client="siem", scopes=("ssf.manage",))
    persons = (await issuer.redeem(code, client="siem")).json["access_token"]
    for bad in ("", "nonsense", "ksa_" + "A" * 80, persons):
        for method, path in (("GET", "ssf/streams"), ("POST", "ssf/streams"), ("DELETE", "ssf/streams")):
            answer = await siem.call(method, path, {} if method == "POST" else None, query=query, token=bad)
            assert answer.status == 401, (method, bad)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (await siem.call("GET", "ssf/streams", query=f"{query}&access_token=x", token="")).status in (400, 401)


async def test_reading_is_a_right_of_its_own(siem: EventReceiver) -> None:
    reader = EventReceiver(siem.issuer, "reader")
    token = await reader.token("ssf.read")
    assert (await reader.call("GET", "ssf/streams", token=token)).status == 200
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        answer = await reader.call(method, "ssf/streams", {}, token=token)
        assert answer.status == 403
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


@pytest.mark.attack("T1")
async def test_another_receivers_stream_is_not_there(siem: EventReceiver) -> None:
    stream, other = await siem.stream(), EventReceiver(siem.issuer, "other")
    id, query = stream["stream_id"], f"stream_id={stream['stream_id']}"
    subject = {"format": "email", "email": "alice@acme.test"}
    for method, path, document, asked in (
        ("GET", "ssf/streams", None, query),
        ("DELETE", "ssf/streams", None, query),
        ("PATCH", "ssf/streams", {"stream_id": id, "description": "mine"}, ""),
        ("PUT", "ssf/streams", {"stream_id": id}, ""),
        ("GET", "ssf/status", None, query),
        ("POST", "ssf/status", {"stream_id": id, "status": "disabled"}, ""),
        ("POST", "ssf/verification", {"stream_id": id}, ""),
        ("POST", "ssf/subjects/remove", {"stream_id": id, "subject": subject}, ""),
        ("POST", "ssf/subjects/add", {"stream_id": id, "subject": subject}, ""),
        ("POST", "ssf/poll", {"returnImmediately": True}, query),
    ):
        assert (await other.call(method, path, document, query=asked)).status == 404, path
    assert (await other.call("GET", "ssf/streams")).body == b"[]"
    assert (await siem.call("GET", "ssf/streams", query=query)).json == stream
