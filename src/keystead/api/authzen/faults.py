"""Requests that are answered with an error, which in AuthZEN is a status and a sentence.

Spec: AuthZEN Authorization API 1.0 section 10.1.2: the body is an error message string.
"""

from __future__ import annotations

from typing import Final

from keystead.core.http import Headers, Reply

_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_NO_STORE: Final = (b"cache-control", b"no-store")
_RETRY_AFTER: Final = (b"retry-after", b"5")


class Fault(Exception):
    """The whole request cannot be answered."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def text_reply(status: int, message: str, headers: Headers = ()) -> Reply:
    """Return an error as AuthZEN wants it."""
    return Reply(status, (_TEXT, _NO_STORE, *headers), message.encode())


def unavailable() -> Reply:
    """Return the reply for a time when the store cannot be read: no decision, rather than a wrong one."""
    return text_reply(503, "The store cannot be read now. Try again in a moment.", (_RETRY_AFTER,))
