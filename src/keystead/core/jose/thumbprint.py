"""The thumbprint of a key: a `kid` that follows from the key itself.

Spec: RFC 7638 section 3, RFC 8037 section 2 (members of an OKP key).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from keystead.core.jose.base64url import encode

_REQUIRED: Final = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the base64url SHA-256 thumbprint of a public key.

    Raises: ValueError for a key type without one, KeyError when a member is missing.
    """
    members = _REQUIRED.get(jwk["kty"])
    if members is None:
        raise ValueError("no thumbprint for this key type")
    return encode(hashlib.sha256(msgspec.json.encode({name: jwk[name] for name in members})).digest()).decode()
