"""The backends under contract. To add one, add a line here and make every test of this folder pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from keystead.storage.memory import MemoryStore
from keystead.storage.ports import Store
from keystead.storage.sqlite import open_store

BACKENDS: Final[dict[str, Callable[[str], Store]]] = {
    "memory": lambda location: MemoryStore(),
    "sqlite": open_store,
}

SHARED: Final = ("sqlite",)
"""Those that several processes may open at once."""


def location(folder: Path) -> str:
    """Return where a backend keeps its data, inside a folder of the test."""
    return str(folder / "keystead.db")
