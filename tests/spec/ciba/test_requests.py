"""The backchannel authentication endpoint: what may be asked, and of whom."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.person_codes import person_code_mac
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.trusted_issuer import AccountMatch, ClaimCondition, TrustedIssuer
from tests.counter import NOTIFICATION_TOKEN, Counter, allow, open_counter
from tests.issuer import Issuer


@pytest.fixture
async def counter(issuer: Issuer) -> Counter:
    """A counter."""
    return await open_counter(issuer)


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.3")
async def test_the_answer_has_every_member(counter: Counter) -> None:
    answer = await counter.ask()
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"auth_req_id", "expires_in", "interval"}
    assert (answer.json["expires_in"], answer.json["interval"]) == (300, 5)
    assert len(answer.json["auth_req_id"]) > 40


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 4")
async def test_discovery(counter: Counter) -> None:
    document = (await counter.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["backchannel_authentication_endpoint"] == f"{counter.issuer.url}/backchannel_authentication"
    assert document["backchannel_token_delivery_modes_supported"] == ["poll", "ping", "push"]
    assert document["backchannel_user_code_parameter_supported"] is True
    assert {"PS256", "ES256"} <= set(document["backchannel_authentication_request_signing_alg_values_supported"])
    assert "urn:openid:params:grant-type:ciba" in document["grant_types_supported"]


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1")
@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 13")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"login_hint": None}, "invalid_request"),
        ({"id_token_hint": "x", "login_hint": "alice"}, "invalid_request"),
        ({"login_hint_token": "x", "login_hint": "alice"}, "invalid_request"),
        ({"login_hint": "nobody"}, "unknown_user_id"),
        ({"login_hint": "Alice"}, "unknown_user_id"),
        ({"login_hint": "x" * 300}, "unknown_user_id"),
        ({"login_hint": None, "id_token_hint": "x"}, "invalid_request"),
        ({"login_hint": None, "login_hint_token": "x"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "catalog:read"}, "invalid_scope"),
        ({"scope": "openid orders:read"}, "invalid_scope"),
        ({"binding_message": "x" * 65}, "invalid_binding_message"),
        ({"binding_message": "two\nlines"}, "invalid_binding_message"),
        ({"binding_message": "go to https://evil.test"}, "invalid_binding_message"),
        ({"requested_expiry": "0"}, "invalid_request"),
        ({"requested_expiry": "-5"}, "invalid_request"),
        ({"requested_expiry": "soon"}, "invalid_request"),
        ({"resource": "https://nowhere.test"}, "invalid_target"),
    ],
)
async def test_errors_are_exact(counter: Counter, form: dict[str, Any], error: str) -> None:
    answer = await counter.ask(**form)
    assert (answer.status, answer.error) == (400, error), answer.body


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1")
async def test_people_are_named_by_their_verified_address_too(counter: Counter) -> None:
    assert (await counter.ask(login_hint="alice@acme.test")).error == "unknown_user_id"
    await counter.issuer.change(Account, "usr_alice", email_verified=True)
    assert (await counter.ask(login_hint="alice@acme.test")).status == 200
    await counter.issuer.change(Account, "usr_alice", enabled=False)
    assert (await counter.ask(login_hint="alice@acme.test")).error == "unknown_user_id"


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1")
async def test_an_id_token_of_the_client_names_its_person(counter: Counter) -> None:
    begun = (await counter.ask()).json
    await allow(counter.issuer)
    token = (await counter.poll(begun["auth_req_id"])).json["id_token"]
    counter.issuer.later(7200)
    assert (await counter.ask(login_hint=None, id_token_hint=token)).status == 200
    other = Counter(counter.issuer, "counter2")
    assert (await other.ask(login_hint=None, id_token_hint=token)).error == "invalid_request"


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1")
async def test_a_login_hint_token_is_a_trusted_issuers_word(counter: Counter) -> None:
    issuer, key = counter.issuer, generate("ES256")
    await issuer.keep(
        TrustedIssuer(
            realm="acme",
            id="desk",
            issuer="https://desk.test",
            jwks={"keys": [key.public().jwk()]},
            conditions=(ClaimCondition("desk", equals=4),),
            account=AccountMatch("who", "username"),
            clients=("counter",),
        )
    )
    claims = {"iss": "https://desk.test", "sub": "4711", "aud": issuer.url, "desk": 4, "who": "alice", "jti": "1"}
    good = jws.sign({**claims, "exp": issuer.now + 60}, key, "JWT")
    assert (await counter.ask(login_hint=None, login_hint_token=good)).status == 200
    stranger = jws.sign({**claims, "who": "nobody", "exp": issuer.now + 60}, key, "JWT")
    assert (await counter.ask(login_hint=None, login_hint_token=stranger)).error == "unknown_user_id"
    assert (await Counter(issuer, "counter2").ask(login_hint=None, login_hint_token=good)).error == "unknown_user_id"
    issuer.later(61)
    expired = await counter.ask(login_hint=None, login_hint_token=good)
    assert (expired.status, expired.error) == (400, "expired_login_hint_token")


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1")
@pytest.mark.attack("U1")
async def test_the_persons_own_code(counter: Counter) -> None:
    issuer = counter.issuer
    mac = person_code_mac(issuer.cx.sealer, "acme", "usr_alice", "1234")
    await issuer.change(Account, "usr_alice", user_code_mac=mac)
    assert (await counter.ask()).status == 200, "this client takes no code"
    await issuer.change(Client, "counter", backchannel_user_code_parameter=True)
    assert (await counter.ask()).error == "missing_user_code"
    assert (await counter.ask(user_code="4321")).error == "invalid_user_code"
    assert (await counter.ask(user_code="1234")).status == 200
    assert (await counter.ask(login_hint="bob")).status == 200, "Bob never set one"
    errors = [(await counter.ask(user_code=str(number))).error for number in range(8)]
    assert errors[-1] == "access_denied"
    assert (await counter.ask(user_code="1234")).error == "access_denied", "even the right one waits"
    issuer.later(900)
    assert (await counter.ask(user_code="1234")).status == 200


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1")
async def test_requested_expiry_is_kept_within_ten_minutes(counter: Counter) -> None:
    assert (await counter.ask(requested_expiry="30")).json["expires_in"] == 30
    assert (await counter.ask(requested_expiry="86400")).json["expires_in"] == 600


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1")
@pytest.mark.parametrize("mode", ["ping", "push"])
async def test_ping_and_push_need_a_notification_token(counter: Counter, mode: str) -> None:
    await counter.issuer.change(
        Client,
        "counter",
        backchannel_token_delivery_mode=mode,
        backchannel_client_notification_endpoint="https://counter.test/cb",
    )
    assert (await counter.ask()).error == "invalid_request"
    for bad in ("short", "x" * 1025, "with space in the middle of it", 'quote"' * 4):
        assert (await counter.ask(client_notification_token=bad)).error == "invalid_request"
    answer = await counter.ask(client_notification_token=NOTIFICATION_TOKEN)
    assert answer.status == 200, answer.body
    assert ("interval" in answer.json) == (mode == "ping")


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1")
async def test_only_proven_clients_with_the_grant_may_ask(counter: Counter) -> None:
    await counter.issuer.change(Client, "counter", grant_types=("refresh_token",))
    assert (await counter.ask()).error == "unauthorized_client"
    wrong = await counter.issuer.post("backchannel_authentication", {"scope": "openid"}, basic=("counter", "wrong"))
    assert (wrong.status, wrong.error) == (401, "invalid_client")
    public = await counter.issuer.post("backchannel_authentication", {"scope": "openid", "client_id": "counter"})
    assert public.error == "invalid_client"


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1.1")
@pytest.mark.parametrize("typ", ["", "oauth-authz-req+jwt"])
async def test_a_signed_request(counter: Counter, typ: str) -> None:
    answer = await counter.ask_signed(typ=typ, requested_expiry="30")
    assert answer.status == 200, answer.body
    assert answer.json["expires_in"] == 30, "as a text, as the suite sends it"
    assert (await counter.ask_signed(typ=typ, requested_expiry=30)).json["expires_in"] == 30


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1.1")
@pytest.mark.spec("FAPI-CIBA section 5.2.2")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": "https://other.test"},
        {"iss": None},
        {"iss": "counter2"},
        {"exp": None},
        {"exp": 1_799_999_999},
        {"exp": 1_800_000_000 + 4200},
        {"iat": None},
        {"nbf": None},
        {"nbf": 1_800_000_000 + 600},
        {"nbf": 1_800_000_000 - 4200},
        {"jti": None},
        {"login_hint": None},
        {"id_token_hint": "x"},
        {"scope": 7.5},
        {"sub": "counter"},
    ],
)
async def test_unsound_signed_requests_are_refused(counter: Counter, changes: dict[str, Any]) -> None:
    answer = await counter.ask_signed(**changes)
    assert (answer.status, answer.error) == (400, "invalid_request"), answer.body


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1.1")
@pytest.mark.spec("FAPI-CIBA section 5.2.2")
async def test_who_registered_a_signature_must_sign_with_it(counter: Counter) -> None:
    rsa = generate("RS256", "rsa")
    keys = {"keys": [counter.key.public().jwk(), rsa.public().jwk()]}
    await counter.issuer.change(Client, "counter", jwks=keys)
    assert (await counter.ask_signed(rsa)).status == 200
    await counter.issuer.change(Client, "counter", backchannel_authentication_request_signing_alg="PS256")
    assert (await counter.ask()).error == "invalid_request"
    assert (await counter.ask_signed(rsa)).error == "invalid_request"
    assert (await counter.ask_signed()).status == 200
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    payload = jws.sign(counter.request_claims(), counter.key, "").split(".")[1]
    assert (await counter.send(f"{none}.{payload}.")).error == "invalid_request"


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 section 7.1.1")
@pytest.mark.attack("A1")
async def test_signed_requests_are_whole_and_good_once(counter: Counter) -> None:
    outside = await counter.ask_signed(outside={"login_hint": "bob"})
    assert outside.error == "invalid_request"
    stranger = await counter.ask_signed(generate("PS256"))
    assert stranger.error == "invalid_request"
    token = jws.sign(counter.request_claims(), counter.key, "")
    assert (await counter.send(token)).status == 200
    assert (await counter.send(token)).error == "invalid_request"


@pytest.mark.attack("U2")
async def test_asking_for_many_nobodies_makes_a_client_wait(counter: Counter) -> None:
    for number in range(50):
        assert (await counter.ask(login_hint=f"nobody-{number}")).error == "unknown_user_id"
    answer = await counter.ask()
    assert (answer.status, answer.error) == (503, "temporarily_unavailable")
    assert (await Counter(counter.issuer, "counter2").ask()).status == 200, "others do not wait"


async def test_nobody_is_worn_down_with_questions(counter: Counter) -> None:
    for _ in range(10):
        assert (await counter.ask()).status == 200
    answer = await counter.ask()
    assert (answer.status, answer.error) == (403, "access_denied")
    assert (await counter.ask(login_hint="bob")).status == 200
