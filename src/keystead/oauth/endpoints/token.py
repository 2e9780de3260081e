"""The token endpoint."""

from __future__ import annotations

from typing import Any

from keystead.core.http import Reply, Request
from keystead.core.records.realm import Realm
from keystead.core.spec import OIDC_CORE, RFC6749, RFC8705, RFC9449
from keystead.oauth.bindings.dpop import ALGORITHMS as DPOP_ALGORITHMS
from keystead.oauth.catalogue import client_authentications, grants
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.token import answer


class TokenEndpoint(EndpointPlugin):
    """Where grants become tokens. The pipeline is `keystead.oauth.token`.

    Does not: answer GET, or read anything from the query.
    """

    path = "token"
    methods = frozenset({"POST"})
    specs = (RFC6749["3.2"], RFC9449["5"], RFC8705["3"], OIDC_CORE["3.1.3"])
    fast = True

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return the endpoint, the grants, and how clients authenticate here."""
        document: dict[str, Any] = {
            "token_endpoint": f"{issuer}/{self.path}",
            "grant_types_supported": sorted(grants()),
            "token_endpoint_auth_methods_supported": sorted(method.method for method in client_authentications()),
        }
        document["dpop_signing_alg_values_supported"] = list(DPOP_ALGORITHMS)
        for grant in grants().values():
            document |= grant.metadata(issuer)
        for method in client_authentications():
            document |= method.metadata(issuer)
        return document

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return how the clients of this realm authenticate here, and what its settings open for its grants."""
        offered = sorted(method.method for method in client_authentications() if method.offered(realm))
        document: dict[str, Any] = {"token_endpoint_auth_methods_supported": offered}
        for grant in grants().values():
            document |= grant.realm_metadata(realm)
        return document

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Run the pipeline."""
        return await answer(request, cx)
