"""The issuer as a process: what `keystead serve` does.

Flow: bind the sockets -> open and migrate the database -> converge its records to the file -> serve until a signal.
With workers the parent converges first, then forks; each worker has its own store and event loop, and all accept
from the same socket.
"""

from __future__ import annotations

import gc
import os
import socket
import time
from collections.abc import Coroutine
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from keystead.api.openfga import Limits as AuthorizationLimits
from keystead.app.authzen_routes import default_store
from keystead.app.certificate_listener import bind_certificate_listener, certificate_servers
from keystead.app.composition import Issuer, IssuerConfiguration, build_issuer
from keystead.app.convergence import Change, apply
from keystead.app.delivery_worker import DeliveryWorker
from keystead.app.housekeeping import sweep_forever, tend_keys_forever, warm_up
from keystead.app.http_server.server import HttpServer, listen_on, open_socket
from keystead.app.log_lines import ProcessJournal, open_journal, say_ready
from keystead.app.sealed_store import key_file, require_same_key
from keystead.app.serving import run, serve_until_signal
from keystead.app.settings import ServerSettings, Settings
from keystead.app.settings.authorization import AuthorizationSettings
from keystead.app.settings.server_checks import serves_plainly_off_loopback
from keystead.app.stores import MEMORY
from keystead.app.workers import Workers
from keystead.bus.settings import BusSettings
from keystead.core.decisions import Decision, Journal
from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds

if TYPE_CHECKING:
    from keystead.bus.driver import RunningBus

Listeners = tuple[socket.socket, socket.socket | None]
"""The public listener, and the one that asks for client certificates, where there is one."""
_TLS_12_CIPHERS: Final = "ECDHE+AESGCM"
"""Forward secrecy and authenticated encryption (RFC 9325 section 4.2). TLS 1.3 has no others."""


def serve(settings: Settings, path: Path, *, workers: int = 0, converge: bool = True) -> None:
    """Serve the realms of a configuration file until a signal, in this process or (`workers`) in forks of it.

    Raises: ConfigurationError, StorageUnavailable.
    """
    server = require_server(settings)
    listener, certified = listen_on(server.listen), bind_certificate_listener(server)
    if not workers:
        run(_serve(settings, path, (listener, certified), converge=converge))
        return
    if server.database.startswith(MEMORY):
        raise ConfigurationError("workers need a database they share", where="server.database")
    if converge:
        run(_converge(settings, path))

    def work(worker: int, parent: int) -> None:
        run(_serve(settings, path, (listener, certified), converge=False, worker=worker, parent=parent))

    Workers(workers, work).run()


def require_server(settings: Settings) -> ServerSettings:
    """Return the `server` section. Raises: ConfigurationError when there is none."""
    if settings.server is None:
        raise ConfigurationError("the file has no `server` section: it needs at least `base_url`")
    return settings.server


def issuer_configuration(settings: Settings, path: Path) -> IssuerConfiguration:
    """Return what an issuer is built from. Raises: ConfigurationError."""
    server = require_server(settings)
    return IssuerConfiguration(
        base_url=server.base_url,
        database=server.database,
        directory=path.absolute().parent,
        key_encryption_key=key_file(server.key_encryption_key, "server"),
        trusted_proxies=tuple(ip_network(proxy) for proxy in server.trusted_proxies),
        outbound_allow=tuple(ip_network(network) for network in server.outbound.allow),
        breached_passwords=server.breached_passwords,
        outbound_authorities=_file_beside(path, server.outbound.certificate_authorities),
        only_proxies=serves_plainly_off_loopback(server) and not server.danger_allow_http,
        certificate_header=server.client_certificates.proxy_header if server.client_certificates else "",
        takes_certificates=server.client_certificates is not None,
        mtls_base_url=server.client_certificates.base_url if server.client_certificates else "",
        realms=tuple(settings.realms),
        authorization=_authorization_limits(settings.authz or AuthorizationSettings()),
        default_realm=default_realm(settings),
        default_store=default_store(settings),
    )


def _authorization_limits(settings: AuthorizationSettings) -> AuthorizationLimits:
    return AuthorizationLimits(
        checks_per_batch=settings.maximum_checks_per_batch,
        tuples_per_write=settings.maximum_tuples_per_write,
        contextual_tuples=settings.maximum_contextual_tuples,
        resolution_depth=settings.maximum_resolution_depth,
        seconds=settings.maximum_seconds,
    )


def default_realm(settings: Settings) -> str:
    """Return the realm of the default store, or the only realm that has stores, or the only realm; else nothing."""
    stores = settings.authz.stores if settings.authz is not None else {}
    marked = {store.realm for store in stores.values() if store.default}
    realms = marked or {store.realm for store in stores.values()} or set(settings.realms)
    return realms.pop() if len(realms) == 1 else ""


def _file_beside(path: Path, file: str) -> str:
    """Return a file the settings name, found from where they stand; empty when they name none."""
    return str(path.absolute().parent / file) if file else ""


async def _serve(
    settings: Settings, path: Path, listeners: Listeners, *, converge: bool, worker: int = 0, parent: int = -1
) -> None:
    listener, certified = listeners
    journal = open_journal("issuer", require_server(settings).log_level)
    configuration = issuer_configuration(settings, path)
    issuer = build_issuer(configuration, journal)
    bus: RunningBus | None = None
    try:
        await require_same_key(issuer.store, issuer.cx.sealer, EpochSeconds(int(time.time())))
        if converge:
            await _apply(settings, issuer, journal)
        if settings.bus is not None and worker == 0:
            bus = await _start_bus(settings.bus, configuration.directory, issuer, journal)
        servers = [
            HttpServer(issuer.application, listener, **_tls(settings, path)),
            *certificate_servers(require_server(settings), configuration.directory, issuer.certified, certified),
            *_management(settings, issuer, worker),
        ]
        background = _background(settings, issuer)
        await serve_until_signal(servers, background, lambda: _say_ready(settings, journal, listener), parent)
    finally:
        if bus is not None:
            await bus.close()
        await issuer.close()
        journal.close()


async def _start_bus(settings: BusSettings, directory: Path, issuer: Issuer, journal: Journal) -> RunningBus:
    from keystead.app.bus_admission import start_bus  # only who has a bus needs its client

    return await start_bus(settings, directory, issuer, journal)


def _tls(settings: Settings, path: Path) -> dict[str, str]:
    tls = require_server(settings).tls
    if tls is None:
        return {}
    folder = path.absolute().parent
    files = {"ssl_certfile": str(folder / tls.certificate), "ssl_keyfile": str(folder / tls.key)}
    for file in files.values():
        if not os.access(file, os.R_OK):
            raise ConfigurationError(f"cannot read {file}", where="server.tls")
    return files | {"ssl_ciphers": _TLS_12_CIPHERS}


def _management(settings: Settings, issuer: Issuer, worker: int) -> list[HttpServer]:
    """Return the management server, if one is wanted. Worker 1 listens one port above worker 0, and so on."""
    address = require_server(settings).management_listen
    if not address:
        return []
    parts = urlsplit(f"//{address}")
    port = (parts.port or 0) + worker if parts.port else 0
    return [HttpServer(issuer.management, open_socket(parts.hostname or "127.0.0.1", port))]


def _background(settings: Settings, issuer: Issuer) -> list[Coroutine[Any, Any, None]]:
    return [
        warm_up(),
        sweep_forever(issuer.store),
        tend_keys_forever(issuer.store, issuer.keys, tuple(settings.realms)),
        DeliveryWorker(issuer.cx, tuple(settings.realms)).run(),
    ]


def _say_ready(settings: Settings, journal: ProcessJournal, listener: socket.socket) -> None:
    gc.freeze()  # what is loaded stays: the collector need not look at it again
    gc.enable()
    host, port = listener.getsockname()[:2]
    base_url = require_server(settings).base_url
    issuers = {name: f"{base_url}/realms/{name}" for name in settings.realms}
    say_ready(journal, "issuer.ready", listening=f"{host}:{port}", issuers=issuers, pid=os.getpid())
    for name, realm in settings.realms.items():
        declared = {workload.name for workload in realm.workloads}
        for client in realm.clients:
            if client.workload and client.workload not in declared:
                undeclared = {"client_id": client.client_id, "workload": client.workload}
                journal.record(
                    Decision("settings.check", False, "client.workload_undeclared", realm=name, facts=undeclared)
                )


async def _apply(settings: Settings, issuer: Issuer, journal: ProcessJournal) -> None:
    now = EpochSeconds(int(time.time()))
    changes = await apply(issuer.store, settings, issuer.cx.sealer, issuer.passwords, now)
    for change in changes:
        journal.record(Decision("settings.apply", True, "settings.applied", realm=change.realm, facts=_facts(change)))


def _facts(change: Change) -> dict[str, Any]:
    return {"verb": change.verb, "kind": change.kind, "id": change.id, "fields": list(change.fields)}


async def _converge(settings: Settings, path: Path) -> None:
    journal = open_journal("issuer", require_server(settings).log_level)
    issuer = build_issuer(issuer_configuration(settings, path), journal)
    try:
        await require_same_key(issuer.store, issuer.cx.sealer, EpochSeconds(int(time.time())))
        await _apply(settings, issuer, journal)
    finally:
        await issuer.close()
        journal.close()
