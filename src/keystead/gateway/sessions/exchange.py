"""One token per session and upstream, bought by token exchange, kept until four fifths of its life have passed.

Does not: give a token to another session, audience or set of scopes than it was bought for: the cache lies inside
the session, under the route's audience and scopes, and dies with it.
Spec: RFC 8693 sections 2.1 and 4.1; RFC 9068.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from keystead.core.decisions import Check, Credential, Decision, Journal
from keystead.core.jose.claims import audiences
from keystead.core.jose.jws import peek_claims_unverified
from keystead.core.trace import TraceContext, new_trace
from keystead.gateway.identity import Identity
from keystead.gateway.issuer.client import IssuerClient, TokenRefused, TokensGranted
from keystead.gateway.prover import Prover
from keystead.gateway.refusals import Refusal, refuse
from keystead.gateway.routes import Route
from keystead.gateway.sessions.live import LiveSession, UpstreamToken
from keystead.gateway.sessions.news import SessionNews, watch
from keystead.gateway.sessions.refresh import Refresher

SHARE_OF_LIFE: Final = 0.8
SESSION_ENDED: Final = refuse(401, "session.ended", "The session has ended.")


class Exchanger:
    """Buys tokens for upstreams."""

    def __init__(
        self,
        issuer: IssuerClient,
        refresher: Refresher,
        news: SessionNews,
        journal: Journal,
        prover: Prover | None = None,
    ) -> None:
        self._issuer = issuer
        self._refresher = refresher
        self._news = news
        self._journal = journal
        self._prover = prover

    def at_hand(self, live: LiveSession, route: Route) -> Identity | None:
        """Return the session's token for a route, if it was bought, lives on and nothing it stands on was revoked."""
        token = live.upstream_tokens.get(route.key)
        if token is None or token.good_until <= time.monotonic() or not self._news.is_good(token):
            return None
        return token.identity

    async def token(self, live: LiveSession, route: Route, trace: TraceContext) -> Identity | Refusal:
        """Return the session's token for a route, buying it once however many requests wait for it.

        Raises: UpstreamError, StorageUnavailable.
        """
        identity = self.at_hand(live, route)
        if identity is not None:
            return identity
        task = live.exchanging.get(route.key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._buy(live, route, trace))
            live.exchanging[route.key] = task
            task.add_done_callback(lambda _: live.exchanging.pop(route.key, None))
        outcome = await asyncio.shield(task)
        assert isinstance(outcome, Identity | Refusal)
        return SESSION_ENDED if live.ended else outcome

    def doubts(self, live: LiveSession) -> bool:
        """Tell whether something a session's tokens stand on was revoked, or may have been."""
        return bool(self._news.doubtful(live))

    async def stands(self, live: LiveSession) -> bool:
        """Ask the issuer anew for every token that is in doubt. False: the session, or a part of it, has ended.

        Raises: UpstreamError, StorageUnavailable.
        """
        for token in self._news.doubtful(live):
            live.upstream_tokens.pop(token.route.key, None)
            if not isinstance(await self.token(live, token.route, new_trace()), Identity):
                return False
        return True

    async def _buy(self, live: LiveSession, route: Route, trace: TraceContext) -> Identity | Refusal:
        if not await self._refresher.ensure(live, trace):
            return SESSION_ENDED
        asked_with = live.access_token
        granted = await self._ask(live, route, trace)
        if isinstance(granted, TokenRefused) and granted.is_final:
            # The access token died before its time. If the refresh token lives, so does the session.
            if not await self._refresher.ensure(live, trace, dead=asked_with):
                return SESSION_ENDED
            granted = await self._ask(live, route, trace)
        if isinstance(granted, TokenRefused):
            self._note(live, route, trace, None, f"exchange.{granted.error}", granted.description)
            return refuse(403, f"exchange.{granted.error}", "You may not use this service.")
        return self._keep(live, route, trace, granted)

    async def _ask(self, live: LiveSession, route: Route, trace: TraceContext) -> TokensGranted | TokenRefused:
        return await self._issuer.exchange(live.access_token, route.audience, route.scopes, trace)

    def _keep(self, live: LiveSession, route: Route, trace: TraceContext, granted: TokensGranted) -> Identity | Refusal:
        token = granted.access_token.reveal()
        claims = peek_claims_unverified(token)  # only to see that the issuer understood us, and for the journal
        if claims is not None and audiences(claims) != (route.audience,):
            self._note(live, route, trace, claims, "exchange.audience", "the token is for somebody else")
            return refuse(502, "exchange.audience", "The issuer gave a token that does not fit.")
        identity = Identity(token.encode("ascii"), live, self._prover)
        if not live.ended:
            good_until = time.monotonic() + granted.expires_in * SHARE_OF_LIFE
            live.upstream_tokens[route.key] = UpstreamToken(identity, route, good_until, watch(token))
        self._note(live, route, trace, claims or {}, "exchange.bought", f"for {route.audience} alone")
        return identity

    def _note(
        self,
        live: LiveSession,
        route: Route,
        trace: TraceContext,
        claims: dict[str, Any] | None,
        reason: str,
        why: str,
    ) -> None:
        allowed = reason == "exchange.bought"
        shown = Credential(
            "opaque_access_token",
            self._issuer.directory.issuer,
            subject=live.subject,
            client_id=live.client_id,
            scope=tuple(live.tokens.scope.split()),
            expires_at=live.tokens.access_expires_at,
        )
        self._journal.record(
            Decision(
                "gateway.exchange",
                allowed,
                reason,
                trace,
                subject=live.subject,
                client_id=live.client_id,
                credential=shown,
                issued=describe(claims) if claims and allowed else None,
                checks=(Check("exchange", allowed, why),),
                facts={"audience": route.audience, "scopes": list(route.scopes)},
            )
        )


def describe(claims: dict[str, Any]) -> Credential:
    """Return what an exchanged JWT says, for the journal."""
    actors: list[str] = []
    actor = claims.get("act")
    while isinstance(actor, dict) and len(actors) < 16:
        actors.append(str(actor.get("sub", "")))
        actor = actor.get("act")
    expires_at, issued_at = int(claims.get("exp", 0)), int(claims.get("iat", 0))
    return Credential(
        "jwt_access_token",
        str(claims.get("iss", "")),
        audiences(claims),
        str(claims.get("sub", "")),
        tuple(actors),
        str(claims.get("client_id", "")),
        tuple(str(claims.get("scope", "")).split()),
        str(claims.get("acr", "")),
        expires_at - issued_at,
        expires_at,
        str(claims.get("jti", "")),
    )
