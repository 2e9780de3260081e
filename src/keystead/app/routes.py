"""Which path is whose: exact paths under a realm, and the well-known locations outside of it.

Shape: `{base path}/realms/{realm}/{endpoint path}`, and RFC 8414's
`/.well-known/oauth-authorization-server{base path}/realms/{realm}`, and the like for `ssf-configuration`. The token
endpoint is at `{base path}/oauth/token` too, for one realm. The authorization API stands at `{base path}/authz`.
Does not: decode. A path with percent-encoding, a doubled slash or a dot segment is no path of ours: 404.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from keystead.api.openfga import Service
from keystead.api.openfga.table import ENDPOINTS, Endpoint, find_place
from keystead.app.answers import guarded
from keystead.app.http_server.application import Route, RouteTable
from keystead.app.http_server.framing import refusal_reply
from keystead.core.http import Reply, Request
from keystead.core.records.realm import REALM_NAME
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin

_DISCOVERY: Final = ".well-known/openid-configuration"
_ELSEWHERE: Final = {
    "/.well-known/oauth-authorization-server": _DISCOVERY,
    "/.well-known/ssf-configuration": ".well-known/ssf-configuration",
}
"""Documents that stand outside of the issuer's path too, by where; RFC 8414 section 3.1, SSF 1.0 section 7.2.1."""


_TOKEN_ALIAS: Final = "oauth/token"  # noqa: S105 - a path


class IssuerRoutes:
    """The routes of an issuer. `default_realm` is whose tokens the path `oauth/token` outside of a realm gives."""

    def __init__(self, cx: ServerContext, endpoints: Mapping[str, EndpointPlugin], default_realm: str = "") -> None:
        base_path = urlsplit(cx.base_url).path
        self._prefix = f"{base_path}/realms/"
        self._alias = f"{base_path}/{_TOKEN_ALIAS}"
        self._default_realm = default_realm
        self._elsewhere = {f"{place}{self._prefix}": rest for place, rest in _ELSEWHERE.items()}
        self._under_realm = {path: endpoint_route(plugin, cx) for path, plugin in endpoints.items()}

    def find(self, path: str) -> tuple[Route, str] | None:
        """Return the route of a raw path, and the realm it names. Whether the realm exists, its handler asks."""
        if path == self._alias:
            return (self._under_realm[_TOKEN_ALIAS], self._default_realm) if self._default_realm else (_NO_DEFAULT, "")
        if path.startswith(self._prefix):
            realm, _, rest = path[len(self._prefix) :].partition("/")
        else:
            place = next((place for place in self._elsewhere if path.startswith(place)), None)
            if place is None:
                return None
            realm, rest = path[len(place) :], self._elsewhere[place]
        route = self._under_realm.get(rest)
        return (route, realm) if route is not None and REALM_NAME.fullmatch(realm) else None


async def _several_realms(request: Request) -> Reply:
    return refusal_reply(
        400,
        "Several realms are served here and none is the default: use the token URL of yours, "
        "BASE_URL/realms/REALM/oauth/token, or mark a store of the configuration as the default.",
        "invalid_request",
    )


_NO_DEFAULT: Final = Route(_TOKEN_ALIAS, _several_realms, frozenset({"POST"}), fast=True, maximum_body=65_536)


class AuthorizationRoutes:
    """The routes of the authorization API, under one path of the server."""

    def __init__(self, service: Service, base_path: str) -> None:
        self._prefix = f"{base_path}/authz"
        self._service = service
        self._routes = {endpoint.name: self._route(endpoint) for endpoint in ENDPOINTS}

    def find(self, path: str) -> tuple[Route, str] | None:
        """Return the route of a raw path. Its stores are those of the caller's realm, which the path does not name."""
        if not path.startswith(self._prefix):
            return None
        place = find_place(path[len(self._prefix) :])
        return (self._routes[place.endpoint.name], "") if place is not None else None

    def _route(self, endpoint: Endpoint) -> Route:
        async def answer(request: Request) -> Reply:
            place = find_place(request.path[len(self._prefix) :])
            assert place is not None
            return await place.endpoint.answer(self._service, request, place.store, place.last)

        body, fast = endpoint.maximum_body, endpoint.fast
        return Route(endpoint.name, answer, endpoint.methods, fast, body, outside_realms=True)


class SeveralRoutes:
    """Tables asked one after the other."""

    def __init__(self, *tables: RouteTable) -> None:
        self._tables = tables

    def find(self, path: str) -> tuple[Route, str] | None:
        """Return the first route found."""
        for table in self._tables:
            found = table.find(path)
            if found is not None:
                return found
        return None


def endpoint_route(plugin: EndpointPlugin, cx: ServerContext) -> Route:
    """Return the route of an endpoint of a realm."""
    at_hand = partial(plugin.at_hand, cx=cx) if type(plugin).at_hand is not EndpointPlugin.at_hand else None
    return Route(
        name=plugin.path,
        handler=guarded(plugin, cx),
        methods=plugin.methods,
        fast=plugin.fast,
        maximum_body=plugin.maximum_body if plugin.methods - {"GET", "HEAD"} else 0,
        at_hand=at_hand,
    )
