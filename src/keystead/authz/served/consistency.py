"""Consistency tokens: which state of which store a write has made, so that a later read can ask for no less.

Shape: opaque to clients; inside, the store and its revision. A token gives no access and is no secret.
Does not: promise that the state still is the newest one.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

from keystead.authz.served.errors import ForeignToken

_LONGEST = 128


def consistency_token(store: str, revision: int) -> str:
    """Write the token of a store at a revision."""
    return urlsafe_b64encode(f"{store}.{revision}".encode()).decode().rstrip("=")


def revision_of(token: str, store: str) -> int:
    """Read the revision out of a token of this store. Raises: ForeignToken."""
    try:
        padded = token[:_LONGEST] + "=" * (-len(token[:_LONGEST]) % 4)
        named, _, revision = urlsafe_b64decode(padded.encode("ascii")).decode("ascii").partition(".")
    except (binascii.Error, ValueError):
        named = revision = ""
    if named != store or not (revision.isascii() and revision.isdigit()) or len(revision) > 18:
        raise ForeignToken("the consistency token was not made by a write to this store; send one that was, or none")
    return int(revision)
