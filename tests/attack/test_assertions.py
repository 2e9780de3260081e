"""Attacks on assertions of other issuers: replays, confusions, keys of the sender's choosing, bent conditions."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.claim_conditions import check_condition, matches_glob
from keystead.core.jose.algorithms import generate
from keystead.core.records.trusted_issuer import ClaimCondition
from tests.elsewhere import REPOSITORY, Elsewhere, open_elsewhere
from tests.issuer import SECRET
from tests.market import CATALOG, Market


@pytest.fixture
async def elsewhere(market: Market) -> Elsewhere:
    """Another issuer, trusted for one workload."""
    made = await open_elsewhere(market)
    await made.trusted()
    return made


@pytest.mark.attack("A1")
async def test_an_assertion_is_good_once_however_many_bring_it(elsewhere: Elsewhere) -> None:
    token = elsewhere.assertion()
    answers = await asyncio.gather(*(elsewhere.bring(token) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [200, *[400] * 7]
    assert {answer.error for answer in answers if answer.status != 200} == {"invalid_grant"}


@pytest.mark.attack("A1")
async def test_two_issuers_may_use_one_jti(elsewhere: Elsewhere) -> None:
    second = Elsewhere(elsewhere.market, issuer="https://second.elsewhere.test")
    await second.trusted(id="second")
    assert (await elsewhere.bring(elsewhere.assertion(jti="one"))).status == 200
    assert (await second.bring(second.assertion(jti="one"))).status == 200
    assert (await second.bring(second.assertion(jti="one"))).error == "invalid_grant"


@pytest.mark.attack("D1")
async def test_one_issuer_cannot_speak_as_another(elsewhere: Elsewhere) -> None:
    second = Elsewhere(elsewhere.market, issuer="https://second.elsewhere.test")
    await second.trusted(id="second", conditions=(ClaimCondition("sub", equals="other"),))
    assert (await second.bring(second.assertion(iss=elsewhere.issuer))).error == "invalid_client"
    assert (await elsewhere.bring(elsewhere.assertion(iss=f"{elsewhere.issuer}/"))).error == "invalid_client"
    own_token = (await elsewhere.market.tokens())["id_token"]
    assert (await elsewhere.bring(own_token)).error == "invalid_client", "our own tokens are no assertions"


@pytest.mark.attack("D3")
@pytest.mark.parametrize("member", ["jku", "x5u", "jwk", "x5c", "crit", "b64"])
async def test_no_key_comes_from_the_assertion(elsewhere: Elsewhere, member: str) -> None:
    mallory = generate("ES256")
    values: dict[str, Any] = {
        "jwk": mallory.public().jwk(),
        "x5c": ["MIIB"],
        "crit": ["b64"],
        "b64": False,
    }
    header = {"alg": "ES256", "typ": "JWT", "kid": mallory.kid, member: values.get(member, "https://evil.test/jwks")}
    segments = [
        base64.urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=") for part in (header, elsewhere.claims())
    ]
    text = b".".join(segments)
    signature = base64.urlsafe_b64encode(mallory.sign(text)).rstrip(b"=")
    assert (await elsewhere.bring((text + b"." + signature).decode())).error == "invalid_client"


@pytest.mark.attack("D3")
async def test_unsigned_and_foreign_signatures_are_refused(elsewhere: Elsewhere) -> None:
    good = elsewhere.assertion()
    header, payload, _ = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for bent in (
        f"{none}.{payload}.",
        f"{header}.{payload}.",
        good[:-4] + "AAAA",
        elsewhere.assertion(key=generate("ES256")),
    ):
        assert (await elsewhere.bring(bent)).error == "invalid_client"
    weak = generate("RS256")
    await elsewhere.trusted(id="rsa", jwks={"keys": [weak.public().jwk()]}, algorithms=("ES256",))
    assert (await elsewhere.bring(elsewhere.assertion(key=weak))).error == "invalid_client"


@pytest.mark.attack("G1")
async def test_other_clients_cannot_bring_anothers_assertion(elsewhere: Elsewhere) -> None:
    assert (await elsewhere.bring_as("web", elsewhere.assertion())).error == "invalid_grant"
    await elsewhere.trusted_for_people(id="people")
    person = elsewhere.person()
    for client in ("other", "jwtweb"):
        answer = await elsewhere.bring_as(client, elsewhere.assertion(**person))
        assert answer.error in ("invalid_grant", "unauthorized_client")
    public = {"client_id": "spa", "scope": "catalog:read"}
    assert (await elsewhere.bring(elsewhere.assertion(**person), **public)).error == "invalid_grant"
    assert (await elsewhere.bring(elsewhere.assertion(**person))).error == "invalid_client"


@pytest.mark.attack("G1")
async def test_an_assertion_opens_no_other_endpoint(elsewhere: Elsewhere) -> None:
    fields = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": elsewhere.assertion()}
    for path in ("introspect", "revoke", "device_authorization"):
        answer = await elsewhere.market.issuer.post(path, {"token": "x", **fields})
        assert answer.error == "invalid_client", path
    basic = await elsewhere.market.issuer.post("token", {**fields, "client_secret": SECRET})
    assert basic.error == "invalid_client"


@pytest.mark.attack("D1")
async def test_two_entries_that_both_fit_open_nothing(elsewhere: Elsewhere) -> None:
    await elsewhere.trusted(id="twin")
    assert (await elsewhere.bring(elsewhere.assertion())).error == "invalid_client"
    assert "several trusted issuers" in (elsewhere.market.issuer.journal.decisions[-1].facts["detail"])


@pytest.mark.attack("F4")
async def test_a_grant_of_an_assertion_dies_with_its_person(elsewhere: Elsewhere) -> None:
    from keystead.core.records.account import Account

    market = elsewhere.market
    await elsewhere.trusted_for_people(id="people")
    token = (await elsewhere.bring_as("trusted", elsewhere.assertion(**elsewhere.person()))).json["access_token"]
    assert await market.active(token, "trusted")
    await market.issuer.change(Account, market.account.id, authority_epoch=1)
    assert not await market.active(token, "trusted")


@pytest.mark.attack("G1")
@pytest.mark.parametrize(
    ("condition", "claims"),
    [
        (ClaimCondition("sub"), {"sub": "x"}),
        (ClaimCondition("sub", equals="a", prefix="a"), {"sub": "a"}),
        (ClaimCondition("sub", equals="a"), {}),
        (ClaimCondition("sub", equals="a"), {"sub": "A"}),
        (ClaimCondition("sub", equals="a"), {"sub": ["a"]}),
        (ClaimCondition("sub", equals="a"), {"sub": {"a": 1}}),
        (ClaimCondition("verified", equals=True), {"verified": 1}),
        (ClaimCondition("verified", equals=True), {"verified": "true"}),
        (ClaimCondition("n", equals=1), {"n": True}),
        (ClaimCondition("n", one_of=(1, 2)), {"n": True}),
        (ClaimCondition("n", at_least=3), {"n": 2}),
        (ClaimCondition("n", at_least=0), {"n": True}),
        (ClaimCondition("n", at_least=3), {"n": "4"}),
        (ClaimCondition("n", at_most=3), {"n": 4}),
        (ClaimCondition("groups", contains="admin"), {"groups": "administrators, admin"}),
        (ClaimCondition("groups", contains="admin"), {"groups": ["administrator"]}),
        (ClaimCondition("sub", prefix="repo:acme/"), {"sub": "xrepo:acme/shop"}),
        (ClaimCondition("sub", prefix="repo:acme/"), {"sub": ["repo:acme/"]}),
        (ClaimCondition("sub", glob="repo:acme/*:ref:refs/heads/main"), {"sub": "repo:acme/a/b:ref:refs/heads/main"}),
        (ClaimCondition("sub", glob="repo:acme/*"), {"sub": "repo:acme/shop:ref:refs/heads/main"}),
        (ClaimCondition("sub", glob="repo:acme/*:x"), {"sub": "repo:acme/evil:y:x"}),
        (ClaimCondition("sub", glob="repo:acme/*"), {"sub": "REPO:ACME/SHOP"}),
        (ClaimCondition(("a", "b"), equals="c"), {"a/b": "c", "a.b": "c", "a": "b"}),
        (ClaimCondition("a.b", equals="c"), {"a": {"b": "c"}}),
    ],
)
def test_no_condition_can_be_bent(condition: ClaimCondition, claims: dict[str, Any]) -> None:
    assert not check_condition(condition, claims).passed


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("repo:acme/*:ref:refs/heads/main", REPOSITORY),
        ("repo:acme/**", REPOSITORY),
        ("**", ""),
        ("*", ""),
        ("a*c", "ac"),
        ("a**z*", "a/b:c/zq"),
        ("**/main", REPOSITORY),
        ("*:*:*:*/*/*", "a:b:c:d/e/f"),
    ],
)
def test_globs_match_what_they_say(pattern: str, text: str) -> None:
    assert matches_glob(pattern, text)


def test_a_hostile_glob_costs_no_time() -> None:
    assert not matches_glob("**a" * 30, "a" * 29 + "b" * 2000)


@pytest.mark.attack("S1")
async def test_keys_are_fetched_through_the_guarded_door_only(elsewhere: Elsewhere) -> None:
    await elsewhere.trusted(id="uri", jwks=None, jwks_uri="http://169.254.169.254/keys", workload="deployer")
    answer = await elsewhere.bring(elsewhere.assertion(iss=elsewhere.issuer, sub=REPOSITORY))
    assert answer.status == 200, "the other entry still has its own keys"
    alone = Elsewhere(elsewhere.market, issuer="https://alone.elsewhere.test")
    await alone.trusted(id="alone", jwks=None, discovery=True)
    assert (await alone.bring(alone.assertion(), resource=CATALOG)).error == "invalid_client"
    assert "its keys cannot be had" in elsewhere.market.issuer.journal.decisions[-1].facts["detail"]


@given(st.text("ab/:*", max_size=12), st.text("ab/:", max_size=12))
def test_globs_agree_with_regular_expressions(pattern: str, text: str) -> None:
    pieces = {"**": ".*", "*": "[^/:]*"}
    expression = "".join(pieces.get(piece) or re.escape(piece) for piece in re.findall(r"\*\*|\*|[^*]+", pattern))
    assert matches_glob(pattern, text) == bool(re.fullmatch(expression, text))
