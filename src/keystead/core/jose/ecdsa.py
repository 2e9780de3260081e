"""ES256: ECDSA on P-256 with SHA-256, signatures as R||S.

Spec: RFC 7518 sections 3.4 and 6.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from keystead.core.jose.base64url import decode, encode

_ES256: Final = ec.ECDSA(SHA256())
_COORDINATE: Final = 32


def _integer(raw: bytes) -> bytes:
    """Return a DER INTEGER of an unsigned big-endian number."""
    raw = raw.lstrip(b"\0")
    if not raw or raw[0] & 0x80:
        raw = b"\0" + raw
    return bytes((2, len(raw))) + raw


def raw_to_der(signature: bytes) -> bytes:
    """Return R||S (64 bytes) as the DER sequence OpenSSL wants; three times faster than by way of integers."""
    body = _integer(signature[:_COORDINATE]) + _integer(signature[_COORDINATE:])
    return bytes((0x30, len(body))) + body


def der_to_raw(signature: bytes) -> bytes:
    """Return a DER signature of our own making as R||S."""
    end = 4 + signature[3]
    r, s = signature[4:end], signature[end + 2 :]
    return r[-_COORDINATE:].rjust(_COORDINATE, b"\0") + s[-_COORDINATE:].rjust(_COORDINATE, b"\0")


class Es256PublicKey:
    """A P-256 key that verifies ES256."""

    __slots__ = ("_key", "algorithm", "kid")

    def __init__(self, key: ec.EllipticCurvePublicKey, algorithm: str, kid: str) -> None:
        if not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("ES256 needs a key on P-256")
        self.kid = kid
        self.algorithm = algorithm
        self._key = key

    def verify(self, signature: bytes, signing_input: bytes) -> bool:
        """Return whether the signature is good. Never raises on a bad one."""
        if len(signature) != 2 * _COORDINATE:
            return False
        try:
            self._key.verify(raw_to_der(signature), signing_input, _ES256)
        except InvalidSignature:
            return False
        return True

    def jwk(self) -> dict[str, Any]:
        """Return the public JWK, with `kid`, `alg` and `use`."""
        numbers = self._key.public_numbers()
        x, y = (encode(number.to_bytes(_COORDINATE, "big")).decode() for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


class Es256PrivateKey:
    """A P-256 key that signs ES256."""

    __slots__ = ("algorithm", "kid", "primitive")

    def __init__(self, key: ec.EllipticCurvePrivateKey, algorithm: str, kid: str) -> None:
        if not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("ES256 needs a key on P-256")
        self.kid = kid
        self.algorithm = algorithm
        self.primitive = key

    def sign(self, signing_input: bytes) -> bytes:
        """Return R||S, 64 bytes."""
        return der_to_raw(self.primitive.sign(signing_input, _ES256))

    def public(self) -> Es256PublicKey:
        """Return the verifying half."""
        return Es256PublicKey(self.primitive.public_key(), self.algorithm, self.kid)


def generate(algorithm: str, kid: str) -> Es256PrivateKey:
    """Make a key pair."""
    return Es256PrivateKey(ec.generate_private_key(ec.SECP256R1()), algorithm, kid)


def from_jwk(jwk: Mapping[str, Any], algorithm: str, kid: str) -> Es256PublicKey:
    """Read a public JWK.

    Raises: ValueError when a coordinate has another length or the point is not on the curve.
    """
    if jwk.get("crv") != "P-256":
        raise ValueError("ES256 needs crv P-256")
    x, y = (_coordinate(jwk, name) for name in ("x", "y"))
    return Es256PublicKey(ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key(), algorithm, kid)


def _coordinate(jwk: Mapping[str, Any], name: str) -> int:
    text = jwk.get(name)
    octets = decode(text.encode()) if isinstance(text, str) else b""
    if len(octets) != _COORDINATE:
        raise ValueError(f"member {name} must be {_COORDINATE} bytes in base64url")
    return int.from_bytes(octets, "big")
