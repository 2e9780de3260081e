"""Reading our own access tokens back, opaque or JWT, wherever the issuer is shown one.

Does not: ask whether the token still stands (`keystead.oauth.authority`), or for whom it is: callers check audience
and scope, each by its own rule.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.decisions import Credential, Denied
from keystead.core.jose import jws
from keystead.core.jose.claims import check_form
from keystead.core.jose.outcomes import Rejected
from keystead.core.tokens import ACCESS_TOKEN_TYPE, AccessClaims
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.opaque import OPAQUE_PREFIX, open_access_token

_JWT_TYPES: Final = frozenset({ACCESS_TOKEN_TYPE})
_REQUIRED: Final = ("sub", "client_id", "iat", "jti")
_REFUSED: Final = Denied("access_token.not_ours", "not an access token of this realm")


async def read_access_token(token: str, realm: str, now: EpochSeconds, cx: ServerContext) -> AccessClaims | Denied:
    """Return the claims of an unexpired access token this realm issued.

    Spec: RFC 9068 section 4, save the audience.
    """
    if token.startswith(OPAQUE_PREFIX):
        claims = open_access_token(cx.sealer, realm, token)
    else:
        claims = await _read_jwt(token, realm, now, cx)
    if claims is None or claims.iss != cx.issuer(realm):
        return _REFUSED
    if claims.exp <= now:
        return Denied("access_token.expired", "the access token is expired")
    return claims


async def _read_jwt(token: str, realm: str, now: EpochSeconds, cx: ServerContext) -> AccessClaims | None:
    outcome = jws.read(token, keys=await cx.keys.key_set(realm, now), typ=_JWT_TYPES)
    if isinstance(outcome, Rejected):
        return None
    mistake = check_form(outcome.claims, now, _REQUIRED)
    if mistake is not None and mistake.reason != "jwt.expired":
        return None
    try:
        return msgspec.convert(outcome.claims, AccessClaims)
    except msgspec.ValidationError:
        return None


def credential_of(claims: AccessClaims, token: str) -> Credential:
    """Return what an access token says, for the audit: never the token."""
    opaque = token.startswith(OPAQUE_PREFIX)
    return Credential(
        kind="opaque_access_token" if opaque else "jwt_access_token",
        issuer=claims.iss,
        audience=claims.audiences,
        subject=claims.sub,
        actors=claims.actors,
        client_id=claims.client_id,
        scope=claims.scopes,
        acr=claims.acr,
        lifetime=claims.exp - claims.iat,
        expires_at=claims.exp,
        token_id=claims.jti,
    )
