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
_LOGIN: Final = re.compile(rb"([A-Za-z0-9_-]{43})(?:~([1-9]))?")
MOST_UNDER_WAY: Final = 9
_OURS: Final = b"__host-keystead"
_LONGEST_REMEMBERED: Final = 1_024
"""Headers come from outside: what is remembered of them is bounded in size too, not only in number."""
_ATTRIBUTES: Final = b"; Path=/; Secure; HttpOnly; SameSite=%b"


def find_handle(header: bytes, name: bytes) -> str | None:
    """Return the handle in the cookie `name`, or None when it is absent, malformed or there more than once."""
    return _find_known(header, name) if len(header) <= _LONGEST_REMEMBERED else _find(header, name)


def find_login(header: bytes) -> tuple[str, int] | None:
    """Return which browser the sign-in cookie names, and how many sign-ins are under way in it.

    The number is only good for knowing when the cookie can go: whoever writes their own cookie fools themselves.
    """
    found = _LOGIN.fullmatch(_value(header, LOGIN_COOKIE) or b"")
    return (found[1].decode(), int(found[2] or b"1")) if found is not None else None


def _find(header: bytes, name: bytes) -> str | None:
    found = _value(header, name)
    return found.decode() if found is not None and _HANDLE.fullmatch(found) else None


def _value(header: bytes, name: bytes) -> bytes | None:
    """Return the value of a cookie; None when it is absent or there twice."""
    found = None
    for pair in header.split(b";"):
        key, _, value = pair.partition(b"=")
        if key.strip(b" \t") == name:
            if found is not None:
                return None
            found = value.strip(b" \t")
    return found


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


def login_cookie(handle: str, under_way: int, lifetime: int) -> bytes:
    """Return the Set-Cookie value that ties sign-ins to this browser; none under way: that takes it away."""
    if under_way < 1:
        return expired(LOGIN_COOKIE)
    value = b"%b~%d" % (handle.encode(), min(under_way, MOST_UNDER_WAY))
    return LOGIN_COOKIE + b"=" + value + _ATTRIBUTES % b"Lax" + b"; Max-Age=%d" % lifetime


def expired(name: bytes) -> bytes:
    """Return the Set-Cookie value that takes a cookie away."""
    return name + b"=" + _ATTRIBUTES % b"Strict" + b"; Max-Age=0"
