"""What the gateway's settings get wrong together: a way for cookies to cross the network in the clear."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from keystead.app.settings.database_checks import DatabaseSettings, database_problems
from keystead.app.settings.document import Place
from keystead.app.settings.server_checks import is_loopback
from keystead.app.settings.settings import Settings

Problem = tuple[Place, str]


def gateway_problems(settings: Settings) -> Iterator[Problem]:
    """Yield what is wrong."""
    gateway = settings.gateway
    if gateway is None:
        return
    kept = (gateway.database, gateway.key_encryption_key, gateway.danger_allow_unverified_database)
    yield from database_problems(DatabaseSettings("gateway", *kept))
    public = urlsplit(gateway.public_url)
    if public.scheme == "http" and not is_loopback(public.hostname or ""):
        yield ("gateway", "public_url"), "plain http off loopback shows every cookie to the network; use https"
    host = gateway.listen.rpartition(":")[0].strip("[]")
    if not is_loopback(host) and gateway.tls is None and not gateway.trusted_proxies:
        remedy = "off loopback the gateway needs `tls`, or `trusted_proxies` naming who ends TLS in front of it"
        yield ("gateway", "listen"), remedy
