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
    NOTED,
    REQUEST_KINDS,
    RESPONSE_KINDS,
    TRANSFER_ENCODING,
    nominated,
)

CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2
MAXIMUM_RESPONSE_HEAD: Final = 65_536
MAXIMUM_RESPONSE_FIELDS: Final = 256
_LISTS: Final = frozenset({CONNECTION, ACCEPT, FORWARDED_FOR})
_COLON: Final = b": "
_CRLF: Final = b"\r\n"


class BadFraming(Exception):
    """Two readers could disagree where this message ends. The argument is a stable slug."""


class RequestHead:
    """A request's head. `kept` holds name, colon, value, line end of each header that may cross, flat.

    One per connection, filled by the parser and renewed for every request: `add` is called for every header of every
    request, and is written to be cheap. Whoever keeps a head beyond the moment takes a `snapshot`.
    """

    __slots__ = ("fields", "kept", "maximum_fields", "method", "repeated", "seen", "target", "upgrade", "version")

    def __init__(self, maximum_fields: int = 100) -> None:
        self.maximum_fields = maximum_fields
        self.method = b""
        self.version = ""
        self.renew()

    def renew(self) -> None:
        """Begin a new head."""
        self.target = b""
        self.fields = 0
        self.kept: list[bytes] = []
        self.seen: dict[int, bytes] = {}
        self.repeated = self.upgrade = False

    def snapshot(self) -> RequestHead:
        """Return what stays as it is when the connection goes on to its next request."""
        taken = RequestHead(self.maximum_fields)
        for name in self.__slots__:
            setattr(taken, name, getattr(self, name))
        return taken

    def take_target(self, part: bytes) -> None:
        """Take a piece of the target."""
        self.target += part

    def add(self, name: bytes, value: bytes) -> None:
        """Take one header, or a trailer, which goes nowhere.

        Raises: BadFraming beyond the most headers.
        """
        kind = REQUEST_KINDS[name]
        if not kind:
            self.kept += (name, _COLON, value, _CRLF)
        elif kind != DROP:
            self._note(kind, name, value)
        self.fields += 1
        if self.fields > self.maximum_fields:
            raise BadFraming("limit.header_count")

    def _note(self, kind: int, name: bytes, value: bytes) -> None:
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
    """A response's head, from an upstream. `several` holds the headers that `response` looks at itself.

    One per connection, renewed for every response, and cheap like `RequestHead`. `repeated` tells of framing headers
    only; cookies may repeat.
    """

    __slots__ = ("fields", "kept", "repeated", "seen", "several", "size", "status", "version")

    def __init__(self) -> None:
        self.status = 0
        self.version = ""
        self.renew()

    def renew(self) -> None:
        """Begin a new head."""
        self.fields = 0
        self.size = 0
        self.kept: list[bytes] = []
        self.seen: dict[int, bytes] = {}
        self.several: list[tuple[int, bytes, bytes]] = []
        self.repeated = False

    def add(self, name: bytes, value: bytes) -> None:
        """Take one header, or a trailer, which goes nowhere.

        Raises: BadFraming beyond the bounds.
        """
        kind = RESPONSE_KINDS[name]
        if not kind:
            self.kept += (name, _COLON, value, _CRLF)
        elif kind != DROP:
            self._note(kind, name, value)
        self.fields += 1
        self.size += len(name) + len(value)
        if self.size > MAXIMUM_RESPONSE_HEAD or self.fields > MAXIMUM_RESPONSE_FIELDS:
            raise BadFraming("upstream.head_too_large")

    def _note(self, kind: int, name: bytes, value: bytes) -> None:
        if kind in self.seen and kind in (CONTENT_LENGTH, TRANSFER_ENCODING):
            self.repeated = True
        self.seen[kind] = value
        if kind >= NOTED:
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
