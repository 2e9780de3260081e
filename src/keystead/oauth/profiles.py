"""What each profile demands: one table, asked wherever something is decided.

Flow: one word in a client's configuration, `profile`, chooses a row; `profile_of` adds what the client's own metadata
demands beside it, so that nobody reads a single switch and forgets the other. `contradictions` says what of a client's
metadata the row does not admit: the server refuses to start, and registration refuses to register.
Does not: enforce. Each demand is kept where its subject is: `checks`, client authentication, the /token pipeline.
Spec: FAPI 2.0 Security Profile section 5.3.2, FAPI 2.0 Message Signing section 5, draft-ietf-oauth-v2-1,
Model Context Protocol 2025-11-25 (Authorization).
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.records.client import Client
from keystead.core.values import Seconds

FAPI_ALGORITHMS: Final = frozenset({"PS256", "ES256", "EdDSA", "Ed25519"})
FAPI_METHODS: Final = frozenset({"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"})


class Demands(msgspec.Struct, frozen=True, kw_only=True):
    """What a client is held to.

    `client_auth_methods` is empty where any method will do. `algorithms` are those it may sign with and be answered
    with. `rotate_refresh`: a refresh token is replaced at each use. `assertion_audience_issuer_only`: a client
    assertion is meant for the issuer identifier as a single text; else the URL of the endpoint will do too.
    `longest_assertion` bounds how long one may still live, and with it how long its `jti` is remembered.
    `redirect_https`: not even loopback without TLS; `variable_loopback_port`: RFC 8252's freedom for native clients.
    `pkce`: of a client that authenticates, too, and with every request; public clients are never let off.
    `session_always_told`: ID tokens carry `sid` whether or not the client registered a use for it.
    `resource`: every request names the resource its token is for (RFC 8707).
    """

    par: bool = False
    signed_request: bool = False
    signed_response: bool = False
    signed_introspection: bool = False
    sender_constrained: bool = False
    client_auth_methods: frozenset[str] = frozenset()
    algorithms: frozenset[str] = ALGORITHMS
    rotate_refresh: bool = True
    assertion_audience_issuer_only: bool = True
    longest_assertion: Seconds = Seconds(600)
    code_lifetime: Seconds = Seconds(60)
    pkce: bool = True
    redirect_https: bool = False
    variable_loopback_port: bool = True
    resource: bool = False
    session_always_told: bool = True


_FAPI: Final = Demands(
    par=True,
    sender_constrained=True,
    client_auth_methods=FAPI_METHODS,
    algorithms=FAPI_ALGORITHMS,
    rotate_refresh=False,
    redirect_https=True,
    variable_loopback_port=False,
    session_always_told=False,
)

PROFILES: Final[dict[str, Demands]] = {
    "": Demands(pkce=False, assertion_audience_issuer_only=False, longest_assertion=Seconds(3600)),
    "oauth21": Demands(),
    "mcp": Demands(resource=True),
    "fapi2_security": _FAPI,
    "fapi2_message_signing": msgspec.structs.replace(
        _FAPI, signed_request=True, signed_response=True, signed_introspection=True
    ),
}


def profile_of(client: Client) -> Demands:
    """Return what this client is held to: its profile, and what its own metadata demands beside it."""
    row = PROFILES[client.profile]
    par = client.require_pushed_authorization_requests
    signed = client.require_signed_request_object
    bound = client.dpop_bound_access_tokens or client.tls_client_certificate_bound_access_tokens
    if not (par or signed or bound):
        return row
    return msgspec.structs.replace(
        row,
        par=row.par or par,
        signed_request=row.signed_request or signed,
        sender_constrained=row.sender_constrained or bound,
    )
