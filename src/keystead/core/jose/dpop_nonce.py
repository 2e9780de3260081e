"""Nonces for DPoP proofs: nothing is stored, only we can make them, and they go stale by themselves.

Flow: time is cut into windows; a nonce is the window's number with a tag over it. It is good in its own window and the
two after it, so a client that follows `DPoP-Nonce` is never caught between two.
Does not: make a nonce good only once: the `jti` of each proof is. One nonce serves every client in its window.
Spec: RFC 9449 sections 8 and 9.
"""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from typing import Final

from keystead.core.jose.base64url import decode, encode
from keystead.core.values import EpochSeconds

WINDOW: Final = 60
_KEPT_WINDOWS: Final = 2
_NUMBER_BYTES: Final = 5
_TAG_BYTES: Final = 16

Tag = Callable[[bytes], bytes]
"""Vouches for a message: at least 16 bytes that only we can make."""


def nonce_at(now: EpochSeconds, tag: Tag) -> str:
    """Return the nonce to hand out now."""
    number = (now // WINDOW).to_bytes(_NUMBER_BYTES, "big")
    return encode(number + tag(number)[:_TAG_BYTES]).decode()


def windows_since(nonce: str, now: EpochSeconds, tag: Tag) -> int | None:
    """Return how many windows ago a nonce of ours was the current one: 0, 1 or 2. None: not ours, or stale."""
    try:
        raw = decode(nonce.encode())
    except ValueError:
        return None
    number, shown = raw[:_NUMBER_BYTES], raw[_NUMBER_BYTES:]
    if len(number) != _NUMBER_BYTES or not compare_digest(shown, tag(number)[:_TAG_BYTES]):
        return None
    age = now // WINDOW - int.from_bytes(number, "big")
    return age if 0 <= age <= _KEPT_WINDOWS else None
