"""The userinfo endpoint: what the person agreed to tell the client about themselves."""

from __future__ import annotations

from typing import Any, Final

from keystead.core.decisions import Check, Decision, Denied
from keystead.core.errors import InsufficientScope, InvalidToken, OAuthError
from keystead.core.http import Headers, Reply, Request
from keystead.core.spec import OIDC_CORE, RFC6750, RFC8705, RFC9449
from keystead.core.tokens import AccessClaims
from keystead.oauth.access_tokens import credential_of, read_access_token
from keystead.oauth.authority import Live, authority_now, holding_of
from keystead.oauth.bearer import DPOP, ShownToken, shown_token
from keystead.oauth.bindings.dpop import demands_nonce
from keystead.oauth.bindings.holder import require_holder
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import resource_error_reply
from keystead.oauth.interaction_id import interaction_id
from keystead.oauth.landscape import landscape
from keystead.oauth.userinfo import tell

ACTION: Final = "userinfo.read"

_INVALID: Final = "the access token is malformed, expired, revoked or meant for another"


class UserinfoEndpoint(EndpointPlugin):
    """Claims about the person, by the scopes the token carries. It is an API like any other: audience and scope count.

    Shape: GET or POST with a token, bound or not; a JSON object with `sub`, the claims of `profile`, `email`,
    `address` and `phone`, and those the `claims` parameter asked for; a JWT (`application/jwt`) for a client that
    registered so.
    Does not: read a token from the query, or answer a token that is not also meant for the issuer.
    Spec: OpenID Connect Core section 5.3, RFC 6750 section 2, RFC 9449 section 7, RFC 8705 section 3.
    """

    path = "userinfo"
    methods = frozenset({"GET", "POST"})
    specs = (
        *(OIDC_CORE["5.3"], OIDC_CORE["5.4"], OIDC_CORE["5.5"]),
        *(RFC6750["2.1"], RFC6750["2.2"], RFC9449["7"], RFC8705["3"]),
    )
    fast = True

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where it is."""
        return {"userinfo_endpoint": f"{issuer}/{self.path}"}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with the claims, or with a challenge."""
        shown: list[AccessClaims] = []
        token = ShownToken("")
        try:
            token = shown_token(request)
            live, claims, headers = await _authorized(token, request, cx, shown)
            reply = await tell(live, claims, request, cx, headers)
        except OAuthError as error:
            cx.journal.record(_decision(request, token.token, shown, error))
            return resource_error_reply(error, request)
        cx.journal.record(_decision(request, token.token, shown, None))
        return reply


async def _authorized(
    token: ShownToken, request: Request, cx: ServerContext, shown: list[AccessClaims]
) -> tuple[Live, AccessClaims, Headers]:
    """Return the person a token lets us speak of. What the token says goes into `shown` for the audit."""
    claims = await read_access_token(token.token, request.realm, request.now, cx)
    if isinstance(claims, Denied):
        raise _invalid(claims)
    shown.append(claims)
    if claims.iss not in claims.audiences:
        raise _invalid(Denied("access_token.audience", "the token is meant for an API, not for the issuer"))
    live = await cx.store.read(authority_now(request.realm, holding_of(claims), request.now))
    if isinstance(live, Denied):
        raise _invalid(live)
    headers: Headers = interaction_id(request, always=claims.cnf is not None)
    if claims.cnf is not None or token.scheme == DPOP:
        realm = (await landscape(cx, request.realm, request.now)).realm
        nonce_demanded = demands_nonce(realm, live.client)
        headers += await require_holder(token, claims, request, cx, nonce_demanded=nonce_demanded)
    if "openid" not in claims.scopes:
        raise InsufficientScope("the token needs the scope openid", reason="access_token.scope")
    if live.account is None:
        raise _invalid(Denied("access_token.no_person", "the token is not a person's"))
    return live, claims, headers


def _invalid(denied: Denied) -> InvalidToken:
    return InvalidToken(
        "the access token is malformed, expired, revoked or meant for another",
        reason=denied.reason,
        detail=denied.detail,
    )


def _decision(request: Request, token: str, shown: list[AccessClaims], error: OAuthError | None) -> Decision:
    claims = shown[0] if shown else None
    reason = error.reason if error is not None else "userinfo.told"
    return Decision(
        action=ACTION,
        allowed=error is None,
        reason=reason,
        trace=request.trace,
        realm=request.realm,
        subject=claims.sub if claims is not None else "",
        client_id=claims.client_id if claims is not None else "",
        credential=credential_of(claims, token) if claims is not None else None,
        checks=(Check("access_token", error is None, reason if error is None else error.detail or error.description),),
    )
