"""Refresh tokens: raced, replayed, stolen, revived."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keystead.core.records.revocation import REVOCATION_TOPIC
from keystead.storage.ports import read_outbox
from tests.harness.issuer import RunningIssuer
from tests.harness.oauth_client import Answer, OAuthClient
from tests.market import Market

PARALLEL = 64


@pytest.mark.attack("F1")
@pytest.mark.spec("RFC 9700 section 4.14.2")
async def test_an_old_token_revokes_the_family_and_everything_it_bought(market: Market) -> None:
    first = await market.tokens()
    second = (await market.refresh(first["refresh_token"])).json
    third = (await market.refresh(second["refresh_token"])).json
    replay = await market.refresh(first["refresh_token"])
    assert (replay.status, replay.error) == (400, "invalid_grant")
    assert market.issuer.journal.reason == "refresh_token.reused"
    assert (await market.refresh(third["refresh_token"])).error == "invalid_grant"
    for tokens in (first, second, third):
        assert not await market.active(tokens["access_token"])
    events = await market.issuer.store.read(read_outbox(REVOCATION_TOPIC))
    assert [b"refresh_token.reused" in event.payload for event in events] == [True]


@pytest.mark.spec("RFC 9700 section 4.14.2")
async def test_a_retry_in_time_replaces_the_unused_successor(market: Market) -> None:
    first = (await market.tokens())["refresh_token"]
    lost = (await market.refresh(first)).json["refresh_token"]
    market.issuer.later(29)
    retried = await market.refresh(first)
    assert retried.status == 200
    superseded = await market.refresh(lost)
    assert (superseded.status, superseded.error) == (400, "invalid_grant")
    assert market.issuer.journal.reason == "refresh_token.superseded"
    assert (await market.refresh(retried.json["refresh_token"])).status == 200


@pytest.mark.attack("F1")
async def test_a_retry_after_the_successor_was_used_revokes(market: Market) -> None:
    first = (await market.tokens())["refresh_token"]
    second = (await market.refresh(first)).json["refresh_token"]
    third = (await market.refresh(second)).json["refresh_token"]
    assert (await market.refresh(first)).error == "invalid_grant"
    assert (await market.refresh(third)).error == "invalid_grant"


@pytest.mark.attack("F2")
async def test_a_retry_too_late_revokes(market: Market) -> None:
    first = (await market.tokens())["refresh_token"]
    second = (await market.refresh(first)).json["refresh_token"]
    market.issuer.later(31)
    assert (await market.refresh(first)).error == "invalid_grant"
    assert (await market.refresh(second)).error == "invalid_grant"


@pytest.mark.attack("F2")
async def test_the_window_counts_from_the_first_rotation(market: Market) -> None:
    first = (await market.tokens())["refresh_token"]
    await market.refresh(first)
    market.issuer.later(20)
    second = (await market.refresh(first)).json["refresh_token"]
    market.issuer.later(20)
    assert (await market.refresh(first)).error == "invalid_grant"
    assert (await market.refresh(second)).error == "invalid_grant"


@pytest.mark.attack("F2")
@pytest.mark.parametrize("step", [0, -3600, 3600])
async def test_a_clock_that_jumps_revives_nothing(market: Market, step: int) -> None:
    tokens = [(await market.tokens("trusted", scopes=("openid", "offline_access")))["refresh_token"]]
    for _ in range(5):
        tokens.append((await market.refresh(tokens[-1], "trusted")).json["refresh_token"])
    market.issuer.later(step)
    for token in tokens[:-2]:
        assert (await market.refresh(token, "trusted")).error == "invalid_grant"
    assert (await market.refresh(tokens[-1], "trusted")).error == "invalid_grant"


@pytest.mark.attack("F3")
async def test_another_client_changes_nothing(market: Market) -> None:
    token = (await market.tokens())["refresh_token"]
    assert (await market.refresh(token, "other")).error == "invalid_grant"
    assert (await market.issuer.post("token", _form(token))).status == 401
    assert (await market.issuer.post("token", _form(token) | {"client_id": "web"})).status == 401
    assert (await market.issuer.post("token", _form(token) | {"client_id": "spa"})).error == "invalid_grant"
    assert (await market.issuer.post("token", _form(token), basic=("web", "wrong"))).status == 401
    assert (await market.refresh(token)).status == 200


def _form(token: str) -> dict[str, Any]:
    return {"grant_type": "refresh_token", "refresh_token": token}


@pytest.mark.attack("F3")
async def test_every_refusal_reads_the_same(market: Market) -> None:
    first = (await market.tokens())["refresh_token"]
    second = (await market.refresh(first)).json["refresh_token"]
    await market.refresh(second)
    answers = [
        await market.refresh(first, "other"),
        await market.refresh(first),
        await market.refresh("ksr_" + "A" * 80),
        await market.refresh("nonsense"),
    ]
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.attack("F1")
@pytest.mark.parametrize("rounds", [5, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
async def test_sixty_four_refreshes_of_one_token_over_several_processes(nodes: RunningIssuer, rounds: int) -> None:
    """Whatever the answers: one live successor afterwards, the replaced ones dead, and a late replay ends it all."""
    other = await nodes.start_another()
    clients = (nodes.client("bff"), nodes.client("bff", origin=other))
    for client in clients:
        await client.discover()
    alice = nodes.person("alice")
    for _ in range(rounds):
        code = await alice.authorize(clients[0], scope="openid catalog:read")
        first = (await clients[0].redeem(code))["refresh_token"]
        answers = await asyncio.gather(*(clients[number % 2].refresh(first) for number in range(PARALLEL)))
        assert {answer.status for answer in answers} <= {200, 400}
        winners = [answer["refresh_token"] for answer in answers if answer.status == 200]
        assert winners
        live = await _only_live(winners, clients)
        assert (await clients[0].refresh(first)).error == "invalid_grant"
        assert (await clients[1].refresh(live)).error == "invalid_grant"
        for answer in answers:
            if answer.status == 200:
                assert (await clients[0].introspect(answer["access_token"])).json == {"active": False}


async def _only_live(winners: list[str], clients: tuple[OAuthClient, OAuthClient]) -> str:
    """Use every token that was handed out and return the successor of the only one that still worked."""
    told = [(await clients[0].introspect(token)).json["active"] for token in winners]
    assert sum(told) == 1
    dead = [token for token, active in zip(winners, told, strict=True) if not active]
    refused: list[Answer] = [await clients[1].refresh(token) for token in dead[:8]]
    assert {answer.error for answer in refused} <= {"invalid_grant"}
    live = await clients[1].refresh(winners[told.index(True)])
    assert live.status == 200, live.body
    successor: str = live["refresh_token"]
    return successor


@pytest.mark.attack("F2")
async def test_a_restart_revives_nothing(nodes: RunningIssuer) -> None:
    client, alice = nodes.client("bff"), nodes.person("alice")
    first = (await client.redeem(await alice.authorize(client, scope="openid")))["refresh_token"]
    second = (await client.refresh(first))["refresh_token"]
    third = (await client.refresh(second))["refresh_token"]
    nodes.process.kill()
    await nodes.start()
    assert (await client.refresh(first)).error == "invalid_grant"
    assert (await client.refresh(third)).error == "invalid_grant"
