"""JWS under a shared secret (HMAC), for the one place that takes them: a client that proves it knows its secret.

Shape: `read` is to secrets what `jws.read` is to public keys: same rules for header, alphabet, size and payload.
Does not: mix. No public key ever comes here and no secret into a `KeySet`, so that a key of one kind cannot be taken
for the other's.
Spec: RFC 7518 section 3.2 (a key is at least as long as the hash), RFC 8725 sections 3.1 and 3.5.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import Final

from keystead.core.jose.base64url import decode
from keystead.core.jose.jws import MAXIMUM_TOKEN, read_header
from keystead.core.jose.outcomes import Rejected, VerifiedToken
from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.core.values import Secret

SHORTEST: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Octets a secret has at least, by algorithm."""
HMAC_ALGORITHMS: Final = frozenset(SHORTEST)
_DIGESTS: Final = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def read(
    token: str, *, secrets: Collection[Secret], algorithms: frozenset[str], typ: Collection[str]
) -> VerifiedToken | Rejected:
    """Check one token under any of a few secrets and return its claims.

    A `kid` is not looked at: a secret has no name. Secrets too short for the algorithm are no keys for it.
    """
    if len(token) > MAXIMUM_TOKEN or not token.isascii() or token.count(".") != 2:
        return Rejected("jwt.malformed", "not three base64url segments joined by dots")
    head, body, tail = token.split(".")
    header = read_header(head)
    if isinstance(header, Rejected):
        return header
    if header.algorithm not in algorithms & HMAC_ALGORITHMS:
        return Rejected("jwt.algorithm", "this algorithm is not accepted here")
    if header.typ not in typ:
        return Rejected("jwt.type", "this kind of token is not accepted here")
    keys = [key for secret in secrets if len(key := secret.reveal().encode()) >= SHORTEST[header.algorithm]]
    if not keys:
        return Rejected("jwt.key_unknown", f"no secret is long enough for {header.algorithm}")
    try:
        payload, shown = decode(body.encode()), decode(tail.encode())
        signing_input = f"{head}.{body}".encode()
        digests = [hmac.digest(key, signing_input, _DIGESTS[header.algorithm]) for key in keys]
        if not any([hmac.compare_digest(digest, shown) for digest in digests]):  # noqa: C419 - all, in constant time
            return Rejected("jwt.signature", "the signature is not of a registered secret over this text")
        return VerifiedToken(header, parse_object(payload, maximum_bytes=MAXIMUM_TOKEN))
    except NotStrictJson as error:
        return Rejected("jwt.payload", f"the payload is not one strict JSON object: {error}")
    except ValueError as error:
        return Rejected("jwt.malformed", str(error))
