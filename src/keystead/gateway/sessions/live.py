"""A session in memory: what the data plane sees of it, and the tokens it has for each upstream."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from keystead.core.decisions import Credential
from keystead.core.values import Secret
from keystead.gateway.identity import Identity, SessionView
from keystead.gateway.routes import Route
from keystead.gateway.sessions.records import GatewaySession, SessionTokens
from keystead.sdk.revocations import Watched

RECHECK: Final = 1.0


class UpstreamToken:
    """A token for one route. `identity` holds its finished header line; good until a moment of the loop's clock.

    `watched` is what its end would be told by in the issuer's news; None when it cannot be told.
    """

    __slots__ = ("bought_at", "good_until", "identity", "route", "watched")

    def __init__(self, identity: Identity, route: Route, good_until: float, watched: Watched | None) -> None:
        self.identity = identity
        self.route = route
        self.good_until = good_until
        self.watched = watched
        self.bought_at = time.monotonic()


class LiveSession(SessionView):
    """A session in memory. `checked_at` is when the store last confirmed it (the loop's clock)."""

    __slots__ = ("checked_at", "exchanging", "record", "refreshing", "tokens", "upstream_tokens", "used")

    def __init__(self, record: GatewaySession, tokens: SessionTokens, client_id: str, checked_at: float) -> None:
        credential = Credential("session_cookie", subject=record.subject, client_id=client_id)
        super().__init__(record.subject, client_id, credential)
        self.record = record
        self.tokens = tokens
        self.checked_at = checked_at
        self.used = True
        self.upstream_tokens: dict[str, UpstreamToken] = {}
        self.exchanging: dict[str, asyncio.Task[object]] = {}
        self.refreshing: asyncio.Task[bool] | None = None

    def adopt(self, record: GatewaySession, tokens: SessionTokens | None, checked_at: float) -> None:
        """Take what the store has, perhaps written by another process."""
        self.record = record
        self.checked_at = checked_at
        if tokens is not None:
            self.tokens = tokens

    def end(self) -> None:
        """From now on nothing is done for this session, and nothing is kept of it."""
        self.ended = True
        self.upstream_tokens.clear()

    @property
    def access_token(self) -> Secret:
        """The token to exchange."""
        return Secret(self.tokens.access_token)

    @property
    def refresh_token(self) -> Secret:
        """The token to refresh with, empty when the issuer gave none."""
        return Secret(self.tokens.refresh_token)
