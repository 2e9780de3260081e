"""Refresh tokens: `ksr_` and 60 bytes that name a family and a generation, and that only we can make.

Flow: the tag is checked before anything is looked up, so a forged, truncated or bit-flipped token never reaches a
family and cannot revoke one; the random part makes each token unguessable even to who knows family and generation.
Does not: know whether a token is live. `keystead.storage.ports.Rotate` decides that, by its digest.
"""

from __future__ import annotations

import secrets
from hmac import compare_digest
from typing import Final

import msgspec

from keystead.core.jose import base64url
from keystead.core.records.grant import GRANT_PREFIX
from keystead.core.sealing import Sealer

REFRESH_PREFIX: Final = "ksr_"
_FAMILY_BYTES: Final = 16
_GENERATION_END: Final = 20
_BODY_BYTES: Final = 44
_TAG_BYTES: Final = 16
_ENCODED: Final = 80


class RefreshToken(msgspec.Struct, frozen=True):
    """What a refresh token names: a grant, which is its family, and its generation there."""

    grant_id: str
    generation: int


def make_refresh_token(sealer: Sealer, realm: str, grant_id: str, generation: int) -> str:
    """Return a fresh token: family 16 bytes, generation 4, random 24, tag 16, as 80 base64url characters."""
    family = base64url.decode(grant_id.removeprefix(f"{GRANT_PREFIX}_").encode())
    body = family + generation.to_bytes(4, "big") + secrets.token_bytes(24)
    return REFRESH_PREFIX + base64url.encode(body + _tag(sealer, realm, body)).decode()


def read_refresh_token(sealer: Sealer, realm: str, token: str) -> RefreshToken | None:
    """Return what a token names, or None when we did not make it for this realm."""
    encoded = token.removeprefix(REFRESH_PREFIX)
    if len(encoded) != _ENCODED or not token.startswith(REFRESH_PREFIX) or not encoded.isascii():
        return None
    try:
        raw = base64url.decode(encoded.encode())
    except ValueError:
        return None
    body, tag = raw[:_BODY_BYTES], raw[_BODY_BYTES:]
    if not compare_digest(tag, _tag(sealer, realm, body)):
        return None
    grant_id = f"{GRANT_PREFIX}_{base64url.encode(body[:_FAMILY_BYTES]).decode()}"
    return RefreshToken(grant_id, int.from_bytes(body[_FAMILY_BYTES:_GENERATION_END], "big"))


def _tag(sealer: Sealer, realm: str, body: bytes) -> bytes:
    return sealer.mac(realm, "refresh_token", body)[:_TAG_BYTES]
