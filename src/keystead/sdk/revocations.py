"""The hole for news of revocation: what a verifier asks before it believes a token that is otherwise good.

Does not: fetch anything. A feed fills it, and says by `fresh` whether it still hears of news in time.
"""

from __future__ import annotations

from typing import Protocol

from keystead.core.decisions import Check
from keystead.core.tokens import AccessClaims


class Revocations(Protocol):
    """What is known to have died before its time."""

    def fresh(self) -> bool:
        """Return whether news arrives within the stated bound. When not, nothing is accepted."""
        ...

    def check(self, claims: AccessClaims) -> Check:
        """Return whether token, grant, session, account and client of these claims are still alive, and why not."""
        ...
