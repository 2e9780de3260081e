"""A1: workload assertions replayed, sent elsewhere, living too long, or signed by whoever may not: refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.core.decisions import Denied
from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.base64url import encode
from keystead.core.jose.keys import PrivateKey
from keystead.core.protocols import VerifiedWorkload
from keystead.core.records.workload import Agent, Workload
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Store, put
from keystead.storage.sqlite import open_store
from keystead.workload.assertions import ASSERTION_TYP, StoreWorkloadAssertions, sign_assertion

pytestmark = pytest.mark.attack("A1")

NOW = EpochSeconds(1_800_000_000)
ISSUER = "https://id.example/realms/acme"
KEY = generate("ES256")


def agent(key: PrivateKey = KEY, **changes: Any) -> Agent:
    defaults: dict[str, Any] = {"jwks": {"keys": [key.public().jwk()]}, "workloads": ("orders", "retired", "ghost")}
    return Agent(realm="acme", id="node-1", **{**defaults, **changes})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(str(tmp_path / "keystead.db"))
    for record in (
        agent(),
        Workload(realm="acme", id="orders"),
        Workload(realm="acme", id="billing"),
        Workload(realm="acme", id="retired", enabled=False),
        Workload(realm="other", id="orders"),
    ):
        await opened.write(partial(put, record, NOW))
    yield opened
    await opened.close()


def claims(**changes: Any) -> dict[str, Any]:
    base = {"iss": "node-1", "sub": "orders", "aud": ISSUER, "iat": NOW, "exp": NOW + 30, "jti": "j" * 43}
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


async def refused(store: Store, assertion: str, reason: str, *, now: int = NOW, realm: str = "acme") -> None:
    outcome = await StoreWorkloadAssertions(store).verify(realm, assertion, ISSUER, EpochSeconds(now))
    assert isinstance(outcome, Denied), outcome
    assert outcome.reason == f"workload_assertion.{reason}"


async def test_a_good_assertion_names_its_workload(store: Store) -> None:
    assertion = sign_assertion(KEY, "node-1", "orders", ISSUER, NOW, attested={"uid": 1})
    outcome = await StoreWorkloadAssertions(store).verify("acme", assertion, ISSUER, NOW)
    assert isinstance(outcome, VerifiedWorkload)
    assert (outcome.workload, outcome.agent) == ("orders", "node-1")
    assert {check.name for check in outcome.checks} >= {"signature", "audience", "assertion_single_use"}
    assert all(check.passed for check in outcome.checks)


async def test_a_copy_is_refused_also_by_another_process_and_after_a_restart(store: Store, tmp_path: Path) -> None:
    assertion = sign_assertion(KEY, "node-1", "orders", ISSUER, NOW)
    assert isinstance(await StoreWorkloadAssertions(store).verify("acme", assertion, ISSUER, NOW), VerifiedWorkload)
    await refused(store, assertion, "replayed")
    second = open_store(str(tmp_path / "keystead.db"))
    await refused(second, assertion, "replayed", now=NOW + 29)
    await second.close()


async def test_of_many_copies_at_once_one_is_accepted(store: Store) -> None:
    assertion = sign_assertion(KEY, "node-1", "orders", ISSUER, NOW)
    verifier = StoreWorkloadAssertions(store)
    outcomes = await asyncio.gather(*(verifier.verify("acme", assertion, ISSUER, NOW) for _ in range(32)))
    assert sum(isinstance(outcome, VerifiedWorkload) for outcome in outcomes) == 1


async def test_two_agents_may_choose_the_same_jti(store: Store) -> None:
    other = generate("EdDSA")
    record = msgspec.structs.replace(agent(other), id="node-2")
    await store.write(lambda: put(record, NOW))
    verifier = StoreWorkloadAssertions(store)
    for name, key in (("node-1", KEY), ("node-2", other)):
        assertion = jws.sign(claims(iss=name), key, ASSERTION_TYP)
        assert isinstance(await verifier.verify("acme", assertion, ISSUER, NOW), VerifiedWorkload)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "https://id.example/realms/other"}, "audience"),
        ({"aud": f"{ISSUER}/token"}, "audience"),
        ({"aud": f"{ISSUER}/"}, "audience"),
        ({"aud": [ISSUER]}, "audience"),
        ({"aud": [ISSUER, "https://evil.example"]}, "audience"),
        ({"aud": None}, "claim_missing"),
        ({"exp": NOW + 61}, "lifetime"),
        ({"exp": NOW + 365 * 86_400}, "lifetime"),
        ({"exp": NOW, "iat": NOW - 30}, "expired"),
        ({"exp": None}, "claim_missing"),
        ({"exp": str(NOW + 30)}, "claim_malformed"),
        ({"exp": 1e300}, "claim_malformed"),
        ({"iat": NOW + 61, "exp": NOW + 90}, "not_yet_valid"),
        ({"iat": None}, "claim_missing"),
        ({"jti": None}, "claim_missing"),
        ({"jti": ""}, "claim_missing"),
        ({"jti": 7}, "claim_malformed"),
        ({"sub": None}, "claim_missing"),
        ({"sub": "billing"}, "not_of_agent"),
        ({"sub": "retired"}, "workload_disabled"),
        ({"sub": "ghost"}, "workload_disabled"),
        ({"sub": "Orders"}, "not_of_agent"),
        ({"iss": "node-2"}, "unknown_agent"),
        ({"iss": "orders"}, "unknown_agent"),
        ({"iss": None}, "malformed"),
        ({"iss": ["node-1"]}, "malformed"),
    ],
)
async def test_wrong_claims(store: Store, changes: dict[str, Any], reason: str) -> None:
    await refused(store, jws.sign(claims(**changes), KEY, ASSERTION_TYP), reason)


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "client-authentication+jwt", ""])
async def test_another_kind_of_token_signed_by_the_agent(store: Store, typ: str) -> None:
    await refused(store, jws.sign(claims(), KEY, typ), "type")


async def test_signed_by_another_key_with_the_agents_kid(store: Store) -> None:
    await refused(store, jws.sign(claims(), generate("ES256", KEY.kid), ASSERTION_TYP), "signature")


async def test_not_signed_at_all(store: Store) -> None:
    payload = encode(msgspec.json.encode(claims())).decode()
    for algorithm in ("none", "None", "NONE", "HS256"):
        header = encode(msgspec.json.encode({"alg": algorithm, "typ": ASSERTION_TYP, "kid": KEY.kid})).decode()
        outcome = await StoreWorkloadAssertions(store).verify("acme", f"{header}.{payload}.", ISSUER, NOW)
        assert isinstance(outcome, Denied)


@pytest.mark.parametrize("junk", ["", ".", "..", "a.b.c", "e30.e30.", "\0", "é.é.é", "x" * 100_000, "{}"])
async def test_junk(store: Store, junk: str) -> None:
    assert isinstance(await StoreWorkloadAssertions(store).verify("acme", junk, ISSUER, NOW), Denied)


async def test_agent_of_another_realm(store: Store) -> None:
    await refused(store, sign_assertion(KEY, "node-1", "orders", ISSUER, NOW), "unknown_agent", realm="other")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"enabled": False}, "agent_disabled"),
        ({"workloads": ()}, "not_of_agent"),
        ({"jwks": {"keys": []}}, "key_unknown"),
        ({"jwks": {"keys": [generate("ES256").public().jwk()]}}, "key_unknown"),
        ({"jwks": {}}, "key_unknown"),
    ],
)
async def test_a_change_of_the_agent_holds_from_the_next_assertion_on(
    store: Store, changes: dict[str, Any], reason: str
) -> None:
    verifier = StoreWorkloadAssertions(store)
    first = sign_assertion(KEY, "node-1", "orders", ISSUER, NOW)
    assert isinstance(await verifier.verify("acme", first, ISSUER, NOW), VerifiedWorkload)
    await store.write(lambda: put(agent(version=1, **changes), NOW))
    outcome = await verifier.verify("acme", sign_assertion(KEY, "node-1", "orders", ISSUER, NOW), ISSUER, NOW)
    assert isinstance(outcome, Denied)
    assert outcome.reason == f"workload_assertion.{reason}"
