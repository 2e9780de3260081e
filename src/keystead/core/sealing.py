"""Sealing: authenticated encryption under the key-encryption key, with realm, kind and id bound in."""

from __future__ import annotations

from typing import Protocol


class Sealer(Protocol):
    """Seals and opens. What was sealed for one (realm, kind, id) opens for no other."""

    def seal(self, realm: str, kind: str, id: str, plaintext: bytes) -> bytes:
        """Return nonce, ciphertext and tag as one text of bytes."""
        ...

    def open(self, realm: str, kind: str, id: str, sealed: bytes) -> bytes | None:
        """Return the plaintext, or None when it was not sealed by us for exactly this place."""
        ...

    def mac(self, realm: str, kind: str, message: bytes) -> bytes:
        """Return 32 bytes only we can make for this message, in this realm, for this kind of thing (HMAC-SHA256)."""
        ...
