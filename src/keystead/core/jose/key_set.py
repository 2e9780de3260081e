"""The keys trusted for one purpose, found by `kid` and algorithm together.

Spec: RFC 7517 section 5; RFC 7515 appendix D.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from keystead.core.jose.algorithms import ALGORITHMS, public_from_jwk
from keystead.core.jose.keys import PublicKey
from keystead.core.jose.outcomes import Header

_MAXIMUM_KEYS: Final = 64
_REMEMBERED_HEADERS: Final = 128
_SAME: Final = {"Ed25519": "EdDSA"}


class KeySet:
    """An unchanging set of public keys. A new set of keys is a new object, so nothing cached outlives its key."""

    __slots__ = ("_headers", "_keys", "keys")

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self.keys = tuple(keys)
        self._keys = {key.kid: key for key in self.keys}
        self._headers: dict[str, tuple[Header, PublicKey]] = {}
        if len(self._keys) != len(self.keys):
            raise ValueError("two keys have the same kid")

    @classmethod
    def from_jwks(cls, document: Mapping[str, Any], *, algorithms: frozenset[str] = ALGORITHMS) -> KeySet:
        """Read a JWK Set, leaving out keys that are not for us: other types, algorithms or uses.

        Raises: ValueError when the document is malformed, has a private or symmetric key beside public ones, two
        usable keys of one kid, or more keys than anybody needs.
        """
        jwks = document.get("keys")
        if not isinstance(jwks, list) or len(jwks) > _MAXIMUM_KEYS or not all(isinstance(jwk, dict) for jwk in jwks):
            raise ValueError(f"a JWK Set is an object with at most {_MAXIMUM_KEYS} keys")
        if any("d" in jwk or jwk.get("kty") == "oct" for jwk in jwks):
            raise ValueError("a published JWK Set holds a private or symmetric key: treat it as compromised")
        return cls(key for jwk in jwks if (key := _usable(jwk, algorithms)) is not None)

    def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """Return the key of this name and algorithm; without a name, the only key of the algorithm."""
        wanted = _SAME.get(algorithm, algorithm)
        if kid is not None:
            key = self._keys.get(kid)
            return key if key is not None and _SAME.get(key.algorithm, key.algorithm) == wanted else None
        fitting = [key for key in self.keys if _SAME.get(key.algorithm, key.algorithm) == wanted]
        return fitting[0] if len(fitting) == 1 else None

    def has(self, kid: str | None) -> bool:
        """Return whether a key of this name is here, whatever its algorithm."""
        return kid in self._keys

    def remembered(self, segment: str) -> tuple[Header, PublicKey] | None:
        """Return what an exactly equal header segment came to before."""
        return self._headers.get(segment)

    def remember(self, segment: str, header: Header, key: PublicKey) -> None:
        """Keep a header segment under which a signature was good, so that strangers cannot fill the memory."""
        if len(self._headers) >= _REMEMBERED_HEADERS:
            self._headers.clear()
        self._headers[segment] = (header, key)


def _usable(jwk: Mapping[str, Any], algorithms: frozenset[str]) -> PublicKey | None:
    try:
        return public_from_jwk(jwk, algorithms=algorithms)
    except ValueError:
        return None
