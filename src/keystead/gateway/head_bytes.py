"""The raw bytes of one request's head, gathered until the parser has seen its end, and never beyond their limit."""

from __future__ import annotations

_END = b"\r\n\r\n"


class HeadBytes:
    """Gathers one head. A read may hold the rest of the head and much of the body."""

    __slots__ = ("_raw",)

    def __init__(self) -> None:
        self._raw = b""

    def renew(self) -> None:
        """Begin a new head."""
        self._raw = b""

    def take(self, data: bytes, limit: int) -> bool:
        """Take one read. Answer: whether the head is within `limit`, as far as it is known."""
        raw = self._raw + data if self._raw else data
        if raw[:1] in (b"\r", b"\n"):
            raw = raw.lstrip(b"\r\n")  # empty lines before a request, which the parser passes over as well
        self._raw = raw
        if len(raw) <= limit:
            return True
        end = raw.find(_END)
        return 0 <= end <= limit - len(_END)

    def split(self) -> tuple[bytes, bytes]:
        """Return request line and header lines of a head that the parser has accepted.

        It refuses any line end but CRLF, so that cutting at CRLF finds the same lines as it did.
        """
        line, _, rest = self._raw[: self._raw.index(_END)].partition(b"\r\n")
        return line, rest
