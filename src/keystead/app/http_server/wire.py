"""A reply as bytes: status line, headers and body in one piece, so that one write sends it."""

from __future__ import annotations

import http
import re
from typing import Final

from keystead.core.http import Headers, Reply

_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_PHRASES: Final = {status.value: status.phrase for status in http.HTTPStatus}
_REMEMBERED_NAMES: Final = frozenset({b"content-type", b"cache-control", b"pragma", b"allow", b"etag", b"vary"}) | {
    b"access-control-allow-origin",
    b"x-content-type-options",
    b"openfga-authorization-model-id",
}
_REMEMBERED_SETS: Final = 256
BODILESS: Final = frozenset({204, 304})
CLOSE: Final = b"connection: close\r\n"


class HeadWriter:
    """Forms status line and headers, and remembers the few header sets that most replies have.

    `defaults` are sent unless a reply has its own header of that name.
    Does not: remember a cookie, a location or a challenge: nothing secret stays in the memory of a cache.
    """

    def __init__(self, defaults: Headers) -> None:
        self._defaults = defaults
        self._remembered: dict[tuple[int, Headers], bytes] = {}

    def head(self, status: int, headers: Headers) -> bytes:
        """Return the status line and header lines, without Date, Content-Length and the empty line.

        Raises: ValueError when a header could break out of its line.
        """
        known = self._remembered.get((status, headers))
        if known is not None:
            return known
        own = {name for name, _ in headers}
        added = tuple((name, value) for name, value in self._defaults if name not in own)
        formed = _form(status, (*headers, *added))
        if own <= _REMEMBERED_NAMES and len(self._remembered) < _REMEMBERED_SETS:
            self._remembered[status, headers] = formed
        return formed


def whole(head: bytes, lines: bytes, reply: Reply, *, bodiless: bool = False) -> bytes:
    """Return the whole reply. `lines` are further, already formed header lines; `bodiless` is for HEAD."""
    if reply.status in BODILESS:
        return b"%b%b\r\n" % (head, lines)
    body = reply.body
    return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, lines, len(body), b"" if bodiless else body)


def _form(status: int, headers: Headers) -> bytes:
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode()]
    for name, value in headers:
        if not _NAME.fullmatch(name) or _BAD_VALUE.search(value):
            raise ValueError(f"a header {name!r} cannot be sent")
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines)
