"""Where siblings meet: what one package needs of another, said as protocols and wired together by `keystead.app`.

Does not: implement anything.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from keystead.core.decisions import Check, Denied
from keystead.core.jose.keys import PrivateKey, PublicKey
from keystead.core.values import EpochSeconds


class KeyRing(Protocol):
    """A realm's signing keys, rotated by themselves. Implemented by `keystead.oauth.keyring`."""

    async def signer(self, realm: str, now: EpochSeconds, algorithm: str = "") -> PrivateKey:
        """Return the key that signs now, of the realm's algorithm unless another is named. Made when missing."""
        ...

    async def published(self, realm: str, now: EpochSeconds) -> tuple[PublicKey, ...]:
        """Return every key a verifier may meet now: next, current and retired ones that signed a living token."""
        ...


class VerifiedWorkload(msgspec.Struct, frozen=True):
    """A workload that an agent vouched for, with what was checked to believe it."""

    workload: str
    agent: str
    token_id: str
    checks: tuple[Check, ...] = ()


class WorkloadAssertions(Protocol):
    """Verifies workload assertions. Implemented by `keystead.workload.assertions`, used by client authentication."""

    async def verify(self, realm: str, assertion: str, audience: str, now: EpochSeconds) -> VerifiedWorkload | Denied:
        """Check an assertion made for `audience` (the issuer) and spend its `jti`."""
        ...
