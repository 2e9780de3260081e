"""The transmitter's metadata: what receivers of security events have to know."""

from __future__ import annotations

from typing import Any, ClassVar

from keystead.core.http import Reply, Request, json_reply
from keystead.core.records.event_stream import POLL, PUSH
from keystead.core.spec import SSF, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin


class SsfConfigurationEndpoint(EndpointPlugin):
    """The transmitter configuration.

    Shape: one document at `{issuer}/.well-known/ssf-configuration`, which the server also answers with at
    `{origin}/.well-known/ssf-configuration{path of issuer}`.
    """

    path: ClassVar[str] = ".well-known/ssf-configuration"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD"})
    specs: ClassVar[tuple[Section, ...]] = (SSF["7.1"], SSF["7.2"])
    fast: ClassVar[bool] = True

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with the document."""
        return json_reply(describe(cx.issuer(request.realm)), headers=((b"cache-control", b"public, max-age=300"),))


def describe(issuer: str) -> dict[str, Any]:
    """Return the metadata of a transmitter."""
    return {
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": f"{issuer}/ssf/streams",
        "status_endpoint": f"{issuer}/ssf/status",
        "add_subject_endpoint": f"{issuer}/ssf/subjects/add",
        "remove_subject_endpoint": f"{issuer}/ssf/subjects/remove",
        "verification_endpoint": f"{issuer}/ssf/verification",
        "default_subjects": "ALL",
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
    }
