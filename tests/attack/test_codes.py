"""Authorization codes: replayed, raced, stolen."""

from __future__ import annotations

import asyncio

import pytest

from keystead.core.records.revocation import REVOCATION_TOPIC
from keystead.storage.ports import read_outbox
from tests.harness.issuer import RunningIssuer
from tests.issuer import SECRET, VERIFIER
from tests.market import CATALOG, Market

PARALLEL = 64


@pytest.mark.attack("C1")
@pytest.mark.spec("RFC 6749 section 10.5")
async def test_a_replayed_code_takes_back_everything_it_bought(market: Market) -> None:
    code = await market.code()
    bought = (await market.issuer.redeem(code)).json
    refreshed = (await market.refresh(bought["refresh_token"])).json
    exchanged = (await market.exchange(refreshed["access_token"], CATALOG)).json
    replay = await market.issuer.redeem(code)
    assert (replay.status, replay.error) == (400, "invalid_grant")
    assert market.issuer.journal.reason == "authorization_code.replayed"
    assert not await market.active(bought["access_token"])
    assert not await market.active(refreshed["access_token"])
    assert not await market.active(exchanged["access_token"])
    assert (await market.refresh(refreshed["refresh_token"])).error == "invalid_grant"
    events = await market.issuer.store.read(read_outbox(REVOCATION_TOPIC))
    assert [b"authorization_code.replayed" in event.payload for event in events] == [True]


@pytest.mark.attack("C1")
async def test_a_replay_counts_also_with_a_wrong_verifier_and_after_the_code_expired(market: Market) -> None:
    code = await market.code("trusted")
    bought = (await market.issuer.redeem(code, client="trusted")).json
    market.issuer.later(120)
    assert (await market.issuer.redeem(code, client="trusted", code_verifier="x" * 43)).error == "invalid_grant"
    assert not await market.active(bought["access_token"], "trusted")


@pytest.mark.attack("C2")
@pytest.mark.spec("RFC 9700 section 4.5")
@pytest.mark.parametrize(
    ("thief", "form", "reason"),
    [
        ("other", {}, "authorization_code.wrong_client"),
        ("web", {"redirect_uri": "https://app.test/cb/"}, "authorization_code.wrong_redirect_uri"),
        ("web", {"redirect_uri": "https://app.test/cb?x"}, "authorization_code.wrong_redirect_uri"),
        ("web", {"redirect_uri": "https://evil.test/cb"}, "authorization_code.wrong_redirect_uri"),
        ("web", {"code_verifier": "w" * 43}, "authorization_code.wrong_verifier"),
    ],
)
async def test_a_code_in_wrong_hands_is_burnt(market: Market, thief: str, form: dict[str, str], reason: str) -> None:
    code = await market.code()
    stolen = await market.issuer.redeem(code, client=thief, **form)
    assert (stolen.status, stolen.error) == (400, "invalid_grant")
    assert market.issuer.journal.reason == reason
    assert (await market.issuer.redeem(code)).error == "invalid_grant"


@pytest.mark.attack("C2")
async def test_every_refusal_of_a_code_reads_the_same(market: Market) -> None:
    codes = [await market.code() for _ in range(2)]
    await market.issuer.redeem(codes[0])
    answers = [
        await market.issuer.redeem(codes[0]),
        await market.issuer.redeem(codes[1], client="other"),
        await market.issuer.redeem("ksc_" + "A" * 43),
        await market.issuer.redeem("nonsense"),
    ]
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.attack("C2")
async def test_a_stranger_cannot_end_a_grant_with_a_spent_code(market: Market) -> None:
    code = await market.code()
    bought = (await market.issuer.redeem(code)).json
    assert (await market.issuer.redeem(code, client="other")).error == "invalid_grant"
    assert await market.active(bought["access_token"])


@pytest.mark.attack("C2")
async def test_without_authentication_the_code_is_not_touched(market: Market) -> None:
    code = await market.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://app.test/cb"}
    form["code_verifier"] = VERIFIER
    assert (await market.issuer.post("token", form)).status == 401
    assert (await market.issuer.post("token", form | {"client_id": "web"})).status == 401
    assert (await market.issuer.post("token", form, basic=("web", SECRET[:-1]))).status == 401
    assert (await market.issuer.redeem(code)).status == 200


@pytest.mark.attack("C1")
async def test_sixty_four_redemptions_in_one_process(market: Market) -> None:
    for _ in range(5):
        code = await market.code()
        answers = await asyncio.gather(*(market.issuer.redeem(code) for _ in range(PARALLEL)))
        assert sorted(answer.status for answer in answers) == [200] + [400] * (PARALLEL - 1)
        won = next(answer for answer in answers if answer.status == 200)
        assert not await market.active(won.json["access_token"])


@pytest.mark.attack("C1")
@pytest.mark.parametrize("rounds", [8, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
async def test_sixty_four_redemptions_over_several_processes(nodes: RunningIssuer, rounds: int) -> None:
    """64 connections, two processes, one database: exactly one 200 for each code."""
    other = await nodes.start_another()
    here, there = nodes.client("bff"), nodes.client("bff", origin=other)
    await here.discover()
    await there.discover()
    alice = nodes.person("alice")
    for _ in range(rounds):
        code = await alice.authorize(here, scope="openid catalog:read")
        there.verifier = here.verifier
        answers = await asyncio.gather(*((here, there)[number % 2].redeem(code) for number in range(PARALLEL)))
        assert sorted(answer.status for answer in answers) == [200] + [400] * (PARALLEL - 1)
        assert {answer.error for answer in answers} == {"", "invalid_grant"}
        won = next(answer for answer in answers if answer.status == 200)
        assert (await here.introspect(won["access_token"])).json == {"active": False}
        assert (await there.refresh(won["refresh_token"])).error == "invalid_grant"
