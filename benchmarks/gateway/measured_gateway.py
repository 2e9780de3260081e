"""The gateway under load: the data plane as it ships, a session in SQLite, its token for the upstream in the cache.

python -m benchmarks.gateway.measured_gateway PORT UPSTREAM_PORT FOLDER [silent] > JOURNAL

Prints the session's cookie on standard error when it listens; the journal goes to standard output.
Sign-in and exchange are left out because they are not measured; everything a request passes through is there.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from pathlib import Path

import uvloop

from keystead.app.log_lines import open_journal
from keystead.core.decisions import Decision, Journal
from keystead.core.sealing import AesGcmSealer
from keystead.core.tokens import AccessClaims
from keystead.core.values import EpochSeconds, Secret
from keystead.gateway.gateway import Gateway
from keystead.gateway.identity import Identity
from keystead.gateway.routes import Route, compile_routes
from keystead.gateway.sessions.live import UpstreamToken
from keystead.gateway.sessions.records import SessionTokens
from keystead.gateway.settings import GatewaySettings, RouteSettings
from keystead.sdk.revocations import RevocationPolicy, Watched
from keystead.storage.sqlite import open_store

AUDIENCE = "https://catalog.bench"
TOKEN_CHARACTERS = 700
WATCHED = Watched(
    AccessClaims(
        iss="http://127.0.0.1:9/realms/bench",
        sub="usr_bench",
        aud=AUDIENCE,
        client_id="bench",
        exp=EpochSeconds(2_000_000_060),
        iat=EpochSeconds(2_000_000_000),
        jti="j",
        sid="ses_bench",
        gid="grt_bench",
    ),
    "kid",
)


class Silent:
    """No journal."""

    def record(self, decision: Decision) -> None:
        """Drop it."""


def settings(port: int, upstream_port: int) -> GatewaySettings:
    """Return a gateway with a few routes, one of them measured."""
    url = f"http://127.0.0.1:{upstream_port}"
    return GatewaySettings(
        listen=f"127.0.0.1:{port}",
        public_url=f"http://localhost:{port}",
        issuer="http://127.0.0.1:9/realms/bench",
        client_id="bench",
        client_secret=Secret("never used here"),
        revocations=RevocationPolicy(on_stale="accept_until_expiry"),
        routes=(
            RouteSettings(path="/", upstream=url, public=True),
            RouteSettings(path="/api/orders", upstream=url, audience="https://orders.bench"),
            RouteSettings(path="/api/catalog", upstream=url, audience=AUDIENCE, scopes=("catalog:read",)),
            RouteSettings(path="/api/stock", upstream=url, audience="https://stock.bench"),
        ),
    )


async def run(port: int, upstream_port: int, folder: str, *, silent: bool) -> None:
    """Serve for ever."""
    store = open_store(str(Path(folder) / "gateway.db"))
    journal: Journal = Silent() if silent else open_journal("gateway")
    measured = settings(port, upstream_port)
    gateway = Gateway(measured, store, AesGcmSealer(secrets.token_bytes(32)), journal)
    tokens = SessionTokens("a" * 300, int(time.time()) + 3_600, "r" * 80, "catalog:read", {"sub": "usr_bench"})
    handle = await gateway.table.begin(tokens, sid="ses_bench")
    assert handle is not None
    live = await gateway.table.load(handle)
    assert live is not None
    token = secrets.token_urlsafe(TOKEN_CHARACTERS)[:TOKEN_CHARACTERS].encode()
    route = compile_routes(measured.routes, measured.limits).find(b"/api/catalog/items")
    assert isinstance(route, Route)
    live.upstream_tokens[route.key] = UpstreamToken(Identity(token, live), route, time.monotonic() + 3_600, WATCHED)
    await gateway.start()
    print(handle, file=sys.stderr, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], silent="silent" in sys.argv))
