"""The access token of a session, kept alive: one refresh at a time, whatever the tabs and processes do.

In a process the tabs wait for one task. Between processes a lease in the record decides who asks; the others wait and
read what came of it. A session whose refresh token died has ended.
Spec: draft-ietf-oauth-browser-based-apps section 6.1.2.2; RFC 6749 section 6.
"""

from __future__ import annotations

import asyncio
from typing import Final

from keystead.core.decisions import Check, Credential, Decision, Journal
from keystead.core.errors import UpstreamError
from keystead.core.trace import TraceContext
from keystead.core.values import EpochSeconds, Secret
from keystead.gateway.issuer.client import IssuerClient, TokenRefused, TokensGranted
from keystead.gateway.sessions.live import LiveSession
from keystead.gateway.sessions.records import SessionTokens
from keystead.gateway.sessions.table import SessionTable
from keystead.gateway.sessions.transactions import (
    LEASE,
    Busy,
    Claimed,
    Gone,
    Newer,
    claim_refresh,
    release_refresh,
    store_refreshed,
)

SPARE: Final = 15
_POLL: Final = 0.05


class Refresher:
    """Refreshes sessions."""

    def __init__(self, table: SessionTable, issuer: IssuerClient, journal: Journal) -> None:
        self._table = table
        self._issuer = issuer
        self._journal = journal

    async def ensure(self, live: LiveSession, trace: TraceContext, *, dead: Secret | None = None) -> bool:
        """Make sure the access token lives a little longer. False: the session has ended.

        `dead` is an access token that the issuer refused: if the session still has it, it is replaced.
        Raises: UpstreamError when the issuer cannot be asked; the session lives on.
        """
        if live.ended:
            return False
        if dead != live.access_token and live.tokens.access_expires_at - SPARE > self._table.now():
            return True
        if live.refreshing is None:
            live.refreshing = asyncio.get_running_loop().create_task(self._refresh(live, trace))
            live.refreshing.add_done_callback(lambda _: setattr(live, "refreshing", None))
        return await asyncio.shield(live.refreshing)

    async def _refresh(self, live: LiveSession, trace: TraceContext) -> bool:
        table, id = self._table, live.record.id
        if not live.tokens.refresh_token:
            await self._die(live, "session.access_token_expired", trace)
            return False
        for _ in range(int((LEASE + 3) / _POLL)):
            generation = live.record.generation
            outcome = await self._claim(id, generation)
            if isinstance(outcome, Gone):
                table.forget(id)
                return False
            if isinstance(outcome, Newer):
                table.adopt(live, outcome.record)
                return not live.ended
            if isinstance(outcome, Claimed):
                return await self._spend(live, generation, trace)
            await asyncio.sleep(_POLL)
        raise UpstreamError("another process holds this session's refresh and does not finish")

    async def _claim(self, id: str, generation: int) -> Gone | Claimed | Newer | Busy:
        now = self._table.now()
        return await self._table.store.write(lambda: claim_refresh(self._table.realm, id, generation, now))

    async def _spend(self, live: LiveSession, generation: int, trace: TraceContext) -> bool:
        table, id = self._table, live.record.id
        try:
            granted = await self._issuer.refresh(live.refresh_token, trace)
        except UpstreamError:
            now = table.now()
            await table.store.write(lambda: release_refresh(table.realm, id, generation, now))
            raise
        if isinstance(granted, TokenRefused):
            await self._die(live, f"session.refresh_refused.{granted.error}", trace)
            return False
        now = table.now()
        tokens = refreshed_tokens(live.tokens, granted, now)
        sealed = table.seal(id, tokens)
        record = await table.store.write(lambda: store_refreshed(table.realm, id, generation, sealed, now))
        if record is None or live.ended:
            await table.end(id)
            await self._issuer.revoke(granted.refresh_token, trace)  # logout was first, so these must not live
            return False
        table.adopt(live, record)
        self._note(live, "session.refreshed", trace, allowed=True)
        return True

    async def _die(self, live: LiveSession, reason: str, trace: TraceContext) -> None:
        await self._table.end(live.record.id)
        self._note(live, reason, trace, allowed=False)

    def _note(self, live: LiveSession, reason: str, trace: TraceContext, *, allowed: bool) -> None:
        shown = Credential("refresh_token", self._issuer.directory.issuer, subject=live.subject)
        check = Check("refresh_token", allowed, "spent once, for all tabs" if allowed else "the session has ended")
        self._journal.record(
            Decision(
                "gateway.refresh",
                allowed,
                reason,
                trace,
                subject=live.subject,
                client_id=live.client_id,
                credential=shown,
                checks=(check,),
            )
        )


def refreshed_tokens(old: SessionTokens, granted: TokensGranted, now: EpochSeconds) -> SessionTokens:
    """Return a session's tokens after a refresh: what did not come anew stays."""
    return SessionTokens(
        granted.access_token.reveal(),
        now + granted.expires_in,
        granted.refresh_token.reveal() or old.refresh_token,
        granted.scope or old.scope,
        old.claims,
    )
