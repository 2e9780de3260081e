"""What the server refuses before any endpoint sees it: ambiguous framing, odd targets, things beyond a limit.

Spec: RFC 9112 sections 3 (request line), 6.3 (message body length) and 11.2 (request smuggling).
Does not: parse. llhttp does, strictly: it refuses bare LF, folded lines, repeated Content-Length, Content-Length
beside Transfer-Encoding, and control characters. What it lets through is refused here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from keystead.core.http import JSON, NO_STORE, Headers, Reply

METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
_FRAMING_HEADERS: Final = frozenset(
    {b"host", b"content-type", b"authorization", b"content-length", b"transfer-encoding", b"expect"}
)

_NO_BODY: Final = ([b"host"], [b"host", b"authorization"])


class Limits(msgspec.Struct, frozen=True):
    """How much one connection may ask for. Sizes in bytes, times in seconds."""

    target_size: int = 8_192
    header_size: int = 32_768
    header_count: int = 64
    pipelined: int = 64
    connections: int = 10_000
    header_timeout: int = 10
    body_timeout: int = 30
    idle_timeout: int = 60
    write_timeout: int = 30
    answer_timeout: int = 60


class Refusal(Exception):
    """The request is refused by the server itself; the connection closes after the reply."""

    def __init__(self, status: int, description: str, code: str = "invalid_request") -> None:
        super().__init__(description)
        self.reply = refusal_reply(status, description, code)


def refusal_reply(status: int, description: str, code: str = "invalid_request", headers: Headers = ()) -> Reply:
    """Return the JSON error that every refusal of the server has."""
    body = msgspec.json.encode({"error": code, "error_description": description})
    return Reply(status, (JSON, *NO_STORE, *headers), body)


class Announced(NamedTuple):
    """What a header section says of the body to come. `length` is 0 for a chunked body, whose length nobody knows."""

    length: int = 0
    expects_continue: bool = False


NOTHING_ANNOUNCED: Final = Announced()


def require_clear_message(version: str, upgrade: bool, headers: Sequence[tuple[bytes, bytes]]) -> Announced:
    """Refuse a header section whose body, host or meaning two parsers could read differently.

    Raises: Refusal.
    """
    seen = [name for name, _ in headers if name in _FRAMING_HEADERS]
    if seen in _NO_BODY:
        return NOTHING_ANNOUNCED
    if len(seen) != len(set(seen)):
        raise Refusal(400, "A header that may appear once is repeated: Host, Content-*, Authorization or Expect.")
    if b"host" not in seen and version == "1.1":
        raise Refusal(400, "The Host header is missing.")
    values = {name: value for name, value in headers if name in _FRAMING_HEADERS}
    encoding = values.get(b"transfer-encoding")
    if encoding is not None and (encoding.lower() != b"chunked" or version != "1.1"):
        raise Refusal(400, "Transfer-Encoding must be exactly `chunked`, and only in HTTP/1.1.")
    length = int(values.get(b"content-length", b"0"))
    if upgrade and (length or encoding):
        raise Refusal(400, "A request with a body cannot ask for an upgrade.")
    expect = values.get(b"expect", b"").lower()
    if expect not in (b"", b"100-continue"):
        raise Refusal(417, "Only `Expect: 100-continue` is understood.")
    return Announced(length, bool(expect) and version == "1.1")


def require_plain_target(target: bytes) -> None:
    """Refuse a request target that is not an absolute path: a full URL, `*`, an authority, or one with a fragment.

    Raises: Refusal.
    """
    if not target.startswith(b"/") or b"#" in target or b"\\" in target or b"|" in target:
        raise Refusal(400, "The request target must be a plain absolute path such as /realms/acme/token.")
