"""The allow-list of routes, compiled: which upstream a path goes to, and what it needs to get there.

Flow: `compile_routes` once at start, `RouteTable.find` for every request.
Does not: look at anything but the judged path. Query, headers and fragments never choose a route.
Spec: draft-ietf-oauth-browser-based-apps section 6.1.3.6 (destinations, paths and methods are allow-listed).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

import msgspec

from keystead.core.errors import ConfigurationError
from keystead.gateway.settings import LimitSettings, RouteSettings
from keystead.gateway.target import judge_path

RESERVED: Final = "/bff"
_HOST: Final = re.compile(r"[A-Za-z0-9.\-_\[\]:]+", re.ASCII)
KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Origin(msgspec.Struct, frozen=True):
    """Where an upstream listens. `authority` is host and port as a Host header writes them."""

    secure: bool
    host: str
    port: int
    authority: str


class Route(msgspec.Struct, frozen=True):
    """A route, ready to be used. `prefix` and `base` have no trailing slash; `key` names its token.

    `request_line_end` finishes a request line and says the Host.
    """

    name: str
    prefix: bytes
    below: bytes
    origin: Origin
    base: bytes
    request_line_end: bytes
    methods: frozenset[bytes]
    audience: str
    scopes: tuple[str, ...]
    public: bool
    same_origin_reads: bool
    websocket: bool
    cookies: bool
    maximum_body: int
    response_timeout: float
    key: str

    def rewrite(self, path: bytes) -> bytes:
        """Return the path at the upstream: our prefix replaced, the rest byte for byte."""
        return (self.base + path[len(self.prefix) :]) or b"/"


class AmbiguousRoute(msgspec.Struct, frozen=True):
    """Another letter case of this path belongs to another route, and the upstream may not tell them apart."""


class RouteTable:
    """All routes, longest first."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(sorted(routes, key=lambda route: len(route.prefix), reverse=True))
        self._folded = tuple((route.prefix.lower(), route.below.lower(), route) for route in self._routes)

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def find(self, path: bytes) -> Route | AmbiguousRoute | None:
        """Return the route of a judged path, or None."""
        found = None
        for route in self._routes:
            if path.startswith(route.below) or path == route.prefix:
                found = route
                break
        lowered = path.lower()
        for prefix, below, route in self._folded:
            if lowered.startswith(below) or lowered == prefix:
                return found if route is found else AmbiguousRoute()
        return None


def compile_routes(settings: Iterable[RouteSettings], limits: LimitSettings) -> RouteTable:
    """Compile the allow-list.

    Raises: ConfigurationError when a route could be misread, leads nowhere, or carries no identity without saying so.
    """
    routes = [_compile(route, limits) for route in settings]
    prefixes = [route.prefix.lower() for route in routes]
    for prefix in prefixes:
        if prefixes.count(prefix) > 1:
            raise ConfigurationError(f"two gateway routes have the path {prefix.decode() or '/'}; keep one")
    return RouteTable(routes)


def _compile(route: RouteSettings, limits: LimitSettings) -> Route:
    where = f"gateway route {route.path}"
    path = route.path.rstrip("/")
    reason = judge_path((path or "/").encode())
    if reason or not route.path.startswith("/") or "%" in path:
        raise ConfigurationError("write the path plainly, beginning with / and without escapes", where=where)
    if path == RESERVED or path.startswith(f"{RESERVED}/"):
        raise ConfigurationError("/bff belongs to the gateway itself; choose another path", where=where)
    if not route.public and not route.audience:
        raise ConfigurationError("name the `audience` of the service behind, or say `public: true`", where=where)
    if route.public and (route.audience or route.scopes):
        raise ConfigurationError("a public route carries no token; remove `audience` and `scopes`", where=where)
    unknown = set(route.methods) - KNOWN_METHODS
    if unknown or not route.methods:
        raise ConfigurationError(f"`methods` may list {', '.join(sorted(KNOWN_METHODS))}", where=where)
    origin, base = _split_upstream(route.upstream, where)
    return Route(
        name=path or "/",
        prefix=path.encode(),
        below=f"{path}/".encode(),
        origin=origin,
        base=base,
        request_line_end=b" HTTP/1.1\r\nhost: %b\r\n" % _host(route.host or origin.authority, where),
        methods=frozenset(method.encode() for method in route.methods),
        audience=route.audience,
        scopes=route.scopes,
        public=route.public,
        same_origin_reads=route.csrf == "same_origin",
        websocket=route.websocket,
        cookies=route.cookies,
        maximum_body=route.maximum_body or limits.body_bytes,
        response_timeout=route.response_timeout or limits.response_timeout,
        key=" ".join((route.audience, *sorted(route.scopes))),
    )


def _host(host: str, where: str) -> bytes:
    if not _HOST.fullmatch(host):
        raise ConfigurationError("`host` is a host name, with a port perhaps", where=where)
    return host.encode("ascii")


def _split_upstream(upstream: str, where: str) -> tuple[Origin, bytes]:
    parts = urlsplit(upstream)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ConfigurationError("`upstream` is a URL such as http://127.0.0.1:8101/, without a query", where=where)
    base = parts.path.rstrip("/")
    if base and judge_path(base.encode()):
        raise ConfigurationError("write the upstream's path plainly", where=where)
    return origin_of(upstream), base.encode()


def origin_of(url: str) -> Origin:
    """Return the origin of a URL that was checked before."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return Origin(secure, parts.hostname or "", parts.port or (443 if secure else 80), parts.netloc)
