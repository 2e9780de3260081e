"""The gateway runs on uvloop, so its tests do; its data plane must work on the standard loop too."""

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
    """Run tests of the data plane on uvloop and on the standard loop, tests of whole sites on uvloop."""
    if {"site", "site_bound"} & set(getattr(item, "fixturenames", ())) or "streaming" in item.nodeid:
        return {"uvloop": uvloop.new_event_loop}
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
