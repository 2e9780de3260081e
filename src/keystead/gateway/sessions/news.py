"""What the issuer ended, as far as the gateway's sessions are concerned.

A token bought for an upstream is used again only while nothing it stands on was revoked, and while the news is fresh.
Otherwise the issuer is asked anew: what it answers decides about the session.
Does not: end sessions by itself. The feed says that something died; the issuer says what is left.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from keystead.core.jose.jws import peek_claims_unverified, peek_header_unverified
from keystead.core.tokens import AccessClaims
from keystead.gateway.sessions.live import LiveSession, UpstreamToken
from keystead.sdk.revocation_feed import FollowedRevocations
from keystead.sdk.revocations import Watched

ASK_AGAIN_AFTER: Final = 10.0


class SessionNews:
    """The issuer's feed, under the gateway's policy. `followed` tells how it is doing."""

    def __init__(self, followed: FollowedRevocations) -> None:
        self.followed = followed

    def is_good(self, token: UpstreamToken) -> bool:
        """Return whether a token may be used again without asking the issuer."""
        return self.followed.fresh() and (token.watched is None or self.followed.check(token.watched).passed)

    def doubtful(self, live: LiveSession) -> list[UpstreamToken]:
        """Return a session's tokens that died, or of which too little is known for a while."""
        long_ago = time.monotonic() - ASK_AGAIN_AFTER
        stale = not self.followed.fresh()
        return [
            token
            for token in live.upstream_tokens.values()
            if (stale and token.bought_at < long_ago)
            or (token.watched is not None and not self.followed.check(token.watched).passed)
        ]


def watch(token: str) -> Watched | None:
    """Return what to look for in the news for a token that just came from the issuer; None when it is no JWT."""
    header, claims = peek_header_unverified(token), peek_claims_unverified(token)
    if header is None or claims is None:
        return None
    try:
        return Watched(msgspec.convert(claims, AccessClaims), header.kid or "")
    except msgspec.ValidationError:
        return None
