"""Ending things before their time: in one write transaction, together with the news of it.

Does not: decide that something must end. Grants, endpoints and the account pages do.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.errors import VersionConflict
from keystead.core.records.grant import Grant
from keystead.core.records.record import Record
from keystead.core.records.revocation import REVOCATION_TOPIC, Revocation, RevokedToken
from keystead.core.tokens import AccessClaims
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Conflict, Write, emit, get, put, revoke_family

NEWS_LIFETIME: Final = 86_400
"""Seconds a revocation stays in the outbox. No JWT lives longer."""


def revoke_grant(realm: str, grant_id: str, reason: str, now: EpochSeconds) -> Write[bool]:
    """End a grant, its refresh family and with them every access token it bought. Answer: whether it was live."""
    yield from revoke_family(realm, grant_id, now)
    grant = yield from get(Grant, realm, grant_id, now)
    if grant is None or grant.revoked_at is not None:
        return False
    yield from store(msgspec.structs.replace(grant, revoked_at=now), now)
    yield from announce(realm, Revocation("grant", grant_id, reason), now)
    return True


def revoke_access_token(realm: str, claims: AccessClaims, reason: str, now: EpochSeconds) -> Write[bool]:
    """End one access token. Answer: whether it was live."""
    if (yield from get(RevokedToken, realm, claims.jti, now)) is not None:
        return False
    yield from store(RevokedToken(realm=realm, id=claims.jti, expires_at=claims.exp), now)
    yield from announce(realm, Revocation("token", claims.jti, reason), now)
    return True


def announce(realm: str, revocation: Revocation, now: EpochSeconds) -> Write[None]:
    """Put the news into the outbox."""
    until = EpochSeconds(now + NEWS_LIFETIME)
    yield from emit(realm, REVOCATION_TOPIC, msgspec.json.encode(revocation), now, until)


def store(record: Record, now: EpochSeconds) -> Write[None]:
    """Store a record that this transaction read or made. Raises: VersionConflict, and nothing happened."""
    outcome = yield from put(record, now)
    if isinstance(outcome, Conflict):
        raise VersionConflict(f"{record.kind} {record.id} was changed by another")
