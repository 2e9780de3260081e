"""A DPoP sender for tests: a key, and proofs as good or as bad as a test wants them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec

from keystead.core.jose.algorithms import generate
from keystead.core.jose.base64url import encode
from keystead.core.jose.dpop import access_token_hash
from keystead.core.jose.thumbprint import thumbprint

Header = tuple[bytes, bytes]


class Sender:
    """One key. `proof` makes a proof of one request; `claims` and `header` change what it says, None takes it out."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.key = generate(algorithm)
        jwk = self.key.public().jwk()
        self.jwk = {name: value for name, value in jwk.items() if name not in ("kid", "alg", "use")}
        self.thumbprint = thumbprint(jwk)

    def proof(
        self,
        method: str,
        url: str,
        now: int,
        *,
        token: str = "",
        claims: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
    ) -> str:
        """Return a proof."""
        said: dict[str, Any] = {"jti": uuid4().hex, "htm": method, "htu": url, "iat": now}
        if token:
            said["ath"] = access_token_hash(token)
        named = {"typ": "dpop+jwt", "alg": self.key.algorithm, "jwk": self.jwk, **(header or {})}
        return self.sign(named, {**said, **(claims or {})})

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """Return a compact JWS of a header and claims, without the members that are None."""
        segments = [
            encode(msgspec.json.encode({name: value for name, value in part.items() if value is not None}))
            for part in (header, claims)
        ]
        text = b".".join(segments)
        return (text + b"." + encode(self.key.sign(text))).decode()


def dpop(proof: str) -> Header:
    """Return the header that carries a proof."""
    return b"dpop", proof.encode()
