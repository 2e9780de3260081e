"""An issuer on loopback, and a clock that tests move by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.sdk.loopback_issuer import LoopbackIssuer, loopback_issuer


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
async def issuer() -> AsyncIterator[LoopbackIssuer]:
    """An issuer."""
    async with loopback_issuer() as running:
        yield running
