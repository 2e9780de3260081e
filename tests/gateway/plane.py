"""A running data plane: real listener, relay and pool, before a real upstream, with sessions a test makes up.

Sign-in, refresh and exchange have tests of their own against a real issuer; here only bytes are at stake.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from keystead.core.decisions import Credential, Decision
from keystead.core.trace import TraceContext
from keystead.gateway.identity import Identity, SessionView
from keystead.gateway.refusals import Refusal, refuse
from keystead.gateway.routes import Route
from keystead.gateway.server import DataPlane
from keystead.gateway.settings import GatewaySettings, LimitSettings, RouteSettings
from tests.gateway.raw import close_all
from tests.gateway.upstream import RawUpstream
from tests.token_likes import token_likes

HANDLE = "A" * 43
COOKIE = b"cookie: __Host-keystead=" + HANDLE.encode() + b"\r\n"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfYWxpY2UifQ." + "a-signature-nobody-has" * 3
PUBLIC_URL = "http://localhost:8000"
HOST = b"host: localhost:8000\r\n"


@dataclass
class KeptJournal:
    """Keeps decisions."""

    decisions: list[Decision] = field(default_factory=list)

    def record(self, decision: Decision) -> None:
        """Keep one."""
        assert token_likes(msgspec.json.encode(decision, enc_hook=repr).decode()) == []
        self.decisions.append(decision)

    @property
    def reasons(self) -> list[str]:
        """All reasons so far."""
        return [decision.reason for decision in self.decisions]


class OneSession:
    """Knows one session, `HANDLE`, and one token."""

    def __init__(self) -> None:
        self.view = SessionView("usr_alice", "shop-bff", Credential("session_cookie", subject="usr_alice"))

    def at_hand(self, handle: str, route: Route) -> Identity | None:
        """Return it."""
        if handle != HANDLE or self.view.ended:
            return None
        return Identity(TOKEN.encode(), self.view)

    def confirm(self, sessions: Iterable[SessionView]) -> None:
        """There is nothing elsewhere."""

    async def fetch(self, handle: str, route: Route, trace: TraceContext) -> Identity | Refusal:
        """There is nothing to fetch."""
        return refuse(401, "session.unknown", "")


@dataclass
class Plane:
    """A gateway and what it wrote."""

    gateway: DataPlane
    journal: KeptJournal
    sessions: OneSession

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.gateway.port


def standing_routes(url: str) -> tuple[RouteSettings, ...]:
    """A public route, a protected one below it, one for pages and one with everything switched on."""
    return (
        RouteSettings(path="/", upstream=f"{url}/", public=True, methods=("GET", "HEAD", "POST")),
        RouteSettings(path="/api", upstream=f"{url}/v1", audience="https://api.test"),
        RouteSettings(path="/admin", upstream=f"{url}/admin", audience="https://api.test", csrf="same_origin"),
        RouteSettings(path="/live", upstream=f"{url}/live", audience="https://api.test", websocket=True, cookies=True),
    )


@asynccontextmanager
async def running_plane(
    upstream: RawUpstream, *, routes: Sequence[RouteSettings] = (), limits: LimitSettings | None = None
) -> AsyncIterator[Plane]:
    """Start a gateway before an upstream."""
    settings = GatewaySettings(
        listen="127.0.0.1:0",
        public_url=PUBLIC_URL,
        client_id="shop-bff",
        routes=tuple(routes) or standing_routes(upstream.url),
        limits=limits or LimitSettings(),
    )
    journal, sessions = KeptJournal(), OneSession()
    gateway = DataPlane(settings, journal, sessions)
    await gateway.start()
    try:
        yield Plane(gateway, journal, sessions)
    finally:
        close_all()
        await asyncio.sleep(0)
        await gateway.stop(grace=0.5)
