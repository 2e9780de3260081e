"""Attacks on the gateway, over raw sockets, on the loop it runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from tests.gateway.fixtures import close_browsers, plane, site, upstream

__all__ = ["close_browsers", "plane", "site", "upstream"]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every test on uvloop."""
    return {"uvloop": uvloop.new_event_loop}
