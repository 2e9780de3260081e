"""The URL of a PostgreSQL database: what Keystead adds to it, and how it is spoken of without its password.

Shape: `postgresql://user:password@host:5432,other:5432/database?sslmode=verify-full&sslrootcert=FILE`. Every other
query parameter is a setting of the session (`search_path=keystead`).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qs, urlsplit

SCHEMES: Final = ("postgresql://", "postgres://")
VERIFIED: Final = "verify-full"


def hosts(url: str) -> list[str]:
    """Return the hosts a URL names; a directory is that of a Unix socket. Empty: the socket of this machine."""
    return [host for host in map(_without_port, _named(url)) if host]


def stays_here(url: str) -> bool:
    """Whether the connection cannot leave this machine."""
    return all(host.startswith(("/", "%2F", "%2f")) or _is_loopback(host) for host in hosts(url))


def ssl_mode(url: str) -> str:
    """Return the `sslmode` of a URL, empty when it names none."""
    return _last(parse_qs(urlsplit(url).query).get("sslmode", []))


def names_authorities(url: str) -> bool:
    """Whether the URL names the certificate authorities to trust."""
    return "sslrootcert=" in urlsplit(url).query


def spoken(url: str) -> str:
    """Return the URL as errors and logs may show it: hosts, ports and database, no user, no password, no parameter."""
    parts = urlsplit(url)
    return f"postgresql://{','.join(filter(None, _named(url)))}{parts.path}"


def _named(url: str) -> list[str]:
    parts = urlsplit(url)
    named = parts.netloc.rpartition("@")[2].split(",")
    return named + [host for value in parse_qs(parts.query).get("host", []) for host in value.split(",")]


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[")
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _last(values: Sequence[str]) -> str:
    return values[-1] if values else ""
