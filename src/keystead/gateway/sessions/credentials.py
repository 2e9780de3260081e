"""What the door asks: an identity for this handle on this route, at hand or to be fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from keystead.core.errors import StorageUnavailable, UpstreamError
from keystead.core.trace import TraceContext
from keystead.gateway.identity import Identity, SessionView
from keystead.gateway.refusals import Refusal
from keystead.gateway.routes import Route
from keystead.gateway.sessions.exchange import Exchanger
from keystead.gateway.sessions.live import LiveSession
from keystead.gateway.sessions.table import SessionTable

_TRY_AGAIN: Final = Refusal(
    503,
    "issuer.unavailable",
    "temporarily_unavailable",
    "Signing you in to this service is not possible right now. Try again in a moment.",
    headers=((b"retry-after", b"2"),),
)
_UNKNOWN: Final = Refusal(401, "session.unknown", "login_required", "Sign in first.")


class SessionCredentials:
    """Sessions and their tokens for upstreams."""

    def __init__(self, table: SessionTable, exchanger: Exchanger) -> None:
        self._table = table
        self._exchanger = exchanger
        self._confirming: asyncio.Task[None] | None = None

    def at_hand(self, handle: str, route: Route) -> Identity | None:
        """Return the identity when everything is in memory and fresh."""
        live = self._table.at_hand(handle)
        return self._exchanger.at_hand(live, route) if live is not None else None

    def confirm(self, sessions: Iterable[SessionView]) -> None:
        """Look whether sessions for which something is going on have ended elsewhere."""
        if self._confirming is not None:
            return
        living = [live for live in sessions if isinstance(live, LiveSession)]
        open_questions = [live for live in living if self._table.is_stale(live) or self._exchanger.doubts(live)]
        if open_questions:
            self._confirming = asyncio.get_running_loop().create_task(self._confirm(open_questions))
            self._confirming.add_done_callback(self._confirmed)

    async def fetch(self, handle: str, route: Route, trace: TraceContext) -> Identity | Refusal:
        """Load the session, refresh, exchange: whatever it takes."""
        try:
            live = await self._table.load(handle)
            if live is None:
                return _UNKNOWN
            return await self._exchanger.token(live, route, trace)
        except (UpstreamError, StorageUnavailable) as error:
            return Refusal(
                _TRY_AGAIN.status,
                "storage.unavailable" if isinstance(error, StorageUnavailable) else _TRY_AGAIN.reason,
                _TRY_AGAIN.error,
                _TRY_AGAIN.description,
                headers=_TRY_AGAIN.headers,
            )

    async def _confirm(self, sessions: list[LiveSession]) -> None:
        with suppress(StorageUnavailable):
            for live in sessions:
                if self._table.is_stale(live):
                    await self._table.confirm(live)
                if not live.ended and self._exchanger.doubts(live) and not await self._stands(live):
                    self._table.forget(live.record.id)

    async def _stands(self, live: LiveSession) -> bool:
        """Ask the issuer about a session of which something died. Without an answer it does not stand."""
        try:
            return await self._exchanger.stands(live)
        except UpstreamError:
            return False

    def _confirmed(self, task: asyncio.Task[None]) -> None:
        self._confirming = None
