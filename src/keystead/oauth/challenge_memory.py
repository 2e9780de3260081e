"""Remembers which code challenges lately bought a code, to notice a client that sends everybody the same one.

PKCE protects nothing when the verifier is a constant. One person's browser may repeat a request (the back button);
the same challenge for two sessions is a client that does not draw a fresh one.
Spec: RFC 9700 section 2.1.1.
Does not: refuse, or remember beyond this process and its last few thousand codes. The operator reads it in the journal.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

_REMEMBERED: Final = 4096


class ChallengeMemory:
    """The latest challenges of all clients, each with the session it was first used in."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        self._sessions: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def is_reused(self, issuer: str, client_id: str, challenge: str, sid: str) -> bool:
        """Note a challenge, and return whether another session came with the same one before."""
        if not challenge:
            return False
        key = (issuer, client_id, challenge)
        first = self._sessions.setdefault(key, sid)
        if len(self._sessions) > self._remembered:
            self._sessions.popitem(last=False)
        return first != sid
