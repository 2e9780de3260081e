"""What tests of the gateway start from, here and among the attacks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.plane import Plane, running_plane
from tests.gateway.raw import close_all
from tests.gateway.site import Site, running_site
from tests.gateway.upstream import RawUpstream
from tests.issuer import Issuer


@pytest.fixture(autouse=True)
async def close_browsers() -> AsyncIterator[None]:
    """Close what a test left open."""
    yield
    close_all()
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
