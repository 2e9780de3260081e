"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.issuer import Issuer


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Issuer]:
    """An issuer without a server, on a fresh SQLite file."""
    made = Issuer(tmp_path)
    yield made
    await made.store.close()
