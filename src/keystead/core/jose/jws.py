"""The strict front door for compact JWS, and the way out through it.

Flow: size, shape and alphabet first; then the header, once per distinct header; then the key that may sign under
it; then the signature; the payload is parsed last, when it is known to be the issuer's own text.
Shape: `read` returns `VerifiedToken | Rejected`; it never raises on any text and never returns a bare bool.
Does not: look at claims (`claims.check_claims`), fetch keys, or decrypt. A JWE, a JSON-serialized or a detached
JWS is refused.
Spec: RFC 7515 sections 4, 5 and 7.1; RFC 8725 section 3.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from keystead.core.jose.base64url import decode, encode
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.keys import PrivateKey
from keystead.core.jose.outcomes import Header, Rejected, VerifiedPayload, VerifiedToken
from keystead.core.strict_json import NotStrictJson, parse_object

MAXIMUM_TOKEN: Final = 16_384
MAXIMUM_HEADER: Final = 1_024
_MAXIMUM_HEADER_SEGMENT: Final = (MAXIMUM_HEADER * 4 + 2) // 3
_MAXIMUM_KID: Final = 256
_MAXIMUM_TYP: Final = 64

# Members that change what is verified (crit, b64), bring a key or a URL of the sender's choosing, or belong to JWE.
_REFUSED: Final = frozenset(("crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "enc", "zip", "p2c", "epk"))

_json: Final = msgspec.json.Encoder()


def sign(claims: bytes | Mapping[str, Any] | msgspec.Struct, key: PrivateKey, typ: str) -> str:
    """Return a compact JWS of the claims, which may already be JSON text."""
    payload = claims if isinstance(claims, bytes) else _json.encode(claims)
    signing_input = _header_segment(key.algorithm, key.kid, typ) + encode(payload)
    return (signing_input + b"." + encode(key.sign(signing_input))).decode("ascii")


def read(token: str, *, keys: KeySet, typ: Collection[str], maximum: int = MAXIMUM_TOKEN) -> VerifiedToken | Rejected:
    """Check one token and return its claims.

    `typ` names the kinds of token wanted here, in lower case without `application/`; the empty text stands for an
    absent `typ`. Kinds are mutually exclusive: name as few as possible.
    """
    outcome = verify(token, keys=keys, typ=typ, maximum=maximum)
    if isinstance(outcome, Rejected):
        return outcome
    try:
        claims = parse_object(outcome.payload, maximum_bytes=maximum)
    except NotStrictJson as error:
        return Rejected("jwt.payload", f"the payload is not one strict JSON object: {error}")
    return VerifiedToken(outcome.header, claims)


def verify(
    token: str, *, keys: KeySet, typ: Collection[str], maximum: int = MAXIMUM_TOKEN
) -> VerifiedPayload | Rejected:
    """Check one JWS and return its payload, whatever that is. Tokens want `read`."""
    if len(token) > maximum:
        return Rejected("jwt.too_large", f"longer than {maximum} characters")
    if not token.isascii() or token.count(".") != 2:
        return Rejected("jwt.malformed", "not three base64url segments joined by dots")
    segment, payload_segment, signature_segment = token.split(".")
    known = keys.remembered(segment)
    if known is None:
        header = read_header(segment)
        if isinstance(header, Rejected):
            return header
        key = keys.find(header.kid, header.algorithm)
        if key is None:
            return _no_key(header, keys)
    else:
        header, key = known
    if header.typ not in typ:
        return Rejected("jwt.type", "this kind of token is not accepted here")
    try:
        payload, signature = decode(payload_segment.encode()), decode(signature_segment.encode())
    except ValueError as error:
        return Rejected("jwt.malformed", str(error))
    if not key.verify(signature, token[: -len(signature_segment) - 1].encode()):
        return Rejected("jwt.signature", "the signature is not of this key over this text")
    if known is None:
        keys.remember(segment, header, key)
    return VerifiedPayload(header, payload)


def read_header(segment: str) -> Header | Rejected:
    """Read the first segment of a JWS. What it says is not yet proved by a signature."""
    if len(segment) > _MAXIMUM_HEADER_SEGMENT:
        return Rejected("jwt.too_large", f"a header longer than {MAXIMUM_HEADER} bytes")
    try:
        members = parse_object(decode(segment.encode()), maximum_bytes=MAXIMUM_HEADER, maximum_depth=4)
    except NotStrictJson as error:
        return Rejected("jwt.header", f"the header is not one strict JSON object: {error}")
    except ValueError as error:
        return Rejected("jwt.malformed", str(error))
    refused = sorted(_REFUSED.intersection(members))
    if refused:
        return Rejected("jwt.header_member", f"header member {refused[0]} is not accepted")
    algorithm, kid, typ = members.get("alg"), members.get("kid"), members.get("typ", "")
    if not isinstance(algorithm, str) or not isinstance(typ, str) or len(typ) > _MAXIMUM_TYP:
        return Rejected("jwt.header", "alg or typ is missing or not a short text")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= _MAXIMUM_KID and kid.isprintable()):
        return Rejected("jwt.header", f"kid is not a text of at most {_MAXIMUM_KID} printable characters")
    return Header(algorithm, kid, typ.lower().removeprefix("application/"))


def peek_header_unverified(token: str) -> Header | None:
    """Return what the header claims, to choose a key by. Proves nothing."""
    if len(token) > MAXIMUM_TOKEN or not token.isascii() or token.count(".") != 2:
        return None
    header = read_header(token.partition(".")[0])
    return header if isinstance(header, Header) else None


def peek_claims_unverified(token: str) -> dict[str, Any] | None:
    """Return what the payload claims, to choose an issuer or a key by. Proves nothing: decide nothing by it."""
    if len(token) > MAXIMUM_TOKEN or not token.isascii() or token.count(".") != 2:
        return None
    try:
        return parse_object(decode(token.split(".")[1].encode()), maximum_bytes=MAXIMUM_TOKEN)
    except ValueError:
        return None


def _no_key(header: Header, keys: KeySet) -> Rejected:
    if keys.has(header.kid):
        return Rejected("jwt.algorithm", "the key of this kid signs with another algorithm")
    return Rejected("jwt.key_unknown", "no trusted key has this kid and algorithm")


@lru_cache(maxsize=256)
def _header_segment(algorithm: str, kid: str, typ: str) -> bytes:
    members = {"alg": algorithm, "kid": kid, "typ": typ}
    return encode(_json.encode({name: text for name, text in members.items() if text})) + b"."
