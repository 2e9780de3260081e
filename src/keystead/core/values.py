"""Values whose type keeps a mistake from compiling: units of time, secrets, random handles.

Does not: read the clock. Whoever needs the time takes `now: EpochSeconds` as an argument.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from typing import Final, NewType

Seconds = NewType("Seconds", int)
"""A duration. Never a point in time."""

EpochSeconds = NewType("EpochSeconds", int)
"""A point in time: whole seconds since 1970-01-01T00:00:00Z, as in a JWT NumericDate (RFC 7519 section 2)."""

HANDLE_BYTES: Final = 32
HIDDEN: Final = "<hidden>"


class Secret:
    """A text that must not be seen: its `repr` and `str` are `<hidden>`, its comparison takes constant time.

    Does not: encrypt. What has to be stored and used again is sealed by `keystead.core.sealing`.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself. Call it at the last moment, and never inside a log or an error message."""
        return self._text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__


def new_handle() -> str:
    """Return a fresh bearer handle: 256 random bits as 43 base64url characters.

    Spec: RFC 6749 section 10.10 (at least 128 bits of entropy).
    """
    return secrets.token_urlsafe(HANDLE_BYTES)


def new_identifier(prefix: str) -> str:
    """Return a fresh public identifier, `prefix_` and 128 random bits. It names a thing; it opens nothing."""
    return f"{prefix}_{urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b'=').decode()}"


def handle_digest(handle: str) -> str:
    """Return what is stored in place of a handle: the hex SHA-256 of its UTF-8 bytes.

    A handle has 256 bits of entropy, so a fast hash is enough; a password never goes through here.
    """
    return hashlib.sha256(handle.encode("utf-8", "surrogatepass")).hexdigest()
