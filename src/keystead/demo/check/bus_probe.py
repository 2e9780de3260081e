"""Runs under the agent as another sender or receiver, and tries on the bus what that identity may and may not do.

Shape: one JSON line `{"workload", "tried", "allowed"}` for each attempt, on standard output.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

import msgspec
import nats
from nats.aio.client import Client

from keystead.demo.check.world import Probe
from keystead.demo.shop.surroundings import Surroundings, read_surroundings
from keystead.sdk import AgentClient

PATIENCE_SECONDS = 15
WAIT_FOR_ERROR_SECONDS = 0.6


async def probe(workload: str, surroundings: Surroundings) -> None:
    """Try everything worth trying with this identity."""
    await _connect_without_token(surroundings)
    for verb, subject in (("publish", "orders.probe"), ("subscribe", "orders.>")):
        _report(workload, f"{verb} {subject}", await _attempt(surroundings, verb, subject))


async def _attempt(surroundings: Surroundings, verb: str, subject: str) -> bool:
    errors: list[Exception] = []

    async def on_error(error: Exception) -> None:
        errors.append(error)

    client = await _connect(surroundings, on_error)
    try:
        if verb == "publish":
            await client.publish(subject, b'{"probe": true}')
        else:
            await client.subscribe(subject)
        await client.flush()
        await client.flush()
        await asyncio.sleep(WAIT_FOR_ERROR_SECONDS)
        return not errors
    finally:
        await client.close()


async def _connect(surroundings: Surroundings, on_error: object) -> Client:
    agent = AgentClient(surroundings.agent)
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        try:
            token = await agent.token(surroundings.bus_audience)
            return await nats.connect(
                surroundings.bus, token=token.reveal(), allow_reconnect=False, error_cb=on_error, connect_timeout=3
            )
        except Exception:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.3)


async def _connect_without_token(surroundings: Surroundings) -> None:
    async def ignore(_: Exception) -> None:
        return None

    allowed = False
    with contextlib.suppress(Exception):
        client = await nats.connect(surroundings.bus, allow_reconnect=False, error_cb=ignore, connect_timeout=3)
        allowed = True
        await client.close()
    _report("", "connect", allowed)


def _report(workload: str, tried: str, allowed: bool) -> None:
    sys.stdout.write(msgspec.json.encode(Probe(workload, tried, allowed)).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(probe(sys.argv[1], read_surroundings()))
