"""NATS keys: Ed25519 keys whose text says what they are for (U user, A account, N server) and carries a checksum.

Shape: public key `prefix byte | 32 bytes | CRC-16`, seed `2 prefix bytes | 32 bytes | CRC-16`, in base32 without
padding. The checksum is CRC-16/XMODEM, little-endian.
"""

from __future__ import annotations

from base64 import b32decode, b32encode
from binascii import Error, crc_hqx
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

USER: Final = 20 << 3
ACCOUNT: Final = 0
SERVER: Final = 13 << 3
_SEED: Final = 18 << 3
_PUBLIC_LENGTH: Final = 56
_SEED_LENGTH: Final = 58


class NatsKey:
    """A key pair. Its `repr` shows the public half only."""

    __slots__ = ("_key", "public", "role")

    def __init__(self, key: Ed25519PrivateKey, role: int) -> None:
        self._key = key
        self.role = role
        self.public = encode_public(key.public_key().public_bytes_raw(), role)

    @classmethod
    def generate(cls, role: int) -> NatsKey:
        """Make a key pair for a role."""
        return cls(Ed25519PrivateKey.generate(), role)

    @classmethod
    def from_seed(cls, seed: str, role: int) -> NatsKey:
        """Read a seed.

        Raises: ValueError when it is malformed or for another role.
        """
        raw = _decode(seed.strip(), _SEED_LENGTH)
        found = (raw[0] & 0b111) << 5 | raw[1] >> 3
        if raw[0] & 0b1111_1000 != _SEED or found != role:
            raise ValueError("this is no seed of the kind of NATS key wanted here")
        return cls(Ed25519PrivateKey.from_private_bytes(raw[2:]), role)

    def seed(self) -> str:
        """Return the seed: the secret itself."""
        head = bytes((_SEED | self.role >> 5, (self.role & 0b1_1111) << 3))
        return _encode(head + self._key.private_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"NatsKey({self.public})"


def encode_public(key: bytes, role: int) -> str:
    """Return a public key as text."""
    return _encode(bytes((role,)) + key)


def verify(public: str, role: int, signature: bytes, message: bytes) -> bool:
    """Whether a signature was made with the key of this text, a key of this role. Never raises."""
    try:
        raw = _decode(public, _PUBLIC_LENGTH)
        if raw[0] != role:
            return False
        Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signature, message)
    except (ValueError, InvalidSignature):
        return False
    return True


def is_public(text: str, role: int) -> bool:
    """Whether a text is a public key of this role."""
    try:
        return _decode(text, _PUBLIC_LENGTH)[0] == role
    except ValueError:
        return False


def _encode(raw: bytes) -> str:
    return b32encode(raw + crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


def _decode(text: str, length: int) -> bytes:
    if len(text) != length or not text.isascii():
        raise ValueError("not a NATS key")
    try:
        raw = b32decode(text + "=" * (-length % 8))
    except Error:
        raise ValueError("not a NATS key") from None
    body, checksum = raw[:-2], raw[-2:]
    if crc_hqx(body, 0).to_bytes(2, "little") != checksum or _encode(body) != text:
        raise ValueError("not a NATS key: its checksum is wrong")
    return body
