"""The heads of one browser connection, read from raw bytes that are gathered only within their limit.

Why raw: the parser judges every byte, but calling back for each header is what costs most; cutting the lines it has
accepted at CRLF finds the same ones, because it refuses any other line end.
"""

from __future__ import annotations

from typing import Final

import httptools

from keystead.gateway.head import HeaderBlock, RequestHead

_END: Final = b"\r\n\r\n"


class HeadReader:
    """Gathers one head after another. A read may hold the rest of a head and much of the body."""

    __slots__ = ("_block", "_lines", "_raw", "_target")

    def __init__(self) -> None:
        self._block = HeaderBlock([])
        self._lines: bytes | None = None
        self._raw = self._target = b""

    def gather(self, data: bytes, limit: int) -> bool:
        """Take one read. Answer: whether the head is within `limit`, as far as it is known."""
        raw = self._raw + data if self._raw else data
        if raw[:1] in (b"\r", b"\n"):
            raw = raw.lstrip(b"\r\n")  # empty lines before a request, which the parser passes over as well
        self._raw = raw
        if len(raw) <= limit:
            return True
        end = raw.find(_END)
        return 0 <= end <= limit - len(_END)

    def renew(self) -> None:
        """Begin a new head."""
        self._raw = self._target = b""

    def begin_target(self) -> None:
        """Forget the target of the request before."""
        self._target = b""

    def take_target(self, part: bytes) -> None:
        """Take a piece of the target, from the parser."""
        self._target += part

    def read(self, parser: httptools.HttpRequestParser) -> RequestHead:
        """Return the head that the parser has just accepted. The bytes gathered for it are let go."""
        line, _, lines = self._raw[: self._raw.index(_END)].partition(b"\r\n")
        self._raw = b""
        if lines != self._lines:  # and so often they are the ones of the request before
            self._block = HeaderBlock(lines.split(b"\r\n") if lines else [])
            self._lines = lines
        upgrade = parser.should_upgrade()
        return RequestHead(parser.get_method(), self._target, line[-8:], self._block, upgrade=upgrade)
