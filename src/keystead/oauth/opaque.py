"""Opaque access tokens: `ksa_` and the claims, sealed under the key-encryption key for one realm.

Nothing is stored for them: what is inside is authenticated, and whether it still stands is asked of the live records
at every use (`keystead.oauth.authority`). Decision 0007 says why.
Does not: check expiry. `keystead.oauth.access_tokens` does.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.jose import base64url
from keystead.core.sealing import Sealer
from keystead.core.tokens import AccessClaims

OPAQUE_PREFIX: Final = "ksa_"
_KIND: Final = "access_token"
_MAXIMUM: Final = 16_384

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(AccessClaims).decode


def seal_access_token(sealer: Sealer, realm: str, claims: AccessClaims) -> str:
    """Return the token."""
    return OPAQUE_PREFIX + base64url.encode(sealer.seal(realm, _KIND, "", _encode(claims))).decode()


def open_access_token(sealer: Sealer, realm: str, token: str) -> AccessClaims | None:
    """Return the claims, or None when we did not seal this text for this realm, to the last bit."""
    if not token.startswith(OPAQUE_PREFIX) or len(token) > _MAXIMUM or not token.isascii():
        return None
    try:
        sealed = base64url.decode(token[len(OPAQUE_PREFIX) :].encode())
    except ValueError:
        return None
    opened = sealer.open(realm, _KIND, "", sealed)
    return None if opened is None else _decode(opened)
