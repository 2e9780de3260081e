"""ID tokens: who signed in, when and how, told to one client.

Flow: the /token pipeline comes here when an authority carries `openid`, with the access token that goes along.
Shape: `iss sub aud exp iat` and, where they are known, `auth_time nonce acr amr sid at_hash`; of the person's claims
only those the `claims` parameter asked for under `id_token`. `azp` is left out: `aud` is the one client. `c_hash` and
`s_hash` protect what travels through the browser beside an ID token; ours never travel there.
Does not: decide anything, or carry what userinfo tells.
Spec: OpenID Connect Core sections 2, 3.1.3.6, 5.5, 8 and 12.2; RFC 8176.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from keystead.core.jose import base64url
from keystead.core.records.client import Client
from keystead.core.values import EpochSeconds
from keystead.oauth.authority import Live
from keystead.oauth.disclosure import asked_by_name
from keystead.oauth.grant import Attempt, Authority, Spent
from keystead.oauth.profiles import profile_of
from keystead.oauth.protection import Protection, protect
from keystead.oauth.subjects import subject_for

_TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant
_HASHES: Final = {"ES256": hashlib.sha256, "RS256": hashlib.sha256, "PS256": hashlib.sha256}


class IdClaims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The claims of an ID token that say how somebody signed in. Spec: OpenID Connect Core section 2."""

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


async def mint_id_token(
    attempt: Attempt, authority: Authority, live: Live, access_token: str, protection: Protection
) -> str:
    """Return the ID token that goes with an access token."""
    client, now = attempt.caller.client, attempt.now
    claims = IdClaims(
        iss=attempt.scope_map.issuer,
        sub=subject_for(attempt.cx.sealer, client, authority.holding.subject),
        aud=client.id,
        exp=EpochSeconds(now + attempt.realm.id_token_lifetime),
        iat=now,
        auth_time=authority.auth_time,
        nonce=authority.nonce,
        acr=authority.acr,
        amr=authority.amr,
        sid=authority.holding.sid if _tells_session(client) else "",
        at_hash=half_hash(access_token, protection.signing),
    )
    told = dict(authority.told)
    if authority.claims and live.account is not None:
        told |= asked_by_name(live.account, client, authority.claims.get("id_token"))
    everything = {**told, **msgspec.to_builtins(claims)} if told else claims
    return await protect(everything, protection, attempt.realm.id, now, attempt.cx)


def _tells_session(client: Client) -> bool:
    """Return whether a client has a use for `sid`: to hear of a logout, to ask for one, or to speak for the person."""
    if profile_of(client).session_always_told or _TOKEN_EXCHANGE in client.grant_types:
        return True
    return bool(client.backchannel_logout_uri or client.frontchannel_logout_uri or client.post_logout_redirect_uris)


def half_hash(text: str, algorithm: str) -> str:
    """Return the left half of a hash, by the hash of the signature: for `at_hash`, `c_hash` and `s_hash`.

    Spec: OpenID Connect Core section 3.1.3.6. Ed25519 hashes with SHA-512.
    """
    digest = _HASHES.get(algorithm, hashlib.sha512)(text.encode()).digest()
    return base64url.encode(digest[: len(digest) // 2]).decode()


def pushed_claims(authority: Authority, spent: Spent, algorithm: str) -> dict[str, Any]:
    """Return what ties an ID token to the backchannel request and the refresh token it is pushed with.

    Spec: OpenID Connect CIBA Core section 10.3.1.
    """
    claims = {"urn:openid:params:jwt:claim:auth_req_id": authority.auth_req_id}
    if spent.refresh_token:
        claims["urn:openid:params:jwt:claim:rt_hash"] = half_hash(spent.refresh_token, algorithm)
    return claims
