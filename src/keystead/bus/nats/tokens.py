"""NATS JWTs: what the server asks an auth callout in, and what it wants to be answered in.

Shape: a compact JWS with the header `{"typ": "JWT", "alg": "ed25519-nkey"}`, signed by the key `iss` names.
Does not: belong to JOSE proper; the algorithm name is NATS's own, so it never passes our front door for tokens.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b32encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from keystead.bus.nats.nkeys import NatsKey, verify
from keystead.core.jose.base64url import decode, encode
from keystead.core.strict_json import NotStrictJson, parse_object

_HEADER: Final = encode(b'{"typ":"JWT","alg":"ed25519-nkey"}')
MAXIMUM_SIZE: Final = 65_536


def sign(claims: Mapping[str, Any], key: NatsKey) -> str:
    """Return a JWT of the claims, with `iss` and `jti` filled in."""
    claims = {**claims, "iss": key.public, "jti": _fresh_id()}
    signing_input = _HEADER + b"." + encode(msgspec.json.encode(claims))
    return (signing_input + b"." + encode(key.sign(signing_input))).decode()


def read(token: bytes, role: int) -> dict[str, Any] | None:
    """Return the claims of a JWT signed by the key it names, a key of this role; None when it is not.

    Does not: say that the key is trusted. Compare `iss`.
    """
    if len(token) > MAXIMUM_SIZE or token.count(b".") != 2:
        return None
    signing_input, _, signature = token.rpartition(b".")
    header, _, payload = signing_input.partition(b".")
    try:
        if parse_object(decode(header)).get("alg") != "ed25519-nkey":
            return None
        claims = parse_object(decode(payload), maximum_bytes=MAXIMUM_SIZE)
        issuer = claims.get("iss")
        good = isinstance(issuer, str) and verify(issuer, role, decode(signature), signing_input)
    except (NotStrictJson, ValueError):
        return None
    return claims if good else None


def _fresh_id() -> str:
    return b32encode(hashlib.sha256(secrets.token_bytes(32)).digest()).decode().rstrip("=")
