"""A service that calls one of the issuer's own endpoints with an access token of its own.

Does not: take a person's token, whatever its scope: what these endpoints do is between systems.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from keystead.core.decisions import Denied
from keystead.core.errors import InsufficientScope, InvalidRequest, InvalidToken
from keystead.core.http import Headers, Request
from keystead.core.records.client import Client
from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.core.tokens import AccessClaims
from keystead.oauth.access_tokens import read_access_token
from keystead.oauth.authority import authority_now, holding_of
from keystead.oauth.bearer import DPOP, token_in_header
from keystead.oauth.bindings.dpop import demands_nonce
from keystead.oauth.bindings.holder import require_holder
from keystead.oauth.context import ServerContext
from keystead.oauth.landscape import landscape

_JSON = b"application/json"


class ServiceCaller(msgspec.Struct, frozen=True):
    """Who calls, with what scopes. `headers` go into the reply."""

    client: Client
    claims: AccessClaims
    headers: Headers = ()


async def service_caller(request: Request, cx: ServerContext, scopes: Collection[str]) -> ServiceCaller:
    """Return who calls, whose token is live, for the issuer, its own, and has one of the scopes.

    Raises: InvalidToken, InsufficientScope, InvalidRequest, and the errors of proofs.
    """
    shown = token_in_header(request)
    claims = await read_access_token(shown.token, request.realm, request.now, cx)
    if isinstance(claims, Denied):
        raise _invalid(claims)
    if claims.iss not in claims.audiences:
        raise _invalid(Denied("access_token.audience", "the token is meant for an API, not for the issuer"))
    live = await cx.store.read(authority_now(request.realm, holding_of(claims), request.now))
    if isinstance(live, Denied):
        raise _invalid(live)
    headers: Headers = ()
    if claims.cnf is not None or shown.scheme == DPOP:
        realm = (await landscape(cx, request.realm, request.now)).realm
        headers = await require_holder(shown, claims, request, cx, nonce_demanded=demands_nonce(realm, live.client))
    if live.client is None or claims.sub != claims.client_id:
        raise _invalid(Denied("access_token.not_a_service", "the token is not a client's own"))
    if not set(scopes) & set(claims.scopes):
        raise InsufficientScope(f"the token needs the scope {' or '.join(sorted(scopes))}", reason="access_token.scope")
    return ServiceCaller(live.client, claims, headers)


def json_body(request: Request) -> dict[str, object]:
    """Return the JSON object of a request's body. Raises: InvalidRequest."""
    try:
        content_type = (request.header(b"content-type") or b"").partition(b";")[0].strip().lower()
    except ValueError:
        content_type = b""
    if content_type != _JSON:
        raise InvalidRequest("send application/json", reason="json.content_type")
    try:
        return parse_object(request.body)
    except NotStrictJson as error:
        raise InvalidRequest(f"the body must be one JSON object: {error}", reason="json.malformed") from None


def _invalid(denied: Denied) -> InvalidToken:
    return InvalidToken(
        "the access token is malformed, expired, revoked or meant for another",
        reason=denied.reason,
        detail=denied.detail,
    )
