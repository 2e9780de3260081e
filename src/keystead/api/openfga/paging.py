"""Continuation tokens: where the next page begins, for one list of one store.

Shape: base64url of a JSON list `[list, store, ...position]`. It names a place, not a right: whoever makes one up
reaches no more than who may read the list may read anyway.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

import msgspec

from keystead.api.openfga.faults import ApiFault

_read = msgspec.json.Decoder(list[str]).decode


def continuation_token(list: str, store: str, *position: str) -> str:
    """Write the token of the page after `position`."""
    return urlsafe_b64encode(msgspec.json.encode((list, store, *position))).decode()


def position_of(token: str, list: str, store: str, parts: int) -> Sequence[str]:
    """Return the parts of the position a token names, empty for no token. Raises: ApiFault."""
    if not token:
        return ()
    try:
        named, of, *position = _read(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise invalid_token() from None
    if (named, of) != (list, store) or len(position) != parts:
        raise invalid_token()
    return position


def invalid_token() -> ApiFault:
    """Return the error for a token that is not of this list."""
    return ApiFault("invalid_continuation_token", "Invalid continuation token")
