"""How much one answer may hold."""

from __future__ import annotations

from typing import Final

MAX_PAGE: Final = 1000
"""The most a list holds; an operation that asks for more gets this many."""

BULK_PAGE: Final = 50_000
"""The most rows of tuples that are loaded at once, as plain rows."""


def page_size(limit: int, most: int = MAX_PAGE) -> int:
    """Return how many rows a list may hold: `limit`, but never more than a page nor less than none."""
    return max(0, min(limit, most))
