"""What a verifier asks of revocation, before it believes a token that is otherwise good.

`Verifier` follows the issuer's feed by itself; `RevocationPolicy` says what happens when no news comes. Anything else
that knows what died (a list of its own, a test) implements `Revocations`.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from keystead.core.decisions import Check
from keystead.core.revocation_feed import marks_of
from keystead.core.tokens import AccessClaims

ALIVE = Check("revocation", True, "nothing it stands on was revoked")


class RevocationPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to a verifier that has lost the feed.

    `maximum_staleness`: how many seconds old the news may be. While it is younger, tokens are judged by what is known.
    `on_stale`: once it is older, `refuse` answers 503 until news comes (fail closed); `accept_until_expiry` believes
    every token that has not expired, as if the issuer revoked nothing.
    """

    maximum_staleness: float = 60.0
    on_stale: Literal["refuse", "accept_until_expiry"] = "refuse"

    def __post_init__(self) -> None:
        if not self.maximum_staleness > 0 or self.on_stale not in ("refuse", "accept_until_expiry"):
            raise ValueError("maximum_staleness is above 0; on_stale is `refuse` or `accept_until_expiry`")


class Watched:
    """A token that was proved once, as far as revocation is concerned. Computed once, asked at every request.

    `revision` and `outcome` belong to whoever checks: what was found out last, and by which state of the news.
    """

    __slots__ = ("claims", "issued_at", "lifetime", "marks", "outcome", "revision")

    def __init__(self, claims: AccessClaims, kid: str) -> None:
        self.claims = claims
        self.marks = marks_of(claims, kid)
        self.issued_at = claims.iat
        self.lifetime = claims.exp - claims.iat
        self.revision: object = None
        self.outcome = ALIVE


class Revocations(Protocol):
    """What is known to have died before its time."""

    async def settle(self) -> None:
        """Wait, for a bounded time, until it is known for the first time what died."""
        ...

    def fresh(self) -> bool:
        """Return whether news arrives within the stated bound. When not, nothing is accepted."""
        ...

    def check(self, watched: Watched) -> Check:
        """Return whether everything a token stands on is still alive, and if not, what died."""
        ...
