"""The headers of every page: nothing may frame it, script it, keep it, or learn where its reader came from.

Spec: CSP level 3, RFC 9700 sections 4.2.4 (no Referer) and 4.16 (no framing).
Does not: set Strict-Transport-Security; the server does, on every reply.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from typing import Final

from keystead.core.http import Headers

_ORIGIN: Final = re.compile(r"(https?)://([A-Za-z0-9.-]+(?::[0-9]{1,5})?)(?:[/?#].*)?", re.ASCII)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):.*", re.ASCII | re.DOTALL)

_FIXED: Final[Headers] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)


@lru_cache(maxsize=512)
def page_headers(form_target: str = "") -> Headers:
    """Return the headers of a page.

    `form_target` is the redirect URI a form on this page may end at. Chromium holds form-action against every
    redirect that follows a post, so the client's origin must be named, and nothing but it is.
    """
    allowed = f"'self' {form_source(form_target)}".strip() if form_target else "'self'"
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; "
        f"form-action {allowed}; frame-ancestors 'none'; base-uri 'none'"
    )
    return (*_FIXED, (b"content-security-policy", policy.encode("ascii")))


@lru_cache(maxsize=2)
def handover_headers(script: str) -> Headers:
    """Return the headers of a page that hands an answer on to a client; `script` is the one it may run, if any.

    There is no form-action: Chromium would hold it against every redirect by which the client's callback goes on. The
    page's one form has the proven redirect URI as its action, and everything else in it is escaped.
    """
    allowed = f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'; "
    policy = (
        f"default-src 'none'; {allowed if script else ''}style-src 'self'; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return (*_FIXED, (b"content-security-policy", policy.encode("ascii")))


def framing_headers(frames: tuple[str, ...]) -> Headers:
    """Return the headers of a page that shows these addresses in frames, and no other."""
    sources = " ".join(dict.fromkeys(form_source(frame) for frame in frames))
    policy = (
        f"default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src {sources}; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return (*_FIXED, (b"content-security-policy", policy.encode("ascii")))


def form_source(redirect_uri: str) -> str:
    """Return the narrowest CSP source that covers a redirect URI: its origin, or else its scheme.

    A source cannot spell an IPv6 address, and an app's private scheme has no origin: these get `scheme:`.
    """
    origin = _ORIGIN.fullmatch(redirect_uri)
    if origin is not None:
        return f"{origin[1]}://{origin[2]}"
    scheme = _SCHEME.fullmatch(redirect_uri)
    return f"{scheme[1]}:" if scheme is not None else ""
