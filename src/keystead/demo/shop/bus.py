"""How a service of the shop joins the bus: with a token of its own from the agent, as soon as everybody is up."""

from __future__ import annotations

import asyncio
import time

from keystead.core.errors import UpstreamError
from keystead.demo.shop.surroundings import Surroundings
from keystead.sdk import AgentClient, TokenRefused
from keystead.sdk.bus import Bus

PATIENCE_SECONDS = 30
PAUSE_SECONDS = 0.15


async def join_bus(name: str, surroundings: Surroundings, agent: AgentClient) -> Bus:
    """Connect to the bus, waiting while issuer, agent or bus are still starting."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await Bus.connect(surroundings.bus, lambda: agent.obtain(surroundings.bus_audience), name=name)
        except (UpstreamError, TokenRefused):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
