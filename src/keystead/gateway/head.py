"""The heads of messages while they are read: lines that may cross, already rendered, and headers looked at.

Does not: decide about anything but framing. llhttp has refused bad names and values, bare LF, folded lines,
`Content-Length` beside `Transfer-Encoding` and repeated lengths before a header comes here.
Spec: RFC 9112 sections 5 and 6.
"""

from __future__ import annotations

from typing import Final

from keystead.gateway.hygiene import (
    ACCEPT,
    CONNECTION,
    CONTENT_LENGTH,
    DROP,
    FORWARDED_FOR,
    KEEP,
    NOTED,
    REQUEST_KINDS,
    RESPONSE_KINDS,
    TRANSFER_ENCODING,
    UPGRADE,
    nominated,
)

CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2
_LISTS: Final = frozenset({CONNECTION, ACCEPT, FORWARDED_FOR})
_COLON: Final = b": "
_CRLF: Final = b"\r\n"


class BadFraming(Exception):
    """Two readers could disagree where this message ends. The argument is a stable slug."""


class RequestHead:
    """A request's head. `kept` holds name, colon, value, line end of each header that may cross, flat."""

    __slots__ = ("fields", "kept", "method", "repeated", "seen", "target", "upgrade", "version")

    def __init__(self) -> None:
        self.target = b""
        self.method = b""
        self.version = ""
        self.fields = 0
        self.kept: list[bytes] = []
        self.seen: dict[int, bytes] = {}
        self.repeated = self.upgrade = False

    def add(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self.fields += 1
        kind = REQUEST_KINDS[name]
        if kind == KEEP:
            self.kept += (name, _COLON, value, _CRLF)
        elif kind != DROP:
            if kind >= NOTED:
                self.kept += (name, _COLON, value, _CRLF)
            if kind in self.seen:
                if kind in _LISTS:
                    value = self.seen[kind] + b", " + value
                else:
                    self.repeated = True
            self.seen[kind] = value

    def drop_nominated(self) -> None:
        """Remove the client's headers that its own Connection header makes hop-by-hop, before ours are added."""
        names = nominated(self.seen.get(CONNECTION, b""))
        if names:
            kept = self.kept
            lines = [kept[i : i + 4] for i in range(0, len(kept), 4) if kept[i].lower() not in names]
            self.kept = [part for line in lines for part in line]

    def body_length(self) -> int:
        """Return how long the body is: a length, 0 for none, or CHUNKED.

        Raises: BadFraming.
        """
        encoding = self.seen.get(TRANSFER_ENCODING)
        if encoding is None:
            return int(self.seen.get(CONTENT_LENGTH, b"0"))
        if encoding.lower() != b"chunked" or self.version != "1.1":
            raise BadFraming("framing.transfer_encoding")
        return CHUNKED

    def connection_words(self) -> bytes:
        """Return the Connection header in lower case."""
        return self.seen.get(CONNECTION, b"").lower()


class ResponseHead:
    """A response's head, from an upstream. `repeated` tells of framing headers only; cookies may repeat."""

    __slots__ = ("fields", "kept", "repeated", "seen", "several", "size", "status", "version")

    def __init__(self) -> None:
        self.status = 0
        self.version = ""
        self.fields = 0
        self.size = 0
        self.kept: list[bytes] = []
        self.seen: dict[int, bytes] = {}
        self.several: list[tuple[int, bytes, bytes]] = []
        self.repeated = False

    def add(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self.fields += 1
        self.size += len(name) + len(value)
        kind = RESPONSE_KINDS[name]
        if kind == KEEP:
            self.kept += (name, _COLON, value, _CRLF)
        elif kind != DROP:
            if kind in self.seen and kind in (CONTENT_LENGTH, TRANSFER_ENCODING):
                self.repeated = True
            self.seen[kind] = value
            if kind not in (CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE):
                self.several.append((kind, name, value))

    def body_length(self, *, of_head_request: bool) -> int:
        """Return how long the body is: a length, 0 for none, CHUNKED or UNTIL_CLOSE.

        Raises: BadFraming.
        """
        encoding = self.seen.get(TRANSFER_ENCODING)
        if self.repeated or (encoding is not None and encoding.lower() != b"chunked"):
            raise BadFraming("upstream.framing")
        if of_head_request or self.status in (204, 304) or self.status < 200:
            return 0
        if encoding is not None:
            return CHUNKED
        length = self.seen.get(CONTENT_LENGTH)
        return UNTIL_CLOSE if length is None else int(length)

    def keeps_alive(self) -> bool:
        """Tell whether the upstream's connection may carry another request."""
        return self.version == "1.1" and b"close" not in self.seen.get(CONNECTION, b"").lower()
