"""The heads of messages while they are read: lines that may cross, already rendered, and headers looked at.

Does not: decide about anything but framing. llhttp has refused bad names and values, bare LF, folded lines,
`Content-Length` beside `Transfer-Encoding` and repeated lengths before a header comes here.
Spec: RFC 9112 sections 5 and 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
    nominated,
)

if TYPE_CHECKING:
    from keystead.gateway.admission import Caller

CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2
HTTP_11: Final = b"HTTP/1.1"
HTTP_10: Final = b"HTTP/1.0"
_LISTS: Final = frozenset({CONNECTION, ACCEPT, FORWARDED_FOR})
_COLON: Final = b": "
_CRLF: Final = b"\r\n"


class BadFraming(Exception):
    """Two readers could disagree where this message ends. The argument is a stable slug."""


class HeaderBlock:
    """The header lines of a request: `kept` may cross and is ready to be sent, `seen` are the values looked at.

    Unchanging once read, because a browser sends the same block again and again: what is concluded from it alone
    (`caller`, by `admission`) stays with it.
    """

    __slots__ = ("caller", "count", "kept", "repeated", "seen")

    def __init__(self, lines: list[bytes]) -> None:
        """Read lines that the parser has found to be well formed."""
        kept: list[bytes] = []
        seen: dict[int, bytes] = {}
        self.repeated = False
        for line in lines:
            name, _, value = line.partition(b":")
            kind = REQUEST_KINDS[name]
            if kind == DROP:
                continue
            if kind == KEEP or kind >= NOTED:
                kept.append(line)
            if kind != KEEP:
                value = value.strip(b" \t")
                if kind in seen:
                    self.repeated = self.repeated or kind not in _LISTS
                    value = seen[kind] + b", " + value
                seen[kind] = value
        if CONNECTION in seen:
            kept = _without_nominated(kept, seen[CONNECTION])
        self.count = len(lines)
        self.kept = b"\r\n".join((*kept, b"", b""))
        self.seen = seen
        self.caller: Caller | None = None


class RequestHead:
    """A request's head, put together by the listener."""

    __slots__ = ("block", "method", "seen", "target", "upgrade", "version")

    def __init__(self, method: bytes, target: bytes, version: bytes, block: HeaderBlock, *, upgrade: bool) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.block = block
        self.seen = block.seen
        self.upgrade = upgrade

    def body_length(self) -> int:
        """Return how long the body is: a length, 0 for none, or CHUNKED.

        Raises: BadFraming.
        """
        encoding = self.seen.get(TRANSFER_ENCODING)
        if encoding is None:
            return int(self.seen.get(CONTENT_LENGTH, b"0"))
        if encoding.lower() != b"chunked" or self.version != HTTP_11:
            raise BadFraming("framing.transfer_encoding")
        return CHUNKED


NO_HEAD: Final = RequestHead(b"", b"", b"", HeaderBlock([]), upgrade=False)


def _without_nominated(lines: list[bytes], connection: bytes) -> list[bytes]:
    """Remove what the sender's own Connection header makes hop-by-hop, before anything of ours is added."""
    names = nominated(connection)
    return [line for line in lines if line.partition(b":")[0].lower() not in names] if names else lines


class ResponseHead:
    """A response's head, from an upstream. `several` holds the headers that `response` looks at itself.

    One per connection, renewed for every response, and cheap like `RequestHead`. `repeated` tells of framing headers
    only; cookies may repeat.
    """

    __slots__ = ("kept", "repeated", "seen", "several", "status")

    def __init__(self) -> None:
        self.status = 0
        self.renew()

    def renew(self) -> None:
        """Begin a new head."""
        self.kept: list[bytes] = []
        self.seen: dict[int, bytes] = {}
        self.several: list[tuple[int, bytes, bytes]] = []
        self.repeated = False

    def add(self, name: bytes, value: bytes) -> None:
        """Take one header, or a trailer, which goes nowhere."""
        kind = RESPONSE_KINDS[name]
        if not kind:
            self.kept += (name, _COLON, value, _CRLF)
        elif kind != DROP:
            self._note(kind, name, value)

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
