"""How keys stay fresh: few fetches, one at a time, none caused by strangers, and no belief past the bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keystead.core.jose.algorithms import generate
from keystead.sdk import KeyPolicy, Refused, VerifiedCaller, Verifier
from tests.unit.sdk.certificates import tls_pair
from tests.unit.sdk.conftest import Clock
from tests.unit.sdk.loopback_issuer import LoopbackIssuer, json_answer, loopback_issuer

ORDERS = "https://orders.acme.example"
POLICY = KeyPolicy(refresh_after=300, fail_after=3_600, unknown_kid_interval=60)


@pytest.fixture
def verifier(issuer: LoopbackIssuer, clock: Clock) -> Verifier:
    """A verifier whose time is moved by hand."""
    return Verifier(issuer=issuer.url, audience=ORDERS, clock=clock, timer=clock, keys=POLICY)


def fetches(issuer: LoopbackIssuer) -> int:
    """Return how often the key document was fetched."""
    return issuer.requests[issuer.jwks_path]


async def settle(verifier: Verifier) -> None:
    """Let a fetch in the background finish."""
    task = verifier._keys._fetching
    if task is not None:
        await task


async def test_many_first_requests_cause_one_fetch(issuer: LoopbackIssuer, clock: Clock, verifier: Verifier) -> None:
    issuer.delay = 0.05
    tokens = [issuer.token(ORDERS, clock(), jti=f"j{number}") for number in range(50)]
    outcomes = await asyncio.gather(*(verifier.verify(token) for token in tokens))
    assert all(isinstance(outcome, VerifiedCaller) for outcome in outcomes)
    assert fetches(issuer) == 1


async def test_a_rotated_key_is_found_at_once(issuer: LoopbackIssuer, clock: Clock, verifier: Verifier) -> None:
    assert isinstance(await verifier.verify(issuer.token(ORDERS, clock())), VerifiedCaller)
    issuer.keys.append(generate("ES256"))
    clock.forward(61)
    assert isinstance(await verifier.verify(issuer.token(ORDERS, clock(), issuer.keys[1])), VerifiedCaller)
    assert fetches(issuer) == 2


@pytest.mark.attack("J3")
async def test_a_flood_of_unknown_kids_causes_one_fetch_per_interval(
    issuer: LoopbackIssuer, clock: Clock, verifier: Verifier
) -> None:
    strangers = [generate("ES256") for _ in range(40)]
    for minute in range(1, 4):
        for _ in range(3):
            forged = [issuer.token(ORDERS, clock(), stranger) for stranger in strangers]
            outcomes = await asyncio.gather(*(verifier.verify(token) for token in forged))
            assert all(isinstance(outcome, Refused) and outcome.status == 401 for outcome in outcomes)
        assert fetches(issuer) == minute
        clock.forward(61)


async def test_old_keys_serve_while_new_ones_are_fetched(
    issuer: LoopbackIssuer, clock: Clock, verifier: Verifier
) -> None:
    await verifier.verify(issuer.token(ORDERS, clock()))
    keys = await verifier._keys.current()
    clock.forward(301)
    issuer.delay = 1.5
    outcome = await asyncio.wait_for(verifier.verify(issuer.token(ORDERS, clock())), 1.4)
    assert isinstance(outcome, VerifiedCaller)
    await settle(verifier)
    assert fetches(issuer) == 2
    assert await verifier._keys.current() is keys


async def test_issuer_down_works_until_the_bound_and_then_fails_closed(
    issuer: LoopbackIssuer, clock: Clock, verifier: Verifier
) -> None:
    token = issuer.token(ORDERS, clock(), exp=int(clock()) + 86_400)
    assert isinstance(await verifier.verify(token), VerifiedCaller)
    issuer.down = True
    for _ in range(11):
        clock.forward(300)
        assert isinstance(await verifier.verify(token), VerifiedCaller)
        await settle(verifier)
    clock.forward(300)
    refused = await verifier.verify(token)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.reason) == (503, "keys.unavailable")
    assert [check.passed for check in refused.checks] == [False]
    assert refused.www_authenticate == ""
    issuer.down = False
    clock.forward(31)
    assert isinstance(await verifier.verify(token), VerifiedCaller)


async def test_a_dead_issuer_is_not_hammered(issuer: LoopbackIssuer, clock: Clock, verifier: Verifier) -> None:
    issuer.down = True
    token = issuer.token(ORDERS, clock())
    path = "/realms/acme/.well-known/openid-configuration"
    for _ in range(100):
        assert isinstance(await verifier.verify(token), Refused)
        clock.forward(1)
    assert issuer.requests[path] <= 9


Misbehaviour = Callable[[LoopbackIssuer], Any]
DISCOVERY = "/realms/acme/.well-known/openid-configuration"
MISBEHAVIOURS: dict[str, tuple[str, Misbehaviour]] = {
    "another issuer": (DISCOVERY, lambda i: json_answer({**i.discovery(), "issuer": i.url + "/"})),
    "no issuer": (DISCOVERY, lambda i: json_answer({"jwks_uri": f"{i.url}/jwks"})),
    "keys over plain http elsewhere": (
        DISCOVERY,
        lambda i: json_answer({**i.discovery(), "jwks_uri": "http://10.0.0.1/j"}),
    ),
    "keys from a file": (DISCOVERY, lambda i: json_answer({**i.discovery(), "jwks_uri": "file:///etc/passwd"})),
    "keys a number": (DISCOVERY, lambda i: json_answer({**i.discovery(), "jwks_uri": 1})),
    "redirect": (DISCOVERY, lambda i: (302, {"location": f"{i.origin}/canary"}, b"")),
    "keys redirected": ("/realms/acme/jwks", lambda i: (302, {"location": f"{i.origin}/canary"}, b"{}")),
    "too long": ("/realms/acme/jwks", lambda i: (200, {}, b'{"keys":[],"x":"' + b"y" * 70_000 + b'"}')),
    "twice": ("/realms/acme/jwks", lambda i: (200, {}, b'{"keys":[],"keys":[]}')),
    "not JSON": ("/realms/acme/jwks", lambda i: (200, {}, b"<html>")),
    "no keys": ("/realms/acme/jwks", lambda i: json_answer({"keys": []})),
    "a secret": ("/realms/acme/jwks", lambda i: json_answer({"keys": [{"kty": "oct", "k": "AAAA"}]})),
    "duplicate kid": ("/realms/acme/jwks", lambda i: json_answer({"keys": [i.keys[0].public().jwk()] * 2})),
    "an error": ("/realms/acme/jwks", lambda i: json_answer({"keys": [i.keys[0].public().jwk()]}, 500)),
    "compressed": ("/realms/acme/jwks", lambda i: (200, {"content-encoding": "gzip"}, b"\x1f\x8b\x08\x00")),
}


@pytest.mark.attack("S1")
@pytest.mark.parametrize("name", MISBEHAVIOURS)
async def test_an_issuer_that_misbehaves_is_not_believed(
    name: str, issuer: LoopbackIssuer, clock: Clock, verifier: Verifier
) -> None:
    path, misbehave = MISBEHAVIOURS[name]
    issuer.answers[path] = lambda: misbehave(issuer)
    refused = await verifier.verify(issuer.token(ORDERS, clock()))
    assert isinstance(refused, Refused)
    assert refused.status == 503
    assert issuer.requests["/canary"] == 0
    del issuer.answers[path]
    clock.forward(2)
    assert isinstance(await verifier.verify(issuer.token(ORDERS, clock())), VerifiedCaller)


@pytest.mark.attack("S1")
async def test_a_slow_issuer_is_given_up(issuer: LoopbackIssuer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier(issuer=issuer.url, audience=ORDERS, clock=clock, timer=clock)
    verifier.issuer._channel._timeout = 0.2
    issuer.delay = 30.0
    refused = await asyncio.wait_for(verifier.verify(issuer.token(ORDERS, clock())), 20)
    assert isinstance(refused, Refused)
    assert "TimeoutError" in refused.checks[0].why


async def test_a_request_that_goes_away_does_not_stop_the_fetch(
    issuer: LoopbackIssuer, clock: Clock, verifier: Verifier
) -> None:
    issuer.delay = 0.1
    first = asyncio.create_task(verifier.verify(issuer.token(ORDERS, clock())))
    await asyncio.sleep(0.02)
    first.cancel()
    assert isinstance(await verifier.verify(issuer.token(ORDERS, clock())), VerifiedCaller)
    assert fetches(issuer) == 1


async def test_closing_gives_up_a_running_fetch(issuer: LoopbackIssuer, clock: Clock, verifier: Verifier) -> None:
    issuer.delay = 30.0
    first = asyncio.create_task(verifier.verify(issuer.token(ORDERS, clock())))
    await asyncio.sleep(0.02)
    await asyncio.wait_for(verifier.close(), 20)
    refused = await first
    assert isinstance(refused, Refused)
    assert refused.status == 503


@pytest.mark.attack("S1")
async def test_over_tls_only_a_trusted_issuer_is_believed(tmp_path: Path, clock: Clock) -> None:
    server, trusting = tls_pair(tmp_path)
    async with loopback_issuer(server) as issuer:
        token = issuer.token(ORDERS, clock())
        trusted = Verifier(issuer=issuer.url, audience=ORDERS, clock=clock, timer=clock, tls=trusting)
        assert isinstance(await trusted.verify(token), VerifiedCaller)
        await trusted.close()
        stranger = Verifier(issuer=issuer.url, audience=ORDERS, clock=clock, timer=clock)
        refused = await stranger.verify(token)
        assert isinstance(refused, Refused)
        assert refused.status == 503
        assert "CERTIFICATE_VERIFY_FAILED" in refused.checks[0].why
        assert issuer.requests[issuer.jwks_path] == 1
        await stranger.close()
