"""What every endpoint works with: the store, the keys, the seal, the journal, and how URLs are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from keystead.core.decisions import Journal
from keystead.core.logout import Ended
from keystead.core.pages import Pages
from keystead.core.protocols import (
    BreachedPasswords,
    CertificateTrust,
    KeyRing,
    Outbound,
    Passwords,
    RevocationNews,
    WorkloadAssertions,
)
from keystead.core.records.realm import Realm
from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Store, Write

EndSession = Callable[[str, str, str, EpochSeconds], Write[Ended | None]]
"""(realm, sid, reason, now): the transaction that ends a session. Implemented by `keystead.identity.sessions`."""

EndAuthority = Callable[[str, str, str, EpochSeconds], Write[bool]]
"""(realm, account, reason, now): the transaction that ends all that an account was granted. Implemented by
`keystead.identity.accounts`."""


class Brake(Protocol):
    """Counts attempts at guessing before they are judged. Implemented by `keystead.identity.throttle`."""

    def take(self, realm: str, kind: str, text: str, now: EpochSeconds) -> Write[int]:
        """Count one attempt and return 0, or count nothing and return the seconds to wait."""
        ...

    def forgive(self, realm: str, kind: str, text: str, now: EpochSeconds) -> Write[None]:
        """Take back what was counted, because an attempt was right."""
        ...


def no_further_metadata(issuer: str, realm: Realm) -> dict[str, Any]:
    """Return nothing: no plug-in stands outside of `oauth`."""
    return {}


@dataclass(frozen=True, slots=True)
class ServerContext:
    """The parts of a running issuer. `base_url` is the public origin and path prefix, without a trailing slash;
    `takes_certificates` says whether senders can show TLS certificates at all, `mtls_base_url` where they are asked for
    one, empty when that is nowhere else.

    `further_metadata` is what plug-ins outside of this package put into the discovery document.

    Does not: read the Host header. Every URL we print comes from `base_url`.
    """

    base_url: str
    store: Store
    keys: KeyRing
    sealer: Sealer
    journal: Journal
    workload_assertions: WorkloadAssertions
    passwords: Passwords
    breached: BreachedPasswords
    pages: Pages
    end_session: EndSession
    end_authority: EndAuthority
    outbound: Outbound
    revocation_news: RevocationNews
    certificates: CertificateTrust
    brake: Brake
    further_metadata: Callable[[str, Realm], dict[str, Any]] = no_further_metadata
    takes_certificates: bool = False
    mtls_base_url: str = ""

    def issuer(self, realm: str) -> str:
        """Return the issuer identifier of a realm."""
        return issuer_url(self.base_url, realm)

    @property
    def secure(self) -> bool:
        """Whether browsers reach us over TLS, so that cookies can be `__Host-` and `Secure`."""
        return self.base_url.startswith("https://")


def issuer_url(base_url: str, realm: str) -> str:
    """Return the issuer identifier of a realm of the server at a base URL."""
    return f"{base_url}/realms/{realm}"
