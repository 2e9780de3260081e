"""Revocation that is said to have happened has happened, whatever races with it (F5)."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness.issuer import RunningIssuer
from tests.harness.oauth_client import Answer, OAuthClient


@pytest.mark.attack("F5")
@pytest.mark.spec("RFC 7009 section 2.2")
@pytest.mark.parametrize("rounds", [12, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
async def test_a_refresh_that_races_a_revocation_leaves_nothing_alive(nodes: RunningIssuer, rounds: int) -> None:
    """After the 200 of the revocation no token of the grant works, also not one minted a moment before or after."""
    here, there = nodes.client("bff"), nodes.client("bff", origin=await nodes.start_another())
    await here.discover()
    await there.discover()
    alice = nodes.person("alice")
    for number in range(rounds):
        bought = await here.redeem(await alice.authorize(here, scope="openid catalog:read"))
        refreshed = [asyncio.create_task(there.refresh(bought["refresh_token"])) for _ in range(3)]
        await asyncio.sleep(number % 6 * 0.001)
        assert (await here.revoke(bought["refresh_token"])).status == 200
        answers = [bought, *[answer for task in refreshed if (answer := await task).status == 200]]
        for answer in answers:
            await _all_dead(answer, here, there)


async def _all_dead(answer: Answer, here: OAuthClient, there: OAuthClient) -> None:
    for client in (here, there):
        assert (await client.introspect(answer["access_token"])).json == {"active": False}
        assert (await client.userinfo(answer["access_token"])).status == 401
    assert (await there.refresh(answer["refresh_token"])).error == "invalid_grant"


@pytest.mark.attack("F5")
async def test_a_revoked_access_token_is_dead_in_every_process_at_once(nodes: RunningIssuer) -> None:
    here, there = nodes.client("bff"), nodes.client("bff", origin=await nodes.start_another())
    await here.discover()
    await there.discover()
    alice = nodes.person("alice")
    for _ in range(5):
        token = (await here.redeem(await alice.authorize(here, scope="openid")))["access_token"]
        assert (await there.introspect(token))["active"] is True
        assert (await here.revoke(token)).status == 200
        assert (await there.introspect(token)).json == {"active": False}
