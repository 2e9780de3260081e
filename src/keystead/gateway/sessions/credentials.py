"""What the door asks: an identity for this handle on this route, at hand or to be fetched."""

from __future__ import annotations

import asyncio
import time
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
        if live is None:
            return None
        token = live.upstream_tokens.get(route.key)
        return token.identity if token is not None and token.good_until > time.monotonic() else None

    def confirm(self, sessions: Iterable[SessionView]) -> None:
        """Look whether sessions for which something is going on have ended elsewhere."""
        stale = [live for live in sessions if isinstance(live, LiveSession) and self._table.is_stale(live)]
        if stale and self._confirming is None:
            self._confirming = asyncio.get_running_loop().create_task(self._confirm(stale))
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
                await self._table.confirm(live)

    def _confirmed(self, task: asyncio.Task[None]) -> None:
        self._confirming = None
