"""The gateway as a process: what `keystead gateway` does.

Flow: the file's `gateway` section, filled in from the rest of the file where that says the same thing anyway -> store,
sealer -> `keystead.gateway.gateway.serve` until a signal, and beside it the management port where one is named.
The issuer's absence is no obstacle to readiness: public pages and what was signed in before go on.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from keystead.app.housekeeping import sweep_forever
from keystead.app.log_lines import open_journal, say_ready
from keystead.app.metrics import Metrics
from keystead.app.sealed_store import key_file, open_sealed_store, require_same_key
from keystead.app.serving import run, until_signal
from keystead.app.settings import ClientSettings, Settings
from keystead.core.decisions import Journal
from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds
from keystead.gateway.gateway import Gateway, serve
from keystead.gateway.settings import GatewaySettings
from keystead.sdk.revocation_feed import FollowedRevocations
from keystead.storage.ports import Store

if TYPE_CHECKING:
    from keystead.app.http_server.server import HttpServer

CALLBACK = "/bff/callback"


def serve_gateway(settings: Settings, path: Path) -> None:
    """Run the gateway of a configuration file until a signal. Raises: ConfigurationError, StorageUnavailable."""
    run(_serve(complete(settings), path.absolute().parent))


async def _serve(gateway: GatewaySettings, directory: Path) -> None:
    journal = open_journal("gateway")
    store, sealer = open_sealed_store(gateway.database, directory, key_file(gateway.key_encryption_key, "gateway"))
    await require_same_key(store, sealer, EpochSeconds(int(time.time())))
    metrics = Metrics()
    management = [_management(gateway.management_listen, store, metrics)] if gateway.management_listen else []

    def ready(running: Gateway) -> None:
        _measure_news(metrics, running.news.followed)
        _say_ready(journal, gateway, running)

    stopped = asyncio.Event()
    beside = [asyncio.create_task(sweep_forever(store)), asyncio.create_task(_stop_on_signal(stopped))]
    beside += [asyncio.create_task(server.run_until_stopped()) for server in management]
    for task in beside:
        task.add_done_callback(lambda task: None if task.cancelled() or task.exception() is None else stopped.set())
    try:
        await serve(gateway, store, sealer, journal, stopped=stopped, ready=ready)
    finally:
        for server in management:
            server.stop()
        for task in beside:
            task.cancel()
        outcomes = await asyncio.gather(*beside, return_exceptions=True)
        await store.close()
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


def complete(settings: Settings) -> GatewaySettings:
    """Return the gateway's section with issuer, public URL and secret taken from the same file where it has them.

    Raises: ConfigurationError when something is missing that only the operator can know.
    """
    gateway = settings.gateway
    if gateway is None:
        raise ConfigurationError("the file has no `gateway` section: it needs at least `client_id` and `routes`")
    realm, client = _client(settings, gateway)
    issuer = gateway.issuer or (f"{settings.server.base_url}/realms/{realm}" if settings.server and realm else "")
    if not issuer:
        raise ConfigurationError(
            f"gateway.issuer: no realm of the file has the client `{gateway.client_id}`; name the issuer's URL"
        )
    secret = gateway.client_secret
    if secret is None and not gateway.agent_socket and client is not None:
        secret = client.client_secret
    public_url = gateway.public_url or _public_url(gateway, client)
    return msgspec.structs.replace(gateway, issuer=issuer, public_url=public_url, client_secret=secret)


def _client(settings: Settings, gateway: GatewaySettings) -> tuple[str, ClientSettings | None]:
    found = [
        (name, client)
        for name, realm in settings.realms.items()
        for client in realm.clients
        if client.client_id == gateway.client_id
    ]
    return found[0] if len(found) == 1 else ("", None)


def _public_url(gateway: GatewaySettings, client: ClientSettings | None) -> str:
    """Return the origin of the client's callback, else where the gateway listens."""
    for uri in client.redirect_uris if client else ():
        if uri.endswith(CALLBACK):
            parts = urlsplit(uri)
            return f"{parts.scheme}://{parts.netloc}"
    return f"http://{gateway.listen}"


def _say_ready(journal: Journal, settings: GatewaySettings, running: Gateway) -> None:
    say_ready(journal, "gateway.ready", listening=settings.listen, port=running.port, public_url=settings.public_url)


def _measure_news(metrics: Metrics, news: FollowedRevocations) -> None:
    """Show how well the issuer's revocations arrive. Infinite staleness: nothing has arrived yet."""
    staleness = "Age of the newest word from the issuer about revocations."
    metrics.gauge("keystead_revocations_staleness_seconds", staleness, lambda: news.staleness)
    metrics.gauge("keystead_revocations_known", "Revocations that can still matter.", lambda: news.known)
    metrics.gauge("keystead_revocations_heard_total", "Revocations heard of.", lambda: news.feed.heard)
    metrics.gauge("keystead_revocations_lost_total", "Times the feed was lost.", lambda: news.feed.lost)


def _management(address: str, store: Store, metrics: Metrics) -> HttpServer:
    """Return the server of health and of the process's own numbers. Who names no address does not load it."""
    from keystead.app.http_server.application import Application
    from keystead.app.http_server.server import HttpServer, listen_on
    from keystead.app.management import ManagementRoutes, obstacle

    routes = ManagementRoutes(metrics, lambda: obstacle(store))
    return HttpServer(Application(routes, meter=Metrics()), listen_on(address))


async def _stop_on_signal(stopped: asyncio.Event) -> None:
    await until_signal()
    stopped.set()
