"""The only place that mints access tokens (JWT or opaque) and signed introspection replies; `id_token` mints the rest.

Flow: the /token pipeline comes here last, with an authority that is proved, clamped and known to stand.
Does not: decide anything.
Spec: RFC 9068 section 2, RFC 9701 section 5.
"""

from __future__ import annotations

import secrets
from typing import Any

from keystead.core.jose import jws
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.tokens import ACCESS_TOKEN_TYPE, AccessClaims, audience_claim
from keystead.core.values import EpochSeconds, Seconds
from keystead.oauth.authority import Live
from keystead.oauth.authorization_api import api_behind
from keystead.oauth.context import ServerContext
from keystead.oauth.grant import Attempt, Authority
from keystead.oauth.opaque import seal_access_token
from keystead.oauth.protection import introspection_protection, protect
from keystead.oauth.scopes import Given
from keystead.oauth.stamps import Stamp


def access_claims(attempt: Attempt, authority: Authority, given: Given, live: Live) -> AccessClaims:
    """Return the claims of the access token this authority buys now."""
    holding, now = authority.holding, attempt.now
    expires_at = EpochSeconds(now + _lifetime(attempt, authority, given))
    if authority.expires_by is not None:
        expires_at = min(expires_at, authority.expires_by)
    return AccessClaims(
        iss=attempt.scope_map.issuer,
        sub=holding.subject,
        aud=audience_claim(given.audiences),
        client_id=attempt.caller.client.id,
        exp=expires_at,
        iat=now,
        jti=secrets.token_urlsafe(16),
        scope=" ".join(given.scopes),
        sid=holding.sid,
        gid=authority.grant_id,
        acr=authority.acr,
        amr=authority.amr,
        auth_time=authority.auth_time,
        roles=live.account.roles if live.account is not None else (),
        act=authority.actor,
        may_act=authority.may_act,
        cnf=attempt.binding.confirmation,
        authorization_details=authority.authorization_details,
    )


async def mint_access_token(claims: AccessClaims, realm: str, cx: ServerContext, *, jwt: bool) -> str:
    """Return the access token: a JWT signed with the realm's key, or opaque."""
    if not jwt:
        return seal_access_token(cx.sealer, realm, claims)
    return jws.sign(claims, await cx.keys.signer(realm, claims.iat), ACCESS_TOKEN_TYPE)


async def mint_stamped(claims: AccessClaims, stamp: Stamp, realm: str, cx: ServerContext) -> str:
    """Return what a stamp makes of the claims: no access token, signed with the realm's key."""
    return jws.sign(stamp.members(claims), await cx.keys.signer(realm, claims.iat), stamp.typ)


async def mint_introspection(
    members: dict[str, Any], caller: Client, land: Realm, now: EpochSeconds, cx: ServerContext
) -> str:
    """Return an introspection reply as a signed JWT for the one who asked, encrypted where it registered so.

    Spec: RFC 9701 section 5: `iss`, `aud`, `iat` and `token_introspection`, and no `sub` or `exp` beside them.
    Raises: InvalidRequest when the key to encrypt to cannot be had.
    """
    how = await introspection_protection(caller, land, now, cx)
    claims = {"iss": cx.issuer(land.id), "aud": caller.id, "iat": now, "token_introspection": members}
    return await protect(claims, how, land.id, now, cx)


def _lifetime(attempt: Attempt, authority: Authority, given: Given) -> Seconds:
    if authority.lifetime is not None:
        return authority.lifetime
    usual, apis = attempt.realm.access_token_lifetime, attempt.scope_map.apis
    audiences = [api_behind(audience) for audience in given.audiences]
    own = [apis[audience].access_token_lifetime if audience in apis else 0 for audience in audiences]
    return min(Seconds(lifetime or usual) for lifetime in own)
