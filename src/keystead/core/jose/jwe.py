"""Compact JWE, both ways, behind limits of our own: joserfc does the arithmetic, this file says what it may be shown.

Flow: `decrypt` looks at size, shape, alphabet and header first, then at the one key the header can mean, and only then
hands the text on. Whatever fails after that fails with one and the same answer, so that nobody learns from it.
`encrypt` seals for a client's public key.
Shape: RSA-OAEP-256 and ECDH-ES (also with A128KW and A256KW) with AES-GCM or AES-CBC and HMAC; RSA-OAEP where a
caller names it. `decrypt` returns the plaintext or `Rejected`, and never raises on any text.
Does not: RSA1_5, PBES2, `dir`, key wrapping with shared secrets, compression, JSON serialization. Being decrypted
proves nothing about the sender: what is inside has to be signed.
Spec: RFC 7516 sections 5 and 7.1; RFC 7518 sections 4 and 5; RFC 8725 sections 3.3 to 3.6.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from keystead.core.jose.base64url import decode as read_base64url
from keystead.core.jose.decryption_keys import DecryptionKey
from keystead.core.jose.outcomes import Rejected
from keystead.core.jose.rsa import public_numbers
from keystead.core.strict_json import NotStrictJson, parse_object

KEY_ALGORITHMS: Final = ("RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
"""How a content key may be agreed on or wrapped, unless the caller says otherwise."""

ALL_KEY_ALGORITHMS: Final = (*KEY_ALGORITHMS, "RSA-OAEP")
"""The same, with what only peers of old need: RSA-OAEP has SHA-1 inside."""

CONTENT_ENCRYPTIONS: Final = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
DEFAULT_CONTENT_ENCRYPTION: Final = "A128CBC-HS256"
"""What a client means that names an algorithm and no encryption. Spec: OpenID Connect Registration section 2."""

MAXIMUM_JWE: Final = 65_536
_MAXIMUM_HEADER: Final = 1_024
_MAXIMUM_KID: Final = 256
_LENGTHS: Final = {"A128CBC-HS256": (16, 16), "A256CBC-HS512": (16, 32), "A128GCM": (12, 16), "A256GCM": (12, 16)}
_KEY_TYPES: Final = {"RSA-OAEP": ("RSA",), "RSA-OAEP-256": ("RSA",)}
_AGREED_ON: Final = ("EC", "OKP")

# Members that change what is computed (crit, b64, zip), belong to algorithms we do not have (p2s, p2c, iv, tag), or
# bring a key or a URL of the sender's choosing.
_REFUSED: Final = frozenset(
    ("crit", "b64", "zip", "p2s", "p2c", "iv", "tag", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "skid")
)
_CLOSED: Final = Rejected("jwe.decryption", "no key of ours opens this text")
_FAILURES: Final = (JoseError, InvalidTag, ValueError, TypeError, KeyError, AssertionError, OverflowError)


def key_type_of(algorithm: str) -> str:
    """Return the type of our own key an algorithm is used with: `RSA` or `EC`."""
    return "RSA" if algorithm in _KEY_TYPES else "EC"


def encrypt(
    plaintext: bytes, *, jwk: Mapping[str, Any], algorithm: str, encryption: str, content_type: str = "JWT"
) -> str:
    """Return a compact JWE for the holder of a public JWK. A nested token has the content type `JWT`.

    Spec: RFC 7519 sections 5.2 and 11.2. Raises: ValueError when the algorithm is not ours or the key is no fit for it.
    """
    if algorithm not in ALL_KEY_ALGORITHMS or encryption not in CONTENT_ENCRYPTIONS:
        raise ValueError("choose an algorithm and an encryption that keystead.core.jose.jwe names")
    header = {"alg": algorithm, "enc": encryption}
    if isinstance(kid := jwk.get("kid"), str) and kid:
        header["kid"] = kid
    if content_type:
        header["cty"] = content_type
    return jwe.encrypt_compact(header, plaintext, public_key(jwk, algorithm), registry=_registry())


def public_key(jwk: Mapping[str, Any], algorithm: str) -> RSAKey | ECKey | OKPKey:
    """Return the key to encrypt to, from a JWK meant for this. Raises: ValueError."""
    if jwk.get("use", "enc") != "enc" or jwk.get("alg", algorithm) != algorithm:
        raise ValueError("the key is not meant for this encryption")
    kind = jwk.get("kty")
    if kind not in _KEY_TYPES.get(algorithm, _AGREED_ON):
        raise ValueError(f"a key of another type than {algorithm} needs")
    try:
        if kind == "RSA":
            public_numbers(jwk)
            return RSAKey.import_key({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]})
        if kind == "EC":
            return ECKey.import_key({"kty": "EC", "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]})
        if jwk["crv"] != "X25519":
            raise ValueError("of the OKP keys only X25519 is for encryption")
        return OKPKey.import_key({"kty": "OKP", "crv": "X25519", "x": jwk["x"]})
    except _FAILURES as error:
        raise ValueError(f"not a usable {kind} key") from error


def decrypt(
    token: str,
    *,
    keys: Sequence[DecryptionKey],
    algorithms: Collection[str] = KEY_ALGORITHMS,
    encryptions: Collection[str] = CONTENT_ENCRYPTIONS,
    maximum: int = MAXIMUM_JWE,
) -> bytes | Rejected:
    """Return what is inside a JWE meant for one of `keys`: one text, which is no longer than `maximum` either."""
    if len(token) > min(maximum, MAXIMUM_JWE):
        return Rejected("jwe.too_large", f"longer than {min(maximum, MAXIMUM_JWE)} characters")
    if not token.isascii() or token.count(".") != 4:
        return Rejected("jwe.malformed", "not five base64url segments joined by dots")
    segments = token.split(".")
    header = _header(segments[0], algorithms, encryptions)
    if isinstance(header, Rejected):
        return header
    try:
        wrapped, vector, _, tag = (read_base64url(segment.encode()) for segment in segments[1:])
    except ValueError as error:
        return Rejected("jwe.malformed", str(error))
    if (len(vector), len(tag)) != _LENGTHS[header["enc"]]:
        return Rejected("jwe.malformed", "initialization vector or tag has another length than this encryption's")
    if bool(wrapped) is (header["alg"] == "ECDH-ES"):
        return Rejected("jwe.malformed", "an encrypted key where there is none, or none where there is one")
    key = _key(header, keys)
    if isinstance(key, Rejected):
        return key
    return _open(token, header, key)


def peek_header_unverified(token: str) -> dict[str, Any] | None:
    """Return what the header of a JWE claims, for the log. Proves nothing."""
    try:
        return parse_object(read_base64url(token.partition(".")[0].encode()), maximum_bytes=_MAXIMUM_HEADER)
    except ValueError:
        return None


def looks_encrypted(token: str) -> bool:
    """Return whether a text has the shape of a JWE rather than a JWS."""
    return token.count(".") == 4


def _header(segment: str, algorithms: Collection[str], encryptions: Collection[str]) -> dict[str, Any] | Rejected:
    try:
        members = parse_object(read_base64url(segment.encode()), maximum_bytes=_MAXIMUM_HEADER, maximum_depth=4)
    except NotStrictJson as error:
        return Rejected("jwe.header", f"the header is not one strict JSON object: {error}")
    except ValueError as error:
        return Rejected("jwe.malformed", str(error))
    refused = sorted(_REFUSED.intersection(members))
    if refused:
        return Rejected("jwe.header_member", f"header member {refused[0]} is not accepted")
    algorithm, encryption, kid = members.get("alg"), members.get("enc"), members.get("kid")
    if algorithm not in ALL_KEY_ALGORITHMS or algorithm not in algorithms:
        return Rejected("jwe.algorithm", f"alg must be one of {', '.join(sorted(algorithms))}")
    if encryption not in CONTENT_ENCRYPTIONS or encryption not in encryptions:
        return Rejected("jwe.encryption", f"enc must be one of {', '.join(sorted(encryptions))}")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= _MAXIMUM_KID and kid.isprintable()):
        return Rejected("jwe.header", f"kid is not a text of at most {_MAXIMUM_KID} printable characters")
    if ("epk" in members) is (algorithm in _KEY_TYPES) or not _is_point(members.get("epk")):
        return Rejected("jwe.header", "epk must be a public key on P-256, and there for ECDH-ES alone")
    return members


def _is_point(epk: object) -> bool:
    """Return whether this is absent, or a P-256 JWK of exactly the members it needs."""
    if epk is None:
        return True
    if not isinstance(epk, dict) or not {"kty", "crv", "x", "y"} <= epk.keys() or "d" in epk:
        return False
    return epk["kty"] == "EC" and epk["crv"] == "P-256" and all(isinstance(epk[name], str) for name in ("x", "y"))


def _key(header: Mapping[str, Any], keys: Sequence[DecryptionKey]) -> DecryptionKey | Rejected:
    fitting = [key for key in keys if key.key_type == key_type_of(header["alg"])]
    if (kid := header.get("kid")) is not None:
        fitting = [key for key in fitting if key.kid == kid]
    if not fitting:
        return Rejected("jwe.key_unknown", "no key of ours has this kid and algorithm: fetch the JWK Set again")
    # Without a kid the newest key is meant, which is the one a reader of the key document finds.
    return fitting[0]


def _open(token: str, header: Mapping[str, Any], key: DecryptionKey) -> bytes | Rejected:
    ours = key.primitive
    imported = RSAKey.import_key(ours) if isinstance(ours, RSAPrivateKey) else ECKey.import_key(ours)
    try:
        opened = jwe.decrypt_compact(token, imported, registry=_registry())
    except _FAILURES:
        return _CLOSED
    if opened.protected != header or opened.plaintext is None:
        return _CLOSED
    return opened.plaintext


def _registry() -> jwe.JWERegistry:
    registry = jwe.JWERegistry(algorithms=[*ALL_KEY_ALGORITHMS, *CONTENT_ENCRYPTIONS], strict_check_header=False)
    registry.max_protected_header_length = 2 * _MAXIMUM_HEADER
    return registry
