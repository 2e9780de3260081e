"""RS256 and PS256: RSA signatures with SHA-256, for peers that know nothing newer.

Spec: RFC 7518 sections 3.3, 3.5 and 6.3; RFC 8725 section 3.5 (at least 2048 bits).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from keystead.core.jose.base64url import decode, encode

_SHA256: Final = SHA256()
_PADDINGS: Final[dict[str, padding.PKCS1v15 | padding.PSS]] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(_SHA256), _SHA256.digest_size),
}
_MINIMUM_BITS: Final = 2048
_MAXIMUM_BITS: Final = 8192
_EXPONENT: Final = 65537
_ROCA_PRIMES: Final = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)


class RsaPublicKey:
    """An RSA key that verifies either RS256 or PS256, never both."""

    __slots__ = ("_key", "_padding", "algorithm", "kid")

    def __init__(self, key: rsa.RSAPublicKey, algorithm: str, kid: str) -> None:
        require_strong(key.public_numbers())
        self.kid = kid
        self.algorithm = algorithm
        self._padding = _PADDINGS[algorithm]
        self._key = key

    def verify(self, signature: bytes, signing_input: bytes) -> bool:
        """Return whether the signature is good. Never raises on a bad one."""
        try:
            self._key.verify(signature, signing_input, self._padding, _SHA256)
        except InvalidSignature:
            return False
        return True

    def jwk(self) -> dict[str, Any]:
        """Return the public JWK, with `kid`, `alg` and `use`."""
        numbers = self._key.public_numbers()
        n, e = (
            encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode() for number in (numbers.n, numbers.e)
        )
        return {"kty": "RSA", "n": n, "e": e, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


class RsaPrivateKey:
    """An RSA key that signs either RS256 or PS256, never both."""

    __slots__ = ("_padding", "algorithm", "kid", "primitive")

    def __init__(self, key: rsa.RSAPrivateKey, algorithm: str, kid: str) -> None:
        require_strong(key.public_key().public_numbers())
        self.kid = kid
        self.algorithm = algorithm
        self._padding = _PADDINGS[algorithm]
        self.primitive = key

    def sign(self, signing_input: bytes) -> bytes:
        """Return the signature. Takes 0.7 ms where ES256 takes 0.03."""
        return self.primitive.sign(signing_input, self._padding, _SHA256)

    def public(self) -> RsaPublicKey:
        """Return the verifying half."""
        return RsaPublicKey(self.primitive.public_key(), self.algorithm, self.kid)


def generate(algorithm: str, kid: str) -> RsaPrivateKey:
    """Make a key pair of 2048 bits."""
    return RsaPrivateKey(rsa.generate_private_key(_EXPONENT, _MINIMUM_BITS), algorithm, kid)


def from_jwk(jwk: Mapping[str, Any], algorithm: str, kid: str) -> RsaPublicKey:
    """Read a public JWK.

    Raises: ValueError when a number is malformed or the key is weak.
    """
    return RsaPublicKey(public_numbers(jwk).public_key(), algorithm, kid)


def public_numbers(jwk: Mapping[str, Any]) -> rsa.RSAPublicNumbers:
    """Return what a public JWK says, checked to be strong.

    Raises: ValueError when a number is malformed or the key is weak.
    """
    numbers = rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n"))
    require_strong(numbers)
    return numbers


def require_strong(numbers: rsa.RSAPublicNumbers) -> None:
    """Refuse a key that is too short, has a small exponent, or was made by a generator known to be broken.

    Raises: ValueError.
    """
    if not _MINIMUM_BITS <= numbers.n.bit_length() <= _MAXIMUM_BITS:
        raise ValueError(f"an RSA key has {_MINIMUM_BITS} to {_MAXIMUM_BITS} bits")
    if not _EXPONENT <= numbers.e < 2**32:
        raise ValueError(f"the exponent of an RSA key is {_EXPONENT} or a little more")
    if all(numbers.n % prime in residues for prime, residues in _roca_residues()):
        raise ValueError("the key has the fingerprint of the broken generator of CVE-2017-15361 (ROCA)")


@lru_cache(maxsize=1)
def _roca_residues() -> tuple[tuple[int, frozenset[int]], ...]:
    return tuple((prime, frozenset(pow(_EXPONENT, k, prime) for k in range(prime))) for prime in _ROCA_PRIMES)


def _number(jwk: Mapping[str, Any], name: str) -> int:
    text = jwk.get(name)
    octets = decode(text.encode()) if isinstance(text, str) else b""
    if not octets or octets[0] == 0:
        raise ValueError(f"member {name} must be a positive number in base64url without leading zeros")
    return int.from_bytes(octets, "big")
