"""What the `server` section must not say: addresses that mean nothing, and plain http where others can listen."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from keystead.app.settings.database_checks import DatabaseSettings, database_problems
from keystead.app.settings.document import Place
from keystead.app.settings.server import ServerSettings

Problem = tuple[Place, str]


def server_problems(server: ServerSettings) -> Iterator[Problem]:
    """Return everything wrong with the section."""
    yield from _require_origin(server)
    for key in ("listen", "management_listen"):
        yield from _require_listen(("server", key), getattr(server, key))
    if server.client_certificates is not None:
        yield from _require_listen(("server", "client_certificates", "listen"), server.client_certificates.listen)
    yield from _require_networks(server)
    if serves_plainly_off_loopback(server) and not server.trusted_proxies and not server.danger_allow_http:
        yield (
            ("server", "listen"),
            "plain http off loopback: give `tls`, or name the TLS-terminating proxies in `trusted_proxies` "
            "(nobody else may then connect), or listen on 127.0.0.1",
        )
    yield from database_problems(
        DatabaseSettings("server", server.database, server.key_encryption_key, server.danger_allow_unverified_database)
    )
    if server.log_level not in ("info", "warning"):
        yield ("server", "log_level"), "write info or warning"


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine and no other."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Return the host of a URL, empty when there is none."""
    return urlsplit(url).hostname or ""


def serves_plainly_off_loopback(server: ServerSettings) -> bool:
    """Whether others than this machine can reach the listener, and it speaks plain http."""
    return server.tls is None and not is_loopback(urlsplit(f"//{server.listen}").hostname or "")


def _require_origin(server: ServerSettings) -> Iterator[Problem]:
    url = urlsplit(server.base_url)
    place = ("server", "base_url")
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment or "@" in url.netloc:
        yield place, f"`{server.base_url}` is no origin; write for instance https://id.example.com"
    elif server.base_url.endswith("/"):
        yield place, "leave out the slash at the end: issuer identifiers are compared character by character"
    elif url.scheme == "http" and not is_loopback(url.hostname) and not server.danger_allow_http:
        yield (
            place,
            "plain http off loopback shows every secret to the network; use https, or `danger_allow_http: true`",
        )


def _require_listen(place: Place, value: str) -> Iterator[Problem]:
    host, colon, port = value.rpartition(":")
    if value and not (host and colon and port.isascii() and port.isdigit() and int(port) < 65_536):
        yield place, f"`{value}` is no address and port; write for instance 127.0.0.1:8080"


def _require_networks(server: ServerSettings) -> Iterator[Problem]:
    named: list[tuple[Place, str]] = [
        (("server", "trusted_proxies", index), proxy) for index, proxy in enumerate(server.trusted_proxies)
    ]
    named += [(("server", "outbound", "allow", index), network) for index, network in enumerate(server.outbound.allow)]
    for place, network in named:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            yield place, f"{error}; write an address or a network such as 10.0.0.0/8"
