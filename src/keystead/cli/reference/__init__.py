"""The generated pages of docs/reference: made from the code, so that they cannot be behind it.

Flow: one file a page, each with `page(root)`; `keystead docs` writes them all, a test refuses a page that is behind.
Does not: explain. Guides and explanations are written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from keystead.cli.reference import commands, conformance, endpoints, reasons, schema, settings

PAGES: Final[dict[str, Callable[[Path], str]]] = {
    "cli.md": commands.page,
    "conformance.md": conformance.page,
    "endpoints.md": endpoints.page,
    "errors.md": reasons.page,
    "keystead.schema.json": schema.page,
    "settings.md": settings.page,
}
"""Each page under docs/reference, and what makes it from the root of a clone."""
