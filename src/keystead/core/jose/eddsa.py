"""EdDSA on Ed25519, under its old name `EdDSA` and its fully specified one, `Ed25519`.

Spec: RFC 8037 section 3.1, RFC 9864 section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keystead.core.jose.base64url import decode, encode

_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_PRIME: Final = 2**255 - 19
# The y coordinates of the points of small order: under such a key anybody can make signatures.
_ORDER_EIGHT: Final = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER: Final = frozenset((0, 1, _PRIME - 1, _ORDER_EIGHT, _PRIME - _ORDER_EIGHT))


class Ed25519VerifyingKey:
    """An Ed25519 key that verifies EdDSA."""

    __slots__ = ("_key", "algorithm", "kid")

    def __init__(self, key: Ed25519PublicKey, algorithm: str, kid: str) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self._key = key

    def verify(self, signature: bytes, signing_input: bytes) -> bool:
        """Return whether the signature is good. Never raises on a bad one."""
        if len(signature) != _SIGNATURE_BYTES:
            return False
        try:
            self._key.verify(signature, signing_input)
        except InvalidSignature:
            return False
        return True

    def jwk(self) -> dict[str, Any]:
        """Return the public JWK, with `kid`, `alg` and `use`."""
        x = encode(self._key.public_bytes_raw()).decode()
        return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


class Ed25519SigningKey:
    """An Ed25519 key that signs EdDSA."""

    __slots__ = ("algorithm", "kid", "primitive")

    def __init__(self, key: Ed25519PrivateKey, algorithm: str, kid: str) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.primitive = key

    def sign(self, signing_input: bytes) -> bytes:
        """Return the 64-byte signature."""
        return self.primitive.sign(signing_input)

    def public(self) -> Ed25519VerifyingKey:
        """Return the verifying half."""
        return Ed25519VerifyingKey(self.primitive.public_key(), self.algorithm, self.kid)


def generate(algorithm: str, kid: str) -> Ed25519SigningKey:
    """Make a key pair."""
    return Ed25519SigningKey(Ed25519PrivateKey.generate(), algorithm, kid)


def from_jwk(jwk: Mapping[str, Any], algorithm: str, kid: str) -> Ed25519VerifyingKey:
    """Read a public JWK.

    Raises: ValueError when `x` is not 32 bytes, not a canonical encoding, or a point of small order.
    """
    text = jwk.get("x")
    octets = decode(text.encode()) if isinstance(text, str) else b""
    if jwk.get("crv") != "Ed25519" or len(octets) != _KEY_BYTES:
        raise ValueError("EdDSA needs crv Ed25519 and 32 bytes of x in base64url")
    y = int.from_bytes(octets, "little") & (2**255 - 1)
    if y >= _PRIME or y in _SMALL_ORDER:
        raise ValueError("not a usable Ed25519 point")
    return Ed25519VerifyingKey(Ed25519PublicKey.from_public_bytes(octets), algorithm, kid)
