"""The stylesheet: one file, named by its content, kept by browsers for a year."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import ClassVar, Final

from keystead.core.http import Reply, Request
from keystead.core.spec import CSP3, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin

_FILE: Final = Path(__file__).parent / "static" / "keystead.css"


@cache
def _stylesheet() -> bytes:
    return _FILE.read_bytes()


@cache
def stylesheet_path() -> str:
    """Return the path of the stylesheet under the issuer. Another content, another path."""
    return f"static/keystead.{hashlib.sha256(_stylesheet()).hexdigest()[:16]}.css"


class StylesheetEndpoint(EndpointPlugin):
    """Serves the stylesheet."""

    path: ClassVar[str] = stylesheet_path()
    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    specs: ClassVar[tuple[Section, ...]] = (CSP3["6.1.13"],)
    fast: ClassVar[bool] = True

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with the stylesheet."""
        return kept_by_browsers(_stylesheet())


def kept_by_browsers(stylesheet: bytes) -> Reply:
    """Return a stylesheet whose path names its content, to be kept for a year."""
    headers = (
        (b"content-type", b"text/css; charset=utf-8"),
        (b"cache-control", b"public, max-age=31536000, immutable"),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )
    return Reply(200, headers, stylesheet)
