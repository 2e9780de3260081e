"""Where siblings meet: what one package needs of another, said as protocols and wired together by `keystead.app`.

Does not: implement anything.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from keystead.core.decisions import Allowed, Check, Denied
from keystead.core.http import Headers
from keystead.core.jose.decryption_keys import DecryptionKey
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.keys import PrivateKey, PublicKey
from keystead.core.revocation_feed import FeedPage
from keystead.core.values import EpochSeconds, Secret


class KeyRing(Protocol):
    """A realm's signing keys, rotated by themselves. Implemented by `keystead.oauth.keyring`."""

    async def signer(self, realm: str, now: EpochSeconds, algorithm: str = "") -> PrivateKey:
        """Return the key that signs now, of the realm's algorithm unless another is named. Made when missing."""
        ...

    async def published(self, realm: str, now: EpochSeconds) -> tuple[PublicKey, ...]:
        """Return every key a verifier may meet now: next, current and retired ones that signed a living token."""
        ...

    async def key_set(self, realm: str, now: EpochSeconds) -> KeySet:
        """Return the published keys, ready to check our own tokens with. The same object until they change."""
        ...

    async def encryption_jwks(self, realm: str, now: EpochSeconds) -> tuple[dict[str, Any], ...]:
        """Return the public keys (`use` = `enc`) that clients may encrypt to. Made when missing."""
        ...

    async def decryption_keys(self, realm: str, now: EpochSeconds) -> tuple[DecryptionKey, ...]:
        """Return every key of ours that decrypts now, the published ones first."""
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


class PasswordsBusy(Exception):
    """Too many passwords wait to be checked. Answer 503 and let the person try again in `retry_after` seconds."""

    retry_after = 2


class Passwords(Protocol):
    """Hashes and checks passwords beside the event loop. Implemented by `keystead.identity.passwords`."""

    async def check(self, password: Secret, password_hash: str) -> bool:
        """Return whether the password is right. An empty hash costs the same time and is never right.

        Raises: PasswordsBusy.
        """
        ...

    async def hash(self, password: Secret) -> str:
        """Return a fresh Argon2id hash of a password. Raises: PasswordsBusy, ValueError when it is too long."""
        ...

    def outdated(self, password_hash: str) -> bool:
        """Return whether a hash should be made anew with today's parameters."""
        ...


class BreachedPasswords(Protocol):
    """Knows passwords that attackers know. Implemented by `keystead.identity.breached.known`."""

    async def knows(self, password: Secret) -> bool:
        """Tell whether a password is on a list of breached or common ones. Never raises."""
        ...


class CertificateTrust(Protocol):
    """Judges X.509 client certificates in DER. Implemented by `keystead.app.certificate_trust`."""

    def vouched_for(
        self, certificate: bytes, chain: tuple[bytes, ...], authorities: str, now: EpochSeconds
    ) -> Allowed | Denied:
        """Return whether a chain of the certificates shown leads to one of the authorities (PEM)."""
        ...

    def valid_now(self, certificate: bytes, now: EpochSeconds) -> Allowed | Denied:
        """Return whether a certificate can be read and its time has come and not passed."""
        ...


class Fetched(msgspec.Struct, frozen=True):
    """What another server answered, whole and within the bound asked for. Header names are lower case."""

    status: int
    headers: Headers
    body: bytes


class OutboundRefused(Exception):
    """The request was not sent, or its answer not taken. The text says why, for the log: address, size, time, TLS."""


class Outbound(Protocol):
    """The one door to other servers. Implemented by `keystead.app.outbound`; the guard against SSRF is in there.

    Only https (plain http and private, loopback or link-local addresses only where `server.outbound.allow` names the
    network), no redirects, no cookies, no proxy from the environment, one deadline for everything, bounded bodies.
    """

    async def get(self, url: str, *, maximum: int = 65_536, accept: str = "application/json") -> Fetched:
        """Fetch a document of at most `maximum` bytes. Raises: OutboundRefused."""
        ...

    async def post(self, url: str, body: bytes, headers: Headers, *, maximum: int = 65_536) -> Fetched:
        """Send a body. Raises: OutboundRefused."""
        ...


class RevocationNews(Protocol):
    """What the revocation feed has to say. Implemented by `keystead.app.revocation_news`."""

    async def page(self, realm: str, cursor: str, wait: float) -> FeedPage:
        """Return what was revoked since `cursor`; everything still remembered when it is empty or not known.

        Waits up to `wait` seconds for something to tell. Raises: StorageUnavailable.
        """
        ...
