"""The discovery document, one for OpenID Connect and for RFC 8414."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.core.assurance import acr_values_supported
from keystead.core.http import Headers, Reply, Request
from keystead.core.jose import jwe
from keystead.core.person_claims import STANDARD_CLAIMS
from keystead.core.records.realm import Realm
from keystead.core.spec import OIDC_DISCOVERY, RFC8414, RFC8705
from keystead.core.values import EpochSeconds
from keystead.oauth.catalogue import endpoints
from keystead.oauth.certificate_metadata import with_certificates
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.landscape import landscape
from keystead.oauth.public_documents import PublicDocuments
from keystead.oauth.scopes import IDENTITY_SCOPES
from keystead.oauth.subjects import SUBJECT_TYPES

_CLAIMS: Final = (
    *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"),
    *STANDARD_CLAIMS,
)
_ENCRYPTED: Final = ("id_token", "userinfo", "introspection", "authorization")
_SIGNED: Final = ("id_token", "userinfo", "introspection", "authorization")


class DiscoveryEndpoint(EndpointPlugin):
    """What a client has to know, collected from the plug-ins that are there.

    Shape: one document at `{issuer}/.well-known/openid-configuration`, which the server also answers with at
    `{origin}/.well-known/oauth-authorization-server{path of issuer}`. Any origin may read it. What no registered member
    can name is announced in Link headers.
    """

    path = ".well-known/openid-configuration"
    methods = frozenset({"GET", "HEAD"})
    specs = (OIDC_DISCOVERY["3"], OIDC_DISCOVERY["4"], RFC8414["2"], RFC8414["3"], RFC8705["5"])
    fast = True

    def __init__(self) -> None:
        self._documents: PublicDocuments[tuple[tuple[str, ...], Realm]] = PublicDocuments()

    def at_hand(self, realm: str, now: EpochSeconds, cx: ServerContext) -> Reply | None:
        """Return the reply that was given in this same second."""
        return self._documents.fresh(cx, realm, now)

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with the document, serialised once for as long as the realm and its algorithms do not change."""
        reply = self._documents.fresh(cx, request.realm, request.now)
        if reply is not None:
            return reply
        keys = await cx.keys.published(request.realm, request.now)
        algorithms = tuple(sorted({key.algorithm for key in keys}))
        realm = (await landscape(cx, request.realm, request.now)).realm
        issuer = cx.issuer(request.realm)
        return self._documents.keep(
            cx,
            request,
            (algorithms, realm),
            lambda: msgspec.json.encode(
                with_certificates(describe(issuer, algorithms, realm) | cx.further_metadata(issuer, realm), cx)
            ),
            announced(issuer),
        )


def announced(issuer: str) -> Headers:
    """Return the Link headers that say where our own, unregistered endpoints are. Spec: RFC 8288 section 3."""
    links = {relation: url for endpoint in endpoints().values() for relation, url in endpoint.links(issuer).items()}
    return tuple((b"link", f'<{url}>; rel="{relation}"'.encode("ascii")) for relation, url in links.items())


def describe(issuer: str, algorithms: tuple[str, ...], realm: Realm) -> dict[str, Any]:
    """Return the metadata of an issuer whose keys sign with these algorithms."""
    document: dict[str, Any] = {
        "issuer": issuer,
        "scopes_supported": list(IDENTITY_SCOPES),
        "claims_supported": list(_CLAIMS),
        "claim_types_supported": ["normal"],
        "display_values_supported": ["page"],
        "subject_types_supported": list(SUBJECT_TYPES),
    }
    for kind in _SIGNED:
        document[f"{kind}_signing_alg_values_supported"] = list(algorithms)
    for kind in _ENCRYPTED:
        document[f"{kind}_encryption_alg_values_supported"] = list(jwe.ALL_KEY_ALGORITHMS)
        document[f"{kind}_encryption_enc_values_supported"] = list(jwe.CONTENT_ENCRYPTIONS)
    for endpoint in endpoints().values():
        document |= endpoint.metadata(issuer) | endpoint.realm_metadata(realm)
    assertions = document.get("token_endpoint_auth_signing_alg_values_supported")
    if assertions:
        for name in ("introspection", "revocation"):
            document[f"{name}_endpoint_auth_signing_alg_values_supported"] = assertions
    document["acr_values_supported"] = list(acr_values_supported(realm.acr_names))
    return {name: value for name, value in document.items() if value is not None}
