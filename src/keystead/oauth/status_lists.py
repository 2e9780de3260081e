"""The Token Status List: which JWT access tokens are not good any more, for verifiers that know no feed of ours.

Flow: where the realm has `status_lists`, every JWT access token is entered at a place drawn by lot, and says in its
`status` claim which; `invalid_places` asks of each living one whether all it rests on still stands, so that the end of
a grant, a session, a person or a client flips its bit like a revocation of the token itself.
Does not: remember a token after its expiry, or tell one bit's token from another's: places are drawn, not counted.
Spec: draft-ietf-oauth-status-list sections 5 and 6, and 12.5 (unlinkability).
"""

from __future__ import annotations

import secrets
from typing import Any, Final

import msgspec

from keystead.core.decisions import Denied
from keystead.core.errors import StorageUnavailable
from keystead.core.records.listed_token import ListedToken
from keystead.core.records.revocation import RevokedToken
from keystead.core.tokens import AccessClaims
from keystead.core.values import EpochSeconds
from keystead.oauth.authority import Holding, authority_now
from keystead.oauth.context import ServerContext
from keystead.storage.ports import MAX_PAGE, Read, Stored, Write, find, get, put

LIST_SIZE: Final = 1 << 20
"""Places in a realm's one list. It is sparse: compressed, a thousand revocations take a few kilobytes."""

STATUS_LIST_PATH: Final = "status_list"
_ATTEMPTS: Final = 64
_Grounds = tuple[str, ...]


async def entered(claims: AccessClaims, realm: str, cx: ServerContext) -> AccessClaims:
    """Give the token a place in the list and return its claims with the reference to it.

    Raises: StorageUnavailable when the list is full, or the store fails.
    """
    place = await cx.store.write(lambda: _enter(claims, realm))
    if place is None:
        raise StorageUnavailable("the status list is full: shorten the access tokens' lifetime")
    reference: dict[str, Any] = {"idx": place, "uri": f"{cx.issuer(realm)}/{STATUS_LIST_PATH}"}
    return msgspec.structs.replace(claims, status={"status_list": reference})


def _enter(claims: AccessClaims, realm: str) -> Write[int | None]:
    for _ in range(_ATTEMPTS):
        place = secrets.randbelow(LIST_SIZE)
        entry = ListedToken(
            realm=realm,
            id=f"{place:07d}",
            expires_at=claims.exp,
            token_id=claims.jti,
            client_id=claims.client_id,
            subject=claims.sub,
            sid=claims.sid,
            grant_id=claims.gid,
            scopes=claims.scopes,
            roles=claims.roles,
            actors=claims.actors,
        )
        if isinstance((yield from put(entry, claims.iat)), Stored):
            return place
    return None


async def invalid_places(realm: str, now: EpochSeconds, cx: ServerContext) -> list[int]:
    """Return the places of all tokens that have not expired and are not good any more."""
    found: list[int] = []
    judged: dict[_Grounds, bool] = {}
    page = await cx.store.read(_judge_page(realm, "", judged, now))
    while page is not None:
        found += page[0]
        page = await cx.store.read(_judge_page(realm, page[1], judged, now))
    return found


def _judge_page(
    realm: str, after: str, judged: dict[_Grounds, bool], now: EpochSeconds
) -> Read[tuple[list[int], str] | None]:
    """Judge one page of living tokens. What several tokens rest on together is looked up once."""
    entries = yield from find(ListedToken, realm, now, after=after, limit=MAX_PAGE)
    if not entries:
        return None
    invalid = []
    for entry in entries:
        stands = yield from _stands(realm, entry, judged, now)
        if stands:
            continue
        invalid.append(int(entry.id))
    return invalid, entries[-1].id


def _stands(realm: str, entry: ListedToken, judged: dict[_Grounds, bool], now: EpochSeconds) -> Read[bool]:
    if (yield from get(RevokedToken, realm, entry.token_id, now)) is not None:
        return False
    grounds = (entry.client_id, entry.subject, entry.sid, entry.grant_id, *entry.scopes, "", *entry.roles, "")
    grounds = (*grounds, *entry.actors)
    if grounds not in judged:
        holding = Holding(
            client_id=entry.client_id,
            subject=entry.subject,
            sid=entry.sid,
            grant_id=entry.grant_id,
            scopes=entry.scopes,
            roles=entry.roles,
            actors=entry.actors,
        )
        judged[grounds] = not isinstance((yield from authority_now(realm, holding, now)), Denied)
    return judged[grounds]
