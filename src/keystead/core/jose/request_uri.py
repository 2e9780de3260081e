"""The URL of a request in one spelling, so that two spellings of one URL are equal and of two URLs never.

Flow: scheme and host in lower case, the default port left out, percent-encoding in capitals and only where needed, dot
segments removed; query and fragment do not count.
Does not: guess. A text with a user name, spaces, backslashes or anything else that is no absolute http URL is nothing.
Spec: RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3.
"""

from __future__ import annotations

import re
from typing import Final

MAXIMUM_URL: Final = 4_096

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{0,5}))?(?P<path>/[^?#]*)?(?:[?#].*)?",
    re.ASCII | re.IGNORECASE,
)
_PATH: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_QUERY: Final = re.compile(r"[\x21-\x7e]*", re.ASCII)
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS: Final = {"https": "443", "http": "80"}


def normalised(url: str) -> str:
    """Return the URL's one spelling without query and fragment, or an empty text when it is no http URL."""
    found = _URL.fullmatch(url) if len(url) <= MAXIMUM_URL and _QUERY.fullmatch(url) else None
    if found is None:
        return ""
    path = found["path"] or "/"
    if not _PATH.fullmatch(path):
        return ""
    scheme, port = found["scheme"].lower(), found["port"] or ""
    authority = found["host"].lower() + (f":{port}" if port and port != _PORTS[scheme] else "")
    return f"{scheme}://{authority}{_without_dots(_ESCAPE.sub(_unescaped, path))}"


def _unescaped(found: re.Match[str]) -> str:
    """Decode what never needed escaping; write the rest in capitals."""
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()


def _without_dots(path: str) -> str:
    """Remove `.` and `..` segments. Spec: RFC 3986 section 5.2.4."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
