"""What may be said about a token, and to whom.

Flow: the endpoint authenticates the caller; `look` opens the token, asks whether the caller is entitled to know and
whether the token's authority still stands, and returns the members of the answer. Everything else is `inactive`, with
the reason kept for the audit: the caller learns nothing.
Spec: RFC 7662 sections 2.2 and 4, RFC 9701 section 5.
"""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.core.decisions import Credential, Denied
from keystead.core.http import Request
from keystead.core.records.grant import Grant
from keystead.core.tokens import AccessClaims, audience_claim
from keystead.core.values import handle_digest
from keystead.oauth.access_tokens import credential_of, read_access_token
from keystead.oauth.authority import Holding, authority_now, holding_of
from keystead.oauth.authorization_details import concerning
from keystead.oauth.client_authentication import Caller
from keystead.oauth.context import ServerContext
from keystead.oauth.landscape import survey
from keystead.oauth.refresh_tokens import REFRESH_PREFIX, RefreshToken, read_refresh_token
from keystead.oauth.scopes import ScopeMap
from keystead.oauth.sender_binding import token_type_of
from keystead.oauth.subjects import subject_for
from keystead.storage.ports import FamilyView, Read, get, look_at_family


class Known(msgspec.Struct, frozen=True):
    """An active token, as far as the caller may know it. `members` are the answer without `active`."""

    members: dict[str, Any]
    credential: Credential


class Unknown(msgspec.Struct, frozen=True):
    """Inactive, for the caller. Why is for the audit alone."""

    why: Denied
    credential: Credential | None = None


async def look(token: str, caller: Caller, request: Request, cx: ServerContext) -> Known | Unknown:
    """Return what the caller may know of a token."""
    if token.startswith(REFRESH_PREFIX):
        return await _refresh_token(token, caller, request, cx)
    claims = await read_access_token(token, request.realm, request.now, cx)
    if isinstance(claims, Denied):
        return Unknown(claims)
    shown = credential_of(claims, token)
    outcome = await cx.store.read(_access_token(claims, caller, request, cx.issuer(request.realm)))
    if isinstance(outcome, dict) and caller.client.id == claims.client_id:
        outcome["sub"] = subject_for(cx.sealer, caller.client, claims.sub)
    return Unknown(outcome, shown) if isinstance(outcome, Denied) else Known(outcome, shown)


def _access_token(claims: AccessClaims, caller: Caller, request: Request, issuer: str) -> Read[dict[str, Any] | Denied]:
    """Return the members of the answer. Its own client learns all; of a token for several, an API only its part."""
    members: dict[str, Any] = msgspec.to_builtins(claims)
    members["token_type"] = token_type_of(claims)
    if caller.client.id != claims.client_id:
        land = yield from survey(request.realm, issuer, request.now)
        entitled = tuple(one for one in claims.audiences if _speaks_for(caller, one, land.scope_map))
        if not entitled:
            return Denied("introspection.not_entitled", f"{caller.actor} serves no audience of the token")
        if entitled != claims.audiences:
            members["aud"] = audience_claim(entitled)
            members["scope"] = " ".join(land.scope_map.owned(claims.scopes, entitled))
            if claims.authorization_details:
                members["authorization_details"] = concerning(claims.authorization_details, entitled, land.realm)
    live = yield from authority_now(request.realm, holding_of(claims), request.now)
    return live if isinstance(live, Denied) else members


def _speaks_for(caller: Caller, audience: str, scope_map: ScopeMap) -> bool:
    """Return whether the caller is the service behind an audience, or was named as one that may introspect for it."""
    api = scope_map.apis.get(audience)
    if api is None:
        return caller.is_named(audience)
    named = (audience, *api.introspection_clients, *((api.served_by,) if api.served_by else ()))
    return caller.is_named(*named)


async def _refresh_token(token: str, caller: Caller, request: Request, cx: ServerContext) -> Known | Unknown:
    """Look at a refresh token: only its own client may know it, and only while it is the live one of its family."""
    shown = read_refresh_token(cx.sealer, request.realm, token)
    if shown is None:
        return Unknown(Denied("refresh_token.malformed", "not a refresh token of this realm"))
    outcome = await cx.store.read(_family(shown, token, caller, request))
    if isinstance(outcome, Denied):
        return Unknown(outcome)
    grant, view = outcome
    members = {
        "iss": cx.issuer(request.realm),
        "sub": subject_for(cx.sealer, caller.client, grant.subject),
        "client_id": grant.client_id,
        "scope": " ".join(grant.scopes),
        "exp": view.expires_at,
    }
    return Known(members, Credential(kind="refresh_token", client_id=grant.client_id, subject=grant.subject))


def _family(
    shown: RefreshToken, token: str, caller: Caller, request: Request
) -> Read[tuple[Grant, FamilyView] | Denied]:
    realm, now = request.realm, request.now
    grant = yield from get(Grant, realm, shown.grant_id, now)
    if grant is None or grant.client_id != caller.client.id:
        return Denied("introspection.not_entitled", f"the refresh token is not {caller.client.id}'s")
    view = yield from look_at_family(realm, grant.id, now)
    if view is None or view.revoked or view.digest != handle_digest(token):
        return Denied("refresh_token.ended", f"not the live token of grant {grant.id}")
    holding = Holding(
        client_id=grant.client_id, subject=grant.subject, sid=grant.sid, grant_id=grant.id, scopes=grant.scopes
    )
    live = yield from authority_now(realm, holding, now)
    return live if isinstance(live, Denied) else (grant, view)
