"""The application as a server sees it: which route a path has, and what is answered where no endpoint answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from keystead.app.http_server.framing import Limits, Refusal, refusal_reply
from keystead.core.forwarded_certificate import NOTHING, ForwardedCertificate, NotOneCertificate, read_forwarded
from keystead.core.http import Headers, Reply, Request
from keystead.core.values import EpochSeconds

Handler = Callable[[Request], Coroutine[Any, Any, Reply]]
_logger = logging.getLogger("keystead.http")
_DISCARDED_BODY: Final = 65_536
_REMEMBERED_TARGETS: Final = 1_024
_REMEMBERED_LENGTH: Final = 256


class Route(msgspec.Struct, frozen=True):
    """One path's endpoint. `name` is for metrics.

    `fast` says that the endpoint awaits nothing but futures, so that it needs no task. `at_hand` returns, for a realm
    and a time, the reply to every request without a body, where it is known without asking anything. `outside_realms`
    says that its paths name no realm.
    """

    name: str
    handler: Handler
    methods: frozenset[str]
    fast: bool = False
    maximum_body: int = 0
    at_hand: Callable[[str, EpochSeconds], Reply | None] | None = None
    outside_realms: bool = False


class Target(NamedTuple):
    """Where a method and a target without a query lead."""

    method: str
    path: str
    route: Route
    realm: str


class RouteTable(Protocol):
    """Finds routes. Implemented by `keystead.app.routes`."""

    def find(self, path: str) -> tuple[Route, str] | None:
        """Return the route of a raw path (percent-encoding kept, no query) and the realm it names, or None.

        The answer to one path is always the same.
        """
        ...


class Meter(Protocol):
    """Counts answers."""

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        ...


class Application:
    """Routes, limits and the headers every reply has. Both lanes of the server, and any ASGI server, work with it.

    What is in `on_stop` is called when the server is asked to end: it answers those who wait for news.
    """

    def __init__(
        self,
        routes: RouteTable,
        *,
        meter: Meter,
        limits: Limits | None = None,
        default_headers: Headers = (),
        trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = (),
        only_proxies: bool = False,
        certificate_header: str = "",
    ) -> None:
        self._routes = routes
        self._targets: dict[tuple[bytes, bytes], Target] = {}
        self.on_stop: list[Callable[[], None]] = []
        self.meter = meter
        self.limits = limits or Limits()
        self.default_headers = default_headers
        self.trusted_proxies = trusted_proxies
        self.only_proxies = only_proxies
        self.certificate_header = certificate_header

    def resolve(self, method: str, path: str) -> tuple[Route, str]:
        """Return the route that answers, and the realm: the endpoint's own, or one that says 404, 405 or OPTIONS."""
        found = self._routes.find(path)
        if found is None:
            return NOT_FOUND, ""
        route = found[0]
        if method in route.methods or (method == "HEAD" and "GET" in route.methods):
            return found
        return without_endpoint(route.methods, options=method == "OPTIONS"), ""

    def remembered(self, method: bytes, target: bytes) -> Target | None:
        """Return where the request line leads, if it was found fit and remembered before."""
        return self._targets.get((method, target))

    def remember(self, target: Target) -> None:
        """Remember a request line that passed every check. Long ones, and the oldest of very many, are not kept."""
        if len(target.path) <= _REMEMBERED_LENGTH:
            if len(self._targets) >= _REMEMBERED_TARGETS:
                self._targets.clear()
            self._targets[target.method.encode("ascii"), target.path.encode("ascii")] = target

    def client_address(self, peer: str, headers: Headers) -> str:
        """Return whose request this is: the peer, or what a trusted proxy says of the last hop before it.

        Does not: believe X-Forwarded-For from anybody else.
        """
        address = peer
        if not self.trusted_proxies or not self.trusts(peer):
            return address
        hops = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1").split(",")
        for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
            address = hop
            if not self.trusts(hop):
                break
        return address

    def trusts(self, address: str) -> bool:
        """Return whether the address belongs to a proxy named in the configuration."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.trusted_proxies)

    def forwarded_certificate(self, peer: str, headers: Headers) -> ForwardedCertificate:
        """Return the client certificate a trusted proxy saw; nothing from anybody else, whatever they send.

        `headers` are the certificate headers, which are no part of the request. Raises: Refusal.
        """
        if not headers or not self.certificate_header or not self.trusts(peer):
            return NOTHING
        try:
            return read_forwarded(headers, self.certificate_header)
        except NotOneCertificate:
            raise Refusal(400, "The proxy sent a client certificate that cannot be read, or several.") from None

    def failure(self, error: BaseException, request: Request) -> Reply:
        """Return the answer to an exception nobody caught, and log it once. The last resort."""
        _logger.error("request %s failed: %s", request.trace.trace_id, type(error).__name__, exc_info=error)
        return refusal_reply(500, "The server failed. The log has the cause under this request id.", "server_error")


async def _not_found(request: Request) -> Reply:
    return refusal_reply(404, "There is nothing at this path.", "not_found")


NOT_FOUND: Final = Route("not_found", _not_found, frozenset(), fast=True, maximum_body=_DISCARDED_BODY)


@cache
def without_endpoint(methods: frozenset[str], *, options: bool) -> Route:
    """Return the route that answers OPTIONS (204) or a method the endpoint does not have (405), with Allow."""
    names = sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set()))
    allow = ((b"allow", ", ".join(names).encode()),)

    async def answer(request: Request) -> Reply:
        if options:
            return Reply(204, allow)
        return refusal_reply(405, f"This path answers {', '.join(names)} only.", "method_not_allowed", allow)

    name = "options" if options else "method_not_allowed"
    return Route(name, answer, methods, fast=True, maximum_body=_DISCARDED_BODY)
