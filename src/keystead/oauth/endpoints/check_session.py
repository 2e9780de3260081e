"""The check-session page: a frame that client pages ask whether the sign-in has changed."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Final

from keystead.core.http import Reply, Request
from keystead.core.spec import OIDC_SESSION, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.session_state import state_cookie_name

_SCRIPT: Final = Path(__file__).parent.parent / "static" / "check_session.js"


class CheckSessionEndpoint(EndpointPlugin):
    """A page without anything to see, that any site may frame. It answers `unchanged`, `changed` or `error`.

    Shape: `postMessage(client_id + " " + session_state)` to it; the answer goes to the origin that asked, which is
    part of what is compared, so that a page learns about its own `session_state` and no other.
    Does not: ask the server. A session that ended elsewhere is noticed when the browser comes by here again; use
    back-channel logout for what must be known at once.
    """

    path: ClassVar[str] = "check-session"
    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    specs: ClassVar[tuple[Section, ...]] = (OIDC_SESSION["3.2"], OIDC_SESSION["3.3"])
    fast: ClassVar[bool] = True

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where the frame is."""
        return {"check_session_iframe": f"{issuer}/{self.path}"}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with the page."""
        return _page(state_cookie_name(request.realm, secure=cx.secure))


@cache
def _page(cookie: str) -> Reply:
    script = _SCRIPT.read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    body = (
        f'<!doctype html><html lang="en" data-cookie="{escape(cookie, quote=True)}"><head><meta charset="utf-8">'
        f"<title>Session</title></head><body><script>{script}</script></body></html>"
    )
    return Reply(
        200,
        (
            (b"content-type", b"text/html; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"cross-origin"),
            (
                b"content-security-policy",
                f"default-src 'none'; script-src 'sha256-{digest}'; frame-ancestors *; base-uri 'none'".encode("ascii"),
            ),
        ),
        body.encode(),
    )
