"""The issuer's own cookies: how they are named, read and set.

Over https they are `__Host-` cookies, which no sub-domain can plant. Over plain http, which is only served on
loopback, they have the same name without the prefix, because not every browser takes `Secure` there.
Spec: RFC 6265bis section 4.1.3.2 (`__Host-`).
"""

from __future__ import annotations

from typing import Final

from keystead.core.http import Headers
from keystead.core.values import Seconds

_PREFIX: Final = "__Host-"


def cookie_name(purpose: str, realm: str, *, secure: bool) -> str:
    """Return the name of a realm's cookie. Realms share an origin, so the name tells them apart."""
    name = f"keystead-{purpose}-{realm}"
    return _PREFIX + name if secure else name


def read_cookie(headers: Headers, name: str) -> str:
    """Return the value of a cookie, or an empty text when it is absent or sent twice (somebody planted one)."""
    wanted = name.encode("ascii") + b"="
    found: list[bytes] = []
    for key, value in headers:
        if key == b"cookie" and wanted in value:
            pairs = (pair.strip(b" \t") for pair in value.split(b";"))
            found += [pair[len(wanted) :] for pair in pairs if pair.startswith(wanted)]
    if len(found) != 1 or not found[0].isascii():
        return ""
    return found[0].decode("ascii")


def set_cookie(name: str, value: str, lifetime: Seconds | None = None) -> tuple[bytes, bytes]:
    """Return the header that sets a cookie: HttpOnly, SameSite=Lax, Path=/; without a lifetime, for the session."""
    secure = "; Secure" if name.startswith(_PREFIX) else ""
    age = "" if lifetime is None else f"; Max-Age={lifetime}"
    return b"set-cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}".encode("ascii")


def clear_cookie(name: str) -> tuple[bytes, bytes]:
    """Return the header that makes the browser forget a cookie."""
    return set_cookie(name, "", Seconds(0))
