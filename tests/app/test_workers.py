"""Background work and workers that fail do so loudly."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness.issuer import RunningIssuer


async def test_background_work_that_cannot_go_on_ends_the_server_with_its_reason(unserved: RunningIssuer) -> None:
    unserved.configuration["bus"] = {
        "driver": "pigeon",
        "url": "nats://127.0.0.1:1",
        "realm": "acme",
        "audience": "https://bus.test",
        "directory": "bus",
    }
    try:
        await unserved.start()
    except AssertionError:
        pass
    else:
        await _ended(unserved)
    assert "there is no driver `pigeon`" in unserved.process.text()


async def _ended(issuer: RunningIssuer) -> None:
    for _ in range(4_000):
        if not issuer.process.running:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the server goes on without its bus")
