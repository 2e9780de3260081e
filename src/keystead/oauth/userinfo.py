"""What userinfo says to one client about one person, in the form the client registered.

Flow: the endpoint proves the token and that it stands; `tell` puts the answer together.
Shape: a JSON object; signed, or signed and encrypted, as `application/jwt` with `iss` and `aud` beside the claims.
Spec: OpenID Connect Core sections 5.3.2, 5.4 and 5.5.
"""

from __future__ import annotations

from typing import Any, Final

from keystead.core.http import NO_STORE, Headers, Reply, Request, json_reply
from keystead.core.tokens import AccessClaims
from keystead.oauth.authority import Live
from keystead.oauth.context import ServerContext
from keystead.oauth.disclosure import asked_by_name, opened_by_scopes
from keystead.oauth.protection import protect, userinfo_protection
from keystead.oauth.subjects import subject_for

_JWT: Final = (b"content-type", b"application/jwt")


async def tell(live: Live, claims: AccessClaims, request: Request, cx: ServerContext, headers: Headers = ()) -> Reply:
    """Return the answer. Raises: InvalidRequest when the client's key to encrypt to cannot be had."""
    told = _told(live, claims, cx)
    if live.client is None:
        return json_reply(told, headers=(*NO_STORE, *headers))
    how = await userinfo_protection(live.client, request.now, cx)
    if how.is_plain:
        return json_reply(told, headers=(*NO_STORE, *headers))
    members = {"iss": claims.iss, "aud": claims.client_id, **told}
    token = await protect(members, how, request.realm, request.now, cx)
    return Reply(200, (_JWT, *NO_STORE, *headers), token.encode())


def _told(live: Live, claims: AccessClaims, cx: ServerContext) -> dict[str, Any]:
    """Return what the scopes of the token open, and what the request asked for by name."""
    told: dict[str, Any] = {"sub": subject_for(cx.sealer, live.client, claims.sub)}
    if live.account is None:
        return told
    told |= opened_by_scopes(live.account, claims.scopes)
    if live.client is not None and live.grant is not None and live.grant.claims:
        told |= asked_by_name(live.account, live.client, live.grant.claims.get("userinfo"))
    return told
