"""Followers that wait, many of them, at a server that ends, or whose database fails."""

from __future__ import annotations

import asyncio
import time

import pytest

import keystead.app.revocation_news as news
from tests.harness.issuer import RunningIssuer
from tests.issuer import Issuer


async def test_a_server_that_ends_lets_its_followers_go_at_once(served: RunningIssuer) -> None:
    """Each would otherwise hold it up for as long as it may wait."""
    feed = f"{served.url}/revocations"

    async def wait() -> tuple[int, bytes]:
        async with served.session.get(f"{feed}?after=&wait=20") as reply:
            return reply.status, await reply.read()

    followers = [asyncio.create_task(wait()) for _ in range(20)]
    metrics = f"http://127.0.0.1:{served.management_port}/metrics"
    until = time.monotonic() + 15
    while True:
        async with served.session.get(metrics) as reply:
            if "keystead_revocation_followers 20" in await reply.text():
                break
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    began = time.monotonic()
    assert await served.process.stop() == 0
    assert time.monotonic() - began < 9, "the grace of ten seconds was used up"
    answers = await asyncio.gather(*followers)
    assert {status for status, _ in answers} == {200}


@pytest.mark.attack("F5")
async def test_more_followers_than_there_is_room_for_are_answered_without_waiting(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "MAXIMUM_WAITING", 3)
    await issuer.set_up()
    waiting = [asyncio.create_task(issuer.send("revocations", method="GET", query=b"wait=20")) for _ in range(3)]
    async with asyncio.timeout(15):
        while issuer.cx.revocation_news.waiting < 3:  # type: ignore[attr-defined]  # the app's own
            await asyncio.sleep(0.01)
    async with asyncio.timeout(15):
        answer = await issuer.send("revocations", method="GET", query=b"wait=20")
    assert (answer.status, answer.json["revoked"]) == (200, [])
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_follower_that_went_away_holds_nothing(issuer: Issuer) -> None:
    await issuer.set_up()
    task = asyncio.create_task(issuer.send("revocations", method="GET", query=b"wait=20"))
    async with asyncio.timeout(15):
        while issuer.cx.revocation_news.waiting != 1:  # type: ignore[attr-defined]  # the app's own
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert issuer.cx.revocation_news.waiting == 0  # type: ignore[attr-defined]  # the app's own
