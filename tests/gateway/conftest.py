"""The gateway runs on uvloop, so its tests do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop

from tests.gateway.plane import Plane, running_plane
from tests.gateway.raw import OPEN
from tests.gateway.site import Site, running_site
from tests.gateway.upstream import RawUpstream
from tests.issuer import Issuer


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, object]:
    """Run tests of the data plane on uvloop and on the standard loop, tests of whole sites on uvloop."""
    if "site" in getattr(item, "fixturenames", ()):
        return {"uvloop": uvloop.new_event_loop}
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture(autouse=True)
async def close_browsers() -> AsyncIterator[None]:
    """Close what a test left open."""
    yield
    while OPEN:
        OPEN.pop().close()
    await asyncio.sleep(0)


@pytest.fixture
async def upstream() -> AsyncIterator[RawUpstream]:
    """A raw upstream."""
    running = await RawUpstream().start()
    yield running
    await running.stop()


@pytest.fixture
async def site(issuer: Issuer, upstream: RawUpstream, tmp_path: Path) -> AsyncIterator[Site]:
    """A whole site."""
    async with running_site(issuer, upstream, tmp_path) as running:
        yield running


@pytest.fixture
async def plane(upstream: RawUpstream) -> AsyncIterator[Plane]:
    """A gateway before it."""
    async with running_plane(upstream) as running:
        yield running
