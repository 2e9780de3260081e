"""The backends under contract. To add one, add a line to `BACKENDS`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest

from keystead.storage.memory import MemoryStore
from keystead.storage.ports import Store
from keystead.storage.sqlite import open_store

BACKENDS: Final[dict[str, Callable[[Path], Store]]] = {
    "memory": lambda folder: MemoryStore(),
    "sqlite": lambda folder: open_store(str(folder / "keystead.db")),
}


@pytest.fixture(params=BACKENDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A fresh, empty store of each backend."""
    opened = BACKENDS[request.param](tmp_path)
    yield opened
    await opened.close()
