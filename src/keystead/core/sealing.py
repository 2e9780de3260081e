"""Sealing: authenticated encryption under the key-encryption key, with realm, kind and id bound in.

Flow: every key used here is derived from the one key-encryption key, by HKDF, for one purpose; knowing one tells
nothing about another.
"""

from __future__ import annotations

import hmac
import os
from functools import lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_SALT_BYTES: Final = 12
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_SEALS_PER_KEY: Final = 1 << 28
_REMEMBERED_KEYS: Final = 64
_REMEMBERED_PLACES: Final = 256
_FEWEST_DISTINCT_OCTETS: Final = 8


class Sealer(Protocol):
    """Seals and opens. What was sealed for one (realm, kind, id) opens for no other."""

    def seal(self, realm: str, kind: str, id: str, plaintext: bytes) -> bytes:
        """Return everything `open` needs beside the key, as one text of bytes: 41 longer than the plaintext."""
        ...

    def open(self, realm: str, kind: str, id: str, sealed: bytes) -> bytes | None:
        """Return the plaintext, or None when it was not sealed by us for exactly this place."""
        ...

    def mac(self, realm: str, kind: str, message: bytes) -> bytes:
        """Return 32 bytes only we can make for this message, in this realm, for this kind of thing (HMAC-SHA256)."""
        ...


class AesGcmSealer:
    """The `Sealer`: AES-256-GCM under subkeys of a 256-bit key-encryption key.

    Shape: version (1 byte), salt (12), nonce (12), ciphertext, tag (16). The salt chooses the subkey; every process
    takes a fresh one at start and after 2^28 seals, so random nonces stay far below the bound of NIST SP 800-38D
    section 8.3 however many tokens a busy issuer seals. Spec: RFC 5869 (HKDF).
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key-encryption key has {KEY_BYTES} random bytes, this one has {len(key)}")
        if len(set(key)) < _FEWEST_DISTINCT_OCTETS:
            raise ValueError("this key-encryption key is not random; make one with `keystead keys new-encryption-key`")
        self._key = key
        self._openers: dict[bytes, AESGCM] = {}
        self._mac_key = lru_cache(maxsize=_REMEMBERED_KEYS)(self._derive_mac_key)
        self._take_fresh_salt()

    def seal(self, realm: str, kind: str, id: str, plaintext: bytes) -> bytes:
        """Seal a plaintext for one place."""
        self._left -= 1
        if self._left < 0:
            self._take_fresh_salt()
        nonce = os.urandom(_NONCE_BYTES)
        return self._prefix + nonce + self._cipher.encrypt(nonce, plaintext, _lengths(realm, kind, id))

    def open(self, realm: str, kind: str, id: str, sealed: bytes) -> bytes | None:
        """Open what was sealed for one place."""
        body = 1 + _SALT_BYTES + _NONCE_BYTES
        if len(sealed) < body + _TAG_BYTES or sealed[:1] != _VERSION:
            return None
        salt, nonce = sealed[1 : 1 + _SALT_BYTES], sealed[1 + _SALT_BYTES : body]
        known = self._openers.get(salt)
        cipher = known or self._cipher_for(salt)
        try:
            plaintext = cipher.decrypt(nonce, sealed[body:], _lengths(realm, kind, id))
        except InvalidTag:
            return None
        if known is None:
            self._remember(salt, cipher)
        return plaintext

    def mac(self, realm: str, kind: str, message: bytes) -> bytes:
        """Vouch for a message in one realm and for one kind of thing."""
        return hmac.digest(self._mac_key(realm, kind), message, "sha256")

    def __repr__(self) -> str:
        return "AesGcmSealer(<hidden>)"

    def _derive_mac_key(self, realm: str, kind: str) -> bytes:
        return derive_key(self._key, b"mac " + _lengths(realm, kind))

    def _take_fresh_salt(self) -> None:
        salt = os.urandom(_SALT_BYTES)
        self._cipher = self._cipher_for(salt)
        self._prefix = _VERSION + salt
        self._left = _SEALS_PER_KEY
        self._remember(salt, self._cipher)

    def _cipher_for(self, salt: bytes) -> AESGCM:
        return AESGCM(derive_key(self._key, b"seal " + salt))

    def _remember(self, salt: bytes, cipher: AESGCM) -> None:
        if len(self._openers) >= _REMEMBERED_KEYS:
            self._openers.clear()
        self._openers[salt] = cipher


def derive_key(key: bytes, purpose: bytes) -> bytes:
    """Return the 256-bit subkey of a purpose. Spec: RFC 5869."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"keystead/1 " + purpose).derive(key)


@lru_cache(maxsize=_REMEMBERED_PLACES)
def _lengths(*parts: str) -> bytes:
    """Encode texts one after another, each with its length, so that no two lists of texts read the same."""
    return b"".join(len(octets := part.encode()).to_bytes(4, "big") + octets for part in parts)
