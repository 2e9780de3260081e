"""Challenges for client attestations: made like DPoP nonces, so that nothing is stored and they go stale.

Spec: draft-ietf-oauth-attestation-based-client-auth section 8.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from keystead.core.http import Request
from keystead.core.jose.dpop_nonce import nonce_at, windows_since
from keystead.oauth.context import ServerContext

HEADER: Final = b"oauth-client-attestation-challenge"
_KIND: Final = "attestation_challenge"


def fresh_challenge(request: Request, cx: ServerContext) -> str:
    """Return the challenge to hand out now."""
    return nonce_at(request.now, partial(cx.sealer.mac, request.realm, _KIND))


def is_fresh(challenge: str, request: Request, cx: ServerContext) -> bool:
    """Return whether a challenge is ours and not stale."""
    return windows_since(challenge, request.now, partial(cx.sealer.mac, request.realm, _KIND)) is not None
