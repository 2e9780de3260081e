"""The only place that mints: access tokens (JWT or opaque), ID tokens, and signed introspection replies.

Flow: the /token pipeline comes here last, with an authority that is proved, clamped and known to stand.
Does not: decide anything.
Spec: RFC 9068 section 2, OpenID Connect Core sections 2 and 3.1.3.6, RFC 9701 section 5.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Final

import msgspec

from keystead.core.jose import base64url, jws
from keystead.core.tokens import ACCESS_TOKEN_TYPE, AccessClaims, audience_claim
from keystead.core.values import EpochSeconds, Seconds
from keystead.oauth.authority import Live
from keystead.oauth.context import ServerContext
from keystead.oauth.grant import Attempt, Authority
from keystead.oauth.opaque import seal_access_token
from keystead.oauth.scopes import Given

ID_TOKEN_TYPE: Final = "JWT"  # noqa: S105 - a media type
INTROSPECTION_TYPE: Final = "token-introspection+jwt"

_HASHES: Final = {"ES256": hashlib.sha256, "RS256": hashlib.sha256, "PS256": hashlib.sha256, "EdDSA": hashlib.sha512}


class IdClaims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The claims of an ID token.

    Does not: carry the person's profile; the userinfo endpoint does. Spec: OpenID Connect Core section 2.
    """

    iss: str
    sub: str
    aud: str
    exp: EpochSeconds
    iat: EpochSeconds
    auth_time: EpochSeconds = EpochSeconds(0)
    nonce: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    sid: str = ""
    at_hash: str = ""


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


async def mint_id_token(attempt: Attempt, authority: Authority, access_token: str) -> str:
    """Return the ID token that goes with an access token."""
    client, now = attempt.caller.client, attempt.now
    signer = await attempt.cx.keys.signer(attempt.realm.id, now, client.id_token_signed_response_alg)
    claims = IdClaims(
        iss=attempt.scope_map.issuer,
        sub=authority.holding.subject,
        aud=client.id,
        exp=EpochSeconds(now + attempt.realm.id_token_lifetime),
        iat=now,
        auth_time=authority.auth_time,
        nonce=authority.nonce,
        acr=authority.acr,
        amr=authority.amr,
        sid=authority.holding.sid,
        at_hash=_half_hash(access_token, signer.algorithm),
    )
    return jws.sign(claims, signer, ID_TOKEN_TYPE)


async def mint_introspection(
    members: dict[str, Any], caller_id: str, realm: str, now: EpochSeconds, cx: ServerContext
) -> str:
    """Return an introspection reply as a signed JWT for the one who asked.

    Spec: RFC 9701 section 5: `iss`, `aud`, `iat` and `token_introspection`, and no `sub` or `exp` beside them.
    """
    claims = {"iss": cx.issuer(realm), "aud": caller_id, "iat": now, "token_introspection": members}
    return jws.sign(claims, await cx.keys.signer(realm, now), INTROSPECTION_TYPE)


def _lifetime(attempt: Attempt, authority: Authority, given: Given) -> Seconds:
    if authority.lifetime is not None:
        return authority.lifetime
    usual, apis = attempt.realm.access_token_lifetime, attempt.scope_map.apis
    own = [apis[audience].access_token_lifetime if audience in apis else 0 for audience in given.audiences]
    return min(Seconds(lifetime or usual) for lifetime in own)


def _half_hash(access_token: str, algorithm: str) -> str:
    """Return the left half of the access token's hash. Spec: OpenID Connect Core section 3.1.3.6."""
    digest = _HASHES.get(algorithm, hashlib.sha512)(access_token.encode()).digest()
    return base64url.encode(digest[: len(digest) // 2]).decode()
