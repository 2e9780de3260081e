"""Our two cookies: made, found in a Cookie header, and kept from everybody else.

The session cookie is `__Host-keystead` (Strict); the sign-in cookie `__Host-keystead-login` (Lax, ten minutes) must
survive the redirect back from the issuer. Both are Secure and HttpOnly and never have a Domain.
Spec: RFC 6265bis sections 4.1.3.2 (`__Host-`) and 5.6; draft-ietf-oauth-browser-based-apps section 6.1.3.2.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

SESSION_COOKIE: Final = b"__Host-keystead"
LOGIN_COOKIE: Final = b"__Host-keystead-login"
_HANDLE: Final = re.compile(rb"[A-Za-z0-9_-]{43}")
_OURS: Final = b"__host-keystead"
_LONGEST_REMEMBERED: Final = 1_024
"""Headers come from outside: what is remembered of them is bounded in size too, not only in number."""
_ATTRIBUTES: Final = b"; Path=/; Secure; HttpOnly; SameSite=%b"


def find_handle(header: bytes, name: bytes) -> str | None:
    """Return the handle in the cookie `name`, or None when it is absent, malformed or there more than once."""
    return _find_known(header, name) if len(header) <= _LONGEST_REMEMBERED else _find(header, name)


def _find(header: bytes, name: bytes) -> str | None:
    found = None
    for pair in header.split(b";"):
        key, _, value = pair.partition(b"=")
        if key.strip(b" \t") == name:
            if found is not None:
                return None
            found = value.strip(b" \t")
    return found.decode() if found is not None and _HANDLE.fullmatch(found) else None


_find_known: Final = lru_cache(maxsize=4096)(_find)


def without_ours(header: bytes) -> bytes:
    """Return a Cookie header without any cookie that is, or could be read as, one of ours."""
    return b"; ".join(pair for part in header.split(b";") if (pair := part.strip(b" \t")) and not is_ours(pair))


def is_ours(pair: bytes) -> bool:
    """Tell whether `name=value...` names a cookie of ours in any letter case, or has no name at all."""
    name = pair.partition(b"=")[0].strip(b" \t\"'").lower()
    return not name or b"=" not in pair or name.startswith(_OURS)


def session_cookie(handle: str) -> bytes:
    """Return the Set-Cookie value that begins a session. It ends with the browser, or when we end it."""
    return SESSION_COOKIE + b"=" + handle.encode() + _ATTRIBUTES % b"Strict"


def login_cookie(handle: str, lifetime: int) -> bytes:
    """Return the Set-Cookie value that ties sign-ins to this browser."""
    return LOGIN_COOKIE + b"=" + handle.encode() + _ATTRIBUTES % b"Lax" + b"; Max-Age=%d" % lifetime


def expired(name: bytes) -> bytes:
    """Return the Set-Cookie value that takes a cookie away."""
    return name + b"=" + _ATTRIBUTES % b"Strict" + b"; Max-Age=0"
