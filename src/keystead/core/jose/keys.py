"""Typed signing keys: one key, one algorithm, never mixed up."""

from __future__ import annotations

from typing import Any, Protocol


class PublicKey(Protocol):
    """A key that verifies exactly one algorithm."""

    kid: str
    algorithm: str

    def verify(self, signature: bytes, signing_input: bytes) -> bool:
        """Return whether the signature is good. Never raises on a bad one."""
        ...

    def jwk(self) -> dict[str, Any]:
        """Return the public JWK (RFC 7517), with `kid`, `alg` and `use`."""
        ...


class PrivateKey(Protocol):
    """A key that signs with exactly one algorithm."""

    kid: str
    algorithm: str

    def sign(self, signing_input: bytes) -> bytes:
        """Return the JWS signature value (RFC 7518 section 3)."""
        ...

    def public(self) -> PublicKey:
        """Return the verifying half."""
        ...
