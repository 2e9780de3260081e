"""Fixtures: a fresh store of each backend."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keystead.storage.ports import Store
from tests.contract.backends import BACKENDS, location


@pytest.fixture(params=BACKENDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A fresh, empty store of each backend."""
    opened = BACKENDS[request.param](location(tmp_path))
    yield opened
    await opened.close()
