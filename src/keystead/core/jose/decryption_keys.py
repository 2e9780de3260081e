"""The keys others encrypt to for us: made, sealed away as PKCS #8, published as JWK with `use` = `enc`.

Shape: one key serves every algorithm of its type, so the JWK names no `alg`.
Does not: encrypt or decrypt. `jwe` does.
Spec: RFC 7517 section 4.2, RFC 7518 sections 4.3 and 4.6.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keystead.core.jose.base64url import encode
from keystead.core.jose.thumbprint import thumbprint

KEY_TYPES: Final = ("EC", "RSA")
_EXPONENT: Final = 65_537
_BITS: Final = 2_048
_COORDINATE: Final = 32

DecryptionPrimitive = EllipticCurvePrivateKey | RSAPrivateKey


class DecryptionKey(msgspec.Struct, frozen=True):
    """A key of ours that opens what others encrypted to it. `kid` is its RFC 7638 thumbprint."""

    kid: str
    key_type: str
    primitive: DecryptionPrimitive

    def jwk(self) -> dict[str, Any]:
        """Return the public half, as published."""
        return {**_public_numbers(self.primitive), "kid": self.kid, "use": "enc"}

    def __repr__(self) -> str:
        return f"DecryptionKey({self.kid}, <hidden>)"


def generate_decryption_key(key_type: str) -> DecryptionKey:
    """Make a key: P-256, or RSA of 2048 bits. Raises: ValueError for another type."""
    if key_type == "EC":
        return _named(generate_ec(SECP256R1()), key_type)
    if key_type == "RSA":
        return _named(generate_rsa(_EXPONENT, _BITS), key_type)
    raise ValueError(f"a decryption key is one of {', '.join(KEY_TYPES)}")


def decryption_key_from_pem(pem: bytes) -> DecryptionKey:
    """Read what `decryption_key_to_pem` wrote. Raises: ValueError for any other kind of key."""
    primitive = load_pem_private_key(pem, password=None)
    if isinstance(primitive, EllipticCurvePrivateKey) and isinstance(primitive.curve, SECP256R1):
        return _named(primitive, "EC")
    if isinstance(primitive, RSAPrivateKey):
        return _named(primitive, "RSA")
    raise ValueError("this is not a decryption key of ours")


def decryption_key_to_pem(key: DecryptionKey) -> bytes:
    """Return the key as unencrypted PKCS #8. Seal it before it touches a disk."""
    return key.primitive.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _named(primitive: DecryptionPrimitive, key_type: str) -> DecryptionKey:
    return DecryptionKey(thumbprint(_public_numbers(primitive)), key_type, primitive)


def _public_numbers(primitive: DecryptionPrimitive) -> dict[str, Any]:
    if isinstance(primitive, EllipticCurvePrivateKey):
        point = primitive.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": _number(point.x, _COORDINATE), "y": _number(point.y, _COORDINATE)}
    modulus = primitive.public_key().public_numbers()
    size = (modulus.n.bit_length() + 7) // 8
    return {"kty": "RSA", "n": _number(modulus.n, size), "e": _number(modulus.e, 3)}


def _number(number: int, size: int) -> str:
    return encode(number.to_bytes(size, "big")).decode()
