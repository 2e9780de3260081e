"""The store's side of sessions: every change is one transaction that looks before it writes.

Why generations: a refresh token is spent once. Whoever wants to spend it first writes that it does, and what comes
back is written only onto the generation it was bought for, and only if the session is still there. So logout wins
over a slow refresh, and of two processes one refreshes while the other waits and reads.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.values import EpochSeconds, handle_digest
from keystead.gateway.sessions.records import GatewaySession
from keystead.storage.ports import Read, Write, claim, find, get, peek, put, remove

LEASE: Final = 12
REMEMBERED: Final = 3_600
"""How long a session the issuer ended is remembered: longer than a sign-in from it can be under way."""
_ENDED: Final = "ended_sid"


class Gone(msgspec.Struct, frozen=True):
    """The session ended."""


class Claimed(msgspec.Struct, frozen=True):
    """We refresh; nobody else does, until the lease ends."""

    record: GatewaySession


class Newer(msgspec.Struct, frozen=True):
    """Another process has refreshed it already."""

    record: GatewaySession


class Busy(msgspec.Struct, frozen=True):
    """Another process is refreshing it."""


def claim_refresh(realm: str, id: str, generation: int, now: EpochSeconds) -> Write[Gone | Claimed | Newer | Busy]:
    """Say that we are about to spend the refresh token of `generation`."""
    record = yield from get(GatewaySession, realm, id, now)
    if record is None:
        return Gone()
    if record.generation != generation:
        return Newer(record)
    if record.refreshing_until > now:
        return Busy()
    changed = msgspec.structs.replace(record, refreshing_until=EpochSeconds(now + LEASE))
    yield from put(changed, now)
    return Claimed(changed)


def store_refreshed(
    realm: str, id: str, generation: int, sealed: bytes, now: EpochSeconds
) -> Write[GatewaySession | None]:
    """Keep what the refresh brought. None: the session ended meanwhile, and the new tokens must die too."""
    record = yield from get(GatewaySession, realm, id, now)
    if record is None or record.generation != generation:
        return None
    changed = msgspec.structs.replace(
        record, sealed=sealed, generation=generation + 1, refreshing_until=EpochSeconds(0)
    )
    yield from put(changed, now)
    return changed


def release_refresh(realm: str, id: str, generation: int, now: EpochSeconds) -> Write[None]:
    """Give the lease back: the issuer could not be asked."""
    record = yield from get(GatewaySession, realm, id, now)
    if record is not None and record.generation == generation and record.refreshing_until:
        yield from put(msgspec.structs.replace(record, refreshing_until=EpochSeconds(0)), now)


def touch(realm: str, id: str, idle_timeout: int, ends_at: int, now: EpochSeconds) -> Write[GatewaySession | None]:
    """Note that the session is in use."""
    record = yield from get(GatewaySession, realm, id, now)
    if record is None:
        return None
    until = EpochSeconds(min(ends_at, now + idle_timeout))
    changed = msgspec.structs.replace(record, touched_at=now, expires_at=until)
    yield from put(changed, now)
    return changed


def end_session(realm: str, id: str, now: EpochSeconds) -> Write[GatewaySession | None]:
    """Remove a session. Answer: what it was, or None when it was gone already."""
    record = yield from get(GatewaySession, realm, id, now)
    if record is not None:
        yield from remove(GatewaySession, realm, id)
    return record


class SessionEnd(msgspec.Struct, frozen=True, kw_only=True):
    """What the issuer says has ended: the session `sid`, or without one every session of `subject`.

    `token_digest` is spent with it and remembered until the token that said so has expired.
    """

    sid: str
    subject: str
    token_digest: str
    until: EpochSeconds


def end_told(realm: str, end: SessionEnd, now: EpochSeconds) -> Write[list[GatewaySession] | None]:
    """Spend a logout token and remove the sessions it names. Answer: what they were; None for a replay."""
    if not (yield from claim(realm, "logout_token", end.token_digest, end.until, now)):
        return None
    if end.sid:
        yield from claim(realm, _ENDED, handle_digest(end.sid), EpochSeconds(now + REMEMBERED), now)
    index, value = ("sid", end.sid) if end.sid else ("subject", end.subject)
    ended: list[GatewaySession] = []
    while records := (yield from find(GatewaySession, realm, now, index=index, value=value, after=_last(ended))):
        for record in records:
            if end.subject in ("", record.subject):
                yield from remove(GatewaySession, realm, record.id)
        ended += records
    return [record for record in ended if end.subject in ("", record.subject)]


def was_told_ended(realm: str, sid: str, now: EpochSeconds) -> Read[bool]:
    """Return whether the issuer has said that a session of its own is over, whatever was in flight from it then."""
    return bool(sid) and (yield from peek(realm, _ENDED, handle_digest(sid), now)) is not None


def _last(records: list[GatewaySession]) -> str:
    return records[-1].id if records else ""
