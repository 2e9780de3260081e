"""The shape of an endpoint plug-in: one file, one object, all its facets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from keystead.core.http import Reply, Request
from keystead.core.records.realm import Realm
from keystead.core.spec import Section
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext


class EndpointPlugin(ABC):
    """One endpoint under the issuer.

    `path` is relative to the issuer (`token`, `authorize/resume`, `.well-known/openid-configuration`). `methods`
    lists what it answers; the server answers 405 to the rest. `fast` endpoints are bounded and never wait for
    anything but the store, so the server answers them without a task. A `page` is met by a person: the server shows
    its own failures there as pages too.
    """

    path: ClassVar[str]
    methods: ClassVar[frozenset[str]]
    specs: ClassVar[tuple[Section, ...]]
    fast: ClassVar[bool] = False
    page: ClassVar[bool] = False
    maximum_body: ClassVar[int] = 65_536

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return this endpoint's entries in the discovery document."""
        return {}

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return those of its entries that the realm's settings decide. None takes an entry of `metadata` out."""
        return {}

    def links(self, issuer: str) -> dict[str, str]:
        """Return where this endpoint is by link relation: announced in a header of the discovery replies.

        For what no registered member of the document names. Spec: RFC 8288.
        """
        return {}

    def at_hand(self, realm: str, now: EpochSeconds, cx: ServerContext) -> Reply | None:
        """Return the reply to any request at this moment, where it is known without asking anything."""
        return None

    @abstractmethod
    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one request. Raises OAuthError only where the server's JSON error is the right answer."""
