"""The algorithms Keystead signs and verifies with, and how their keys are made, read and written.

Shape: one table, one family of functions per row. Adding an algorithm is adding its file and its row.
Does not: know HMAC, `none`, or a default. The caller names the algorithms it accepts.
Spec: RFC 7517 section 4, RFC 7518 section 3.1, RFC 8037, RFC 9864; RFC 8725 section 3.1 (one algorithm per key).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keystead.core.jose import ecdsa, eddsa, rsa
from keystead.core.jose.keys import PrivateKey, PublicKey
from keystead.core.jose.thumbprint import thumbprint

SigningPrimitive = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey


class Family(NamedTuple):
    """How keys of one algorithm are made and read."""

    key_type: str
    curve: str
    generate: Callable[[str, str], PrivateKey]
    from_jwk: Callable[[Mapping[str, Any], str, str], PublicKey]


_ED25519: Final = Family("OKP", "Ed25519", eddsa.generate, eddsa.from_jwk)
_RSA: Final = Family("RSA", "", rsa.generate, rsa.from_jwk)
FAMILIES: Final[dict[str, Family]] = {
    "ES256": Family("EC", "P-256", ecdsa.generate, ecdsa.from_jwk),
    "EdDSA": _ED25519,
    "Ed25519": _ED25519,
    "RS256": _RSA,
    "PS256": _RSA,
}
ALGORITHMS: Final = frozenset(FAMILIES)
"""All algorithms there are here, by their JOSE names."""

_IMPLIED: Final = {("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
_PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_MAXIMUM_KID: Final = 256


def generate(algorithm: str, kid: str = "") -> PrivateKey:
    """Make a fresh key pair. Without a `kid` the key is named by its RFC 7638 thumbprint.

    Raises: ValueError for an algorithm that is not ours.
    """
    key = _family(algorithm).generate(algorithm, kid)
    key.kid = kid or thumbprint(key.public().jwk())
    return key


def private_from_pem(pem: bytes, algorithm: str, kid: str = "") -> PrivateKey:
    """Read an unencrypted PKCS #8 key for exactly one algorithm.

    Raises: ValueError when the text is no such key or the key does not fit the algorithm.
    """
    _family(algorithm)
    key = _typed(load_pem_private_key(pem, password=None), algorithm, kid)
    key.kid = kid or thumbprint(key.public().jwk())
    return key


def private_to_pem(key: PrivateKey) -> bytes:
    """Return the key as unencrypted PKCS #8. Seal it before it touches a disk."""
    if not isinstance(key, ecdsa.Es256PrivateKey | eddsa.Ed25519SigningKey | rsa.RsaPrivateKey):
        raise TypeError("only keys made by keystead.core.jose can be written")
    return key.primitive.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_from_jwk(jwk: Mapping[str, Any], *, algorithms: frozenset[str]) -> PublicKey:
    """Read a public JWK for the one algorithm it is meant for.

    A key without `alg` gets the one its type implies; an RSA key gets the only RSA algorithm in `algorithms`.
    Without a `kid` it is named by its thumbprint. Certificates and URLs in the key (`x5c`, `x5u`) are never read.
    Raises: ValueError when the key is private, symmetric, weak, malformed, not for signatures, or for an algorithm
    outside `algorithms`.
    """
    if any(name in jwk for name in _PRIVATE_MEMBERS):
        raise ValueError("a private or symmetric key where a public one belongs")
    if jwk.get("use", "sig") != "sig" or not _verifies(jwk.get("key_ops")):
        raise ValueError("the key is not meant for checking signatures")
    algorithm = _algorithm(jwk, algorithms)
    family = _family(algorithm)
    if algorithm not in algorithms or jwk.get("kty") != family.key_type:
        raise ValueError("the key's algorithm is not accepted here")
    kid = jwk.get("kid", "")
    if not isinstance(kid, str) or len(kid) > _MAXIMUM_KID:
        raise ValueError(f"a kid is a text of at most {_MAXIMUM_KID} characters")
    try:
        name = kid or thumbprint(jwk)
    except KeyError as missing:
        raise ValueError(f"the key has no member {missing}") from None
    return family.from_jwk(jwk, algorithm, name)


def _family(algorithm: str) -> Family:
    family = FAMILIES.get(algorithm)
    if family is None:
        raise ValueError(f"unknown algorithm; choose one of {', '.join(FAMILIES)}")
    return family


def _algorithm(jwk: Mapping[str, Any], algorithms: frozenset[str]) -> str:
    named = jwk.get("alg")
    if named is None:
        fitting = [name for name in ("RS256", "PS256") if name in algorithms and jwk.get("kty") == "RSA"]
        named = _IMPLIED.get((str(jwk.get("kty")), str(jwk.get("crv")))) if not fitting else fitting[0]
        if named is None or len(fitting) > 1:
            raise ValueError("the key names no algorithm and its type does not imply one")
    if not isinstance(named, str):
        raise ValueError("alg is a text")
    return named


def _verifies(operations: object) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _typed(primitive: object, algorithm: str, kid: str) -> PrivateKey:
    key_type = FAMILIES[algorithm].key_type
    if isinstance(primitive, EllipticCurvePrivateKey) and key_type == "EC":
        return ecdsa.Es256PrivateKey(primitive, algorithm, kid)
    if isinstance(primitive, Ed25519PrivateKey) and key_type == "OKP":
        return eddsa.Ed25519SigningKey(primitive, algorithm, kid)
    if isinstance(primitive, RSAPrivateKey) and key_type == "RSA":
        return rsa.RsaPrivateKey(primitive, algorithm, kid)
    raise ValueError(f"this is not a key for {algorithm}")
