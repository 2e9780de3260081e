"""The console's stylesheet: the tokens and parts of all pages, and its own, in one file named by its content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from keystead.core.http import Reply

_FOLDER: Final = Path(__file__).parents[1] / "static"


@cache
def console_stylesheet() -> bytes:
    """Return the stylesheet."""
    return (_FOLDER / "keystead.css").read_bytes() + (_FOLDER / "console.css").read_bytes()


@cache
def stylesheet_name() -> str:
    """Return its path under the console. Another content, another path."""
    return f"static/console.{hashlib.sha256(console_stylesheet()).hexdigest()[:16]}.css"


def stylesheet_reply() -> Reply:
    """Return it, to be kept for a year."""
    return Reply(
        200,
        (
            (b"content-type", b"text/css; charset=utf-8"),
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"x-content-type-options", b"nosniff"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ),
        console_stylesheet(),
    )
