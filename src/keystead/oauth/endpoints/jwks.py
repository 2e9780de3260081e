"""The realm's public keys."""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.core.http import Reply, Request
from keystead.core.jose.key_set import KeySet
from keystead.core.spec import OIDC_DISCOVERY, RFC7517, RFC8414
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.public_documents import PublicDocuments


class JwksEndpoint(EndpointPlugin):
    """Every key a verifier may meet now: the next one is published before it signs, the last one until it is dead.

    Beside them the keys to encrypt to, told apart by `use`.
    Shape: a JWK Set; `kid` is the RFC 7638 thumbprint, `use` always there, `alg` on the keys that sign. Any origin may
    read it.
    """

    path = "jwks"
    methods = frozenset({"GET", "HEAD"})
    specs = (RFC7517["5"], OIDC_DISCOVERY["3"], RFC8414["2"])
    fast = True

    def __init__(self) -> None:
        self._documents: PublicDocuments[tuple[KeySet, tuple[dict[str, Any], ...]]] = PublicDocuments()

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where the keys are."""
        return {"jwks_uri": f"{issuer}/{self.path}"}

    def at_hand(self, realm: str, now: EpochSeconds, cx: ServerContext) -> Reply | None:
        """Return the reply that was given in this same second."""
        return self._documents.fresh(cx, realm, now)

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with the key set, serialised once for as long as it does not change."""
        reply = self._documents.fresh(cx, request.realm, request.now)
        if reply is not None:
            return reply
        keys = await cx.keys.key_set(request.realm, request.now)
        encryption = await cx.keys.encryption_jwks(request.realm, request.now)
        return self._documents.keep(cx, request, (keys, encryption), lambda: _serialise(keys, encryption))


def _serialise(keys: KeySet, encryption: tuple[dict[str, Any], ...]) -> bytes:
    return msgspec.json.encode({"keys": [*(key.jwk() for key in keys.keys), *encryption]})
