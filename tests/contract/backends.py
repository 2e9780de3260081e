"""The backends under contract. To add one, add a line here and make every test of this folder pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from keystead.storage.memory import MemoryStore
from keystead.storage.ports import Store
from keystead.storage.sqlite import open_store
from tests.harness.postgres import schema_for

BACKENDS: Final[dict[str, Callable[[str], Store]]] = {
    "memory": lambda location: MemoryStore(),
    "sqlite": open_store,
    "postgres": lambda location: _open_postgres(location),
}

SHARED: Final = ("sqlite", "postgres")
"""Those that several processes may open at once."""


def location(folder: Path) -> str:
    """Return where a backend keeps its data, inside a folder of the test."""
    return str(folder / "keystead.db")


def _open_postgres(place: str) -> Store:
    url = schema_for(place)
    from keystead.storage.postgres.store import open_store as open_postgres

    return open_postgres(url)
