"""The console's stylesheet: the tokens and parts of all pages, and its own, in one file named by its content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from keystead.core.http import Reply
from keystead.web.stylesheet import kept_by_browsers

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
    return kept_by_browsers(console_stylesheet())
