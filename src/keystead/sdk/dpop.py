"""The sender's side of DPoP: a key, its proofs, and the nonces servers hand out.

    key = DpopKey()                                  # or DpopKey.from_pem(...), to keep it across restarts
    headers = {"DPoP": key.proof("POST", "https://id.example/realms/acme/token")}

Does not: send anything. `keystead.sdk.dpop_client` does, and follows nonces by itself.
Spec: RFC 9449 sections 4, 8 and 9.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from keystead.core.errors import ConfigurationError
from keystead.core.jose.algorithms import generate, private_from_pem
from keystead.core.jose.dpop import DPOP_ALGORITHMS, access_token_hash, make_proof
from keystead.core.jose.keys import PrivateKey
from keystead.core.jose.thumbprint import thumbprint

_REMEMBERED: Final = 256
_LONGEST_NONCE: Final = 512


class DpopKey:
    """A key pair that proves its holder. One per client; what is bought with it is good with it alone.

    `thumbprint` is the `jkt` of tokens bound to it, and the `dpop_jkt` of an authorization request.
    """

    def __init__(
        self, key: PrivateKey | None = None, *, algorithm: str = "ES256", clock: Callable[[], float] = time.time
    ) -> None:
        if algorithm not in DPOP_ALGORITHMS or (key is not None and key.algorithm not in DPOP_ALGORITHMS):
            raise ConfigurationError(f"a DPoP key signs with one of {', '.join(sorted(DPOP_ALGORITHMS))}")
        self._key = key or generate(algorithm)
        self._clock = clock
        self.thumbprint = thumbprint(self._key.public().jwk())

    @classmethod
    def from_pem(cls, pem: bytes, algorithm: str = "ES256") -> DpopKey:
        """Read an unencrypted PKCS #8 key. Raises: ValueError."""
        return cls(private_from_pem(pem, algorithm))

    def proof(self, method: str, url: str, *, token: str = "", nonce: str = "") -> str:
        """Return a proof of one request, good once. `token` is the access token sent along, `nonce` the server's."""
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url.partition("?")[0].partition("#")[0],
            "iat": int(self._clock()),
        }
        if token:
            claims["ath"] = access_token_hash(token)
        if nonce:
            claims["nonce"] = nonce
        return make_proof(self._key, claims)

    def __repr__(self) -> str:
        return f"DpopKey({self.thumbprint})"


class Nonces:
    """The latest nonce of each server, by origin. Bounded."""

    def __init__(self) -> None:
        self._latest: dict[str, str] = {}

    def of(self, url: str) -> str:
        """Return the nonce to put into the next proof for this server; empty when it gave none."""
        return self._latest.get(_origin(url), "")

    def note(self, url: str, nonce: str | None) -> bool:
        """Keep what a server handed out. Return whether it is another one than before."""
        if not nonce or len(nonce) > _LONGEST_NONCE or self.of(url) == nonce:
            return False
        if len(self._latest) >= _REMEMBERED:
            self._latest.clear()
        self._latest[_origin(url)] = nonce
        return True


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
