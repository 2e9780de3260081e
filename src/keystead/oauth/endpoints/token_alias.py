"""The token endpoint under the name that OpenFGA's SDKs put behind an issuer they are given."""

from __future__ import annotations

from typing import Any

from keystead.core.records.realm import Realm
from keystead.oauth.endpoints import token


class TokenAlias(token.TokenEndpoint):
    """The token endpoint at `oauth/token`: the same pipeline, the same answers.

    The server has it at `{base}/oauth/token` too, for SDKs that know an issuer without a path only; the realm is then
    that of the default store, or the only one there is.
    Does not: appear in discovery. Who reads that needs no alias.
    """

    path = "oauth/token"
    specs = token.TokenEndpoint.specs

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return nothing."""
        return {}
