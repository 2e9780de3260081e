"""Puts an issuer together: store, key-encryption key, key ring, plug-ins, routes. Nothing else builds these parts.

Flow: `IssuerConfiguration` (from the settings) -> `build_issuer` -> an `Issuer`, whose `application` any server can
serve -> `Issuer.close`.
Does not: listen, or change a record: `keystead.app.serving` and `keystead.app.apply` do.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from keystead.api.access import Access
from keystead.api.authzen.service import Authzen, DefaultStore
from keystead.api.openfga import Limits as AuthorizationLimits
from keystead.api.openfga import Service as AuthorizationService
from keystead.app.authzen_routes import AuthzenRoutes
from keystead.app.catalogue import endpoints, page_metadata
from keystead.app.certificate_trust import X509Trust
from keystead.app.console_routes import ConsoleRoutes
from keystead.app.http_server.application import Application
from keystead.app.http_server.framing import Limits
from keystead.app.management import ManagementRoutes, obstacle
from keystead.app.metrics import Metrics
from keystead.app.outbound import GuardedOutbound
from keystead.app.revocation_news import StoreRevocationNews
from keystead.app.routes import AuthorizationRoutes, IssuerRoutes, SeveralRoutes
from keystead.app.sealed_store import open_sealed_store
from keystead.app.settings.server import BreachedPasswordSettings
from keystead.authz.served import AuthorizationStores
from keystead.core.decisions import Journal
from keystead.core.http import Headers
from keystead.identity.accounts import end_authority
from keystead.identity.breached.known import KnownPasswords
from keystead.identity.breached.reading import open_breached
from keystead.identity.passwords import Argon2Passwords, share_one_arena
from keystead.identity.sessions import end_session
from keystead.identity.throttle import StoredBrake
from keystead.oauth.context import ServerContext, issuer_url
from keystead.oauth.keyring import StoreKeyRing
from keystead.storage.ports import Store
from keystead.web.console.page import Desk
from keystead.web.pages import HtmlPages
from keystead.workload.assertions import StoreWorkloadAssertions

_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_HSTS: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class IssuerConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """What an issuer is built from. Relative paths start at `directory`.

    `outbound_allow` names the networks beside the public ones that may be reached, `outbound_authorities` a PEM file.
    `only_proxies` refuses connections that do not come from `trusted_proxies`. `certificate_header` is where they
    send client certificates, `mtls_base_url` where the issuer's own listener asks for them. `realms` are those of the
    settings, `default_realm` the one that is meant where none is named, `default_store` likewise; empty where that
    would be a guess.
    """

    base_url: str
    database: str
    directory: Path
    key_encryption_key: str = ""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    only_proxies: bool = False
    outbound_allow: tuple[IPv4Network | IPv6Network, ...] = ()
    outbound_authorities: str = ""
    certificate_header: str = ""
    takes_certificates: bool = False
    mtls_base_url: str = ""
    realms: tuple[str, ...] = ()
    authorization: AuthorizationLimits = AuthorizationLimits()
    default_realm: str = ""
    default_store: DefaultStore | None = None
    breached_passwords: BreachedPasswordSettings = BreachedPasswordSettings()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Issuer:
    """A whole issuer, not yet listening. `certified` is the application of the listener that asks for certificates,
    `management` that of the management port."""

    cx: ServerContext
    store: Store
    keys: StoreKeyRing
    passwords: Argon2Passwords
    authorization: AuthorizationService
    outbound: GuardedOutbound
    metrics: Metrics
    application: Application
    certified: Application
    management: Application

    async def close(self) -> None:
        """Let go of everything."""
        self.passwords.close()
        await self.outbound.close()
        await self.store.close()


def build_issuer(configuration: IssuerConfiguration, journal: Journal) -> Issuer:
    """Build an issuer. Opens and migrates the database, and makes its key-encryption key at the first start.

    Raises: ConfigurationError, StorageUnavailable.
    """
    share_one_arena()
    store, sealer = open_sealed_store(configuration.database, configuration.directory, configuration.key_encryption_key)
    keys = StoreKeyRing(store, sealer)
    passwords = Argon2Passwords()
    outbound = GuardedOutbound(
        configuration.outbound_allow, certificate_authorities=configuration.outbound_authorities, before=store.release
    )
    revocation_news = StoreRevocationNews(store, partial(issuer_url, configuration.base_url))
    cx = ServerContext(
        base_url=configuration.base_url,
        store=store,
        keys=keys,
        sealer=sealer,
        journal=journal,
        workload_assertions=StoreWorkloadAssertions(store),
        passwords=passwords,
        breached=_breached_passwords(configuration, outbound, journal),
        pages=HtmlPages(configuration.base_url),
        end_session=end_session,
        end_authority=end_authority,
        outbound=outbound,
        brake=StoredBrake(),
        further_metadata=page_metadata,
        revocation_news=revocation_news,
        certificates=X509Trust(),
        takes_certificates=configuration.takes_certificates,
        mtls_base_url=configuration.mtls_base_url,
    )
    metrics = Metrics()
    stores = AuthorizationStores(store, time.time)
    access = Access(cx, configuration.realms, configuration.default_store.id if configuration.default_store else "")
    authorization = AuthorizationService(stores, access.authorize, configuration.authorization, journal)
    application, certified = _applications(cx, authorization, configuration, metrics)
    for one in (application, certified):
        one.on_stop.append(revocation_news.stop)
    metrics.gauge("keystead_revocation_followers", "Who waits for revocations now.", lambda: revocation_news.waiting)
    management = Application(ManagementRoutes(metrics, lambda: obstacle(store)), meter=Metrics())
    return Issuer(cx, store, keys, passwords, authorization, outbound, metrics, application, certified, management)


def _breached_passwords(
    configuration: IssuerConfiguration, outbound: GuardedOutbound, journal: Journal
) -> KnownPasswords:
    """Open the operator's list of breached passwords. Raises: ConfigurationError."""
    wanted = configuration.breached_passwords
    own = open_breached(configuration.directory / wanted.file) if wanted.file else None
    return KnownPasswords(own, range_api=wanted.range_api, outbound=outbound, journal=journal)


def _applications(
    cx: ServerContext, authorization: AuthorizationService, configuration: IssuerConfiguration, metrics: Metrics
) -> tuple[Application, Application]:
    """Return what the public listener serves, and what the one serves that asks for certificates: all but pages."""
    seconds = configuration.authorization.seconds
    authzen = Authzen(cx, authorization.stores, authorization.authorize, configuration.default_store, seconds)
    authorization_routes = SeveralRoutes(
        AuthorizationRoutes(authorization, urlsplit(cx.base_url).path), AuthzenRoutes(authzen)
    )
    console_routes = ConsoleRoutes(Desk(cx, authorization.stores, configuration.default_realm))
    issuer_routes = IssuerRoutes(cx, endpoints(), configuration.default_realm)
    application = Application(
        SeveralRoutes(authorization_routes, issuer_routes, console_routes),
        meter=metrics,
        limits=configuration.limits,
        default_headers=_default_headers(cx),
        trusted_proxies=configuration.trusted_proxies,
        only_proxies=configuration.only_proxies,
        certificate_header=configuration.certificate_header,
    )
    without_pages = {path: endpoint for path, endpoint in endpoints().items() if not endpoint.page}
    certified = Application(
        SeveralRoutes(authorization_routes, IssuerRoutes(cx, without_pages, configuration.default_realm)),
        meter=metrics,
        limits=configuration.limits,
        default_headers=_default_headers(cx),
    )
    return application, certified


def _default_headers(cx: ServerContext) -> Headers:
    return (_NOSNIFF, _HSTS) if cx.secure else (_NOSNIFF,)
