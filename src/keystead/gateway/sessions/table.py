"""Sessions by their handle: a table in memory in front of the store, confirmed against it once a second.

Why confirm: another process may have ended the session, or refreshed its tokens. So a logout anywhere is known
everywhere within a second, at the cost of one read per session and second, and none per request.
Does not: call the issuer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds, handle_digest, new_handle, new_identifier
from keystead.gateway.sessions.live import RECHECK, LiveSession
from keystead.gateway.sessions.records import GatewaySession, SessionTokens
from keystead.gateway.sessions.transactions import SessionEnd, end_session, end_told, touch, was_told_ended
from keystead.gateway.settings import SessionSettings
from keystead.storage.ports import Store, Write, get, put

MAXIMUM_LIVE: Final = 100_000
_TOUCH_AT_MOST_EVERY: Final = 60
_digest: Final = lru_cache(maxsize=16_384)(handle_digest)


class SessionTable:
    """All sessions. `realm` keeps gateways of different clients apart in one database."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        settings: SessionSettings,
        client_id: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.realm = f"gateway:{client_id}"
        self.client_id = client_id
        self._sealer = sealer
        self._settings = settings
        self._clock = clock
        self._live: dict[str, LiveSession] = {}

    def now(self) -> EpochSeconds:
        """Return the time."""
        return EpochSeconds(int(self._clock()))

    def at_hand(self, handle: str) -> LiveSession | None:
        """Return a session that the store has confirmed within the last second, or None: `load` it."""
        live = self._live.get(_digest(handle))
        if live is None or live.ended or time.monotonic() - live.checked_at > RECHECK:
            return None
        live.used = True
        return live

    async def load(self, handle: str) -> LiveSession | None:
        """Return a session as the store has it now, or None when there is none (any more).

        Raises: StorageUnavailable.
        """
        id, now = handle_digest(handle), self.now()
        record = await self.store.read(get(GatewaySession, self.realm, id, now))
        live = self._live.get(id)
        if record is None:
            self.forget(id)
            return None
        if live is None or live.ended:
            live = self._make_live(record)
        elif record.generation != live.record.generation:
            self.adopt(live, record)
        else:
            live.adopt(record, None, time.monotonic())
        if live is None:
            return None
        live.used = True
        if now - record.touched_at >= min(_TOUCH_AT_MOST_EVERY, self._settings.idle_timeout // 10):
            return await self._touch(live, now)
        return live

    def is_stale(self, live: LiveSession) -> bool:
        """Tell whether the store has not confirmed a session for a while."""
        return time.monotonic() - live.checked_at > RECHECK

    async def confirm(self, live: LiveSession) -> None:
        """Look whether a session still is, without using it.

        Raises: StorageUnavailable.
        """
        record = await self.store.read(get(GatewaySession, self.realm, live.record.id, self.now()))
        if record is None:
            live.end()
            self.forget(live.record.id)
        elif record.generation != live.record.generation:
            self.adopt(live, record)
        else:
            live.adopt(record, None, time.monotonic())

    async def begin(self, tokens: SessionTokens, *, sid: str, replaces: str = "") -> str | None:
        """Begin a session, ending the one it replaces, and return its handle: the only time it is known.

        None: the issuer has said that this sign-in is over, before it had become a session here.
        """
        handle, now = new_handle(), self.now()
        id = handle_digest(handle)
        record = GatewaySession(
            realm=self.realm,
            id=id,
            sealed=self.seal(id, tokens),
            subject=str(tokens.claims["sub"]),
            sid=sid,
            logout_id=new_identifier("out"),
            created_at=now,
            touched_at=now,
            expires_at=EpochSeconds(now + min(self._settings.idle_timeout, self._settings.absolute_timeout)),
        )

        def transaction() -> Write[bool]:
            if replaces:
                yield from end_session(self.realm, replaces, now)
            if (yield from was_told_ended(self.realm, sid, now)):
                return False
            yield from put(record, now)
            return True

        begun = await self.store.write(transaction)
        self.forget(replaces)
        return handle if begun else None

    async def end(self, id: str) -> SessionTokens | None:
        """End a session for good, and return its tokens so that they can be revoked.

        Raises: StorageUnavailable, in which case it has not ended.
        """
        now = self.now()
        record = await self.store.write(lambda: end_session(self.realm, id, now))
        self.forget(id)
        return self._open(record) if record is not None else None

    async def end_for(self, end: SessionEnd) -> int | None:
        """End the sessions that the issuer says have ended, once for each token that says so. None: it said so before.

        Raises: StorageUnavailable, in which case nothing has ended and the issuer shall say it again.
        """
        now = self.now()
        records = await self.store.write(lambda: end_told(self.realm, end, now))
        if records is None:
            return None
        for record in records:
            self.forget(record.id)
        return len(records)

    def seal(self, id: str, tokens: SessionTokens) -> bytes:
        """Return tokens sealed for one session."""
        return self._sealer.seal(self.realm, GatewaySession.kind, id, msgspec.json.encode(tokens))

    def adopt(self, live: LiveSession, record: GatewaySession) -> None:
        """Take over a record that is newer than what is in memory."""
        live.adopt(record, self._open(record), time.monotonic())

    def live_sessions(self) -> tuple[LiveSession, ...]:
        """Return every session in memory."""
        return tuple(self._live.values())

    def sweep(self) -> None:
        """Forget sessions that nobody has used for a while; the store still has them."""
        for id, live in tuple(self._live.items()):
            if live.ended or (not live.used and not live.exchanging and live.refreshing is None):
                del self._live[id]
            live.used = False

    async def _touch(self, live: LiveSession, now: EpochSeconds) -> LiveSession | None:
        record, settings = live.record, self._settings
        ends_at = record.created_at + settings.absolute_timeout
        touched = await self.store.write(lambda: touch(self.realm, record.id, settings.idle_timeout, ends_at, now))
        if touched is None:
            self.forget(record.id)
            return None
        self.adopt(live, touched)
        return live

    def _make_live(self, record: GatewaySession) -> LiveSession | None:
        tokens = self._open(record)
        if tokens is None:
            return None
        if len(self._live) >= MAXIMUM_LIVE:
            self._live.pop(next(iter(self._live)))
        live = self._live[record.id] = LiveSession(record, tokens, self.client_id, time.monotonic())
        return live

    def _open(self, record: GatewaySession) -> SessionTokens | None:
        opened = self._sealer.open(self.realm, GatewaySession.kind, record.id, record.sealed)
        return msgspec.json.decode(opened, type=SessionTokens) if opened is not None else None

    def forget(self, id: str) -> None:
        """End a session in memory: in the store it has ended already."""
        live = self._live.pop(id, None)
        if live is not None:
            live.end()
