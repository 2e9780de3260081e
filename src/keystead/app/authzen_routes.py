"""Where the paths of AuthZEN lead, and which store is the default one."""

from __future__ import annotations

from typing import Final

from keystead.api.authzen.messages import MAXIMUM_BODY
from keystead.api.authzen.service import Authzen, AuthzenPaths, DefaultStore
from keystead.app.convergence.authorization import store_id
from keystead.app.http_server.application import Route
from keystead.app.settings.settings import Settings

_GET: Final = frozenset({"GET"})


class AuthzenRoutes:
    """The routes of AuthZEN. The stores are those of the caller's realm, which no path names."""

    def __init__(self, authzen: Authzen) -> None:
        self._paths = AuthzenPaths(authzen)

    def find(self, path: str) -> tuple[Route, str] | None:
        """Return the route of a raw path."""
        found = self._paths.find(path)
        if found is None:
            return None
        name, method, handler = found
        if method == "GET":
            return Route(name, handler, _GET, outside_realms=True), ""
        return Route(name, handler, frozenset({method}), True, MAXIMUM_BODY, outside_realms=True), ""


def default_store(settings: Settings) -> DefaultStore | None:
    """Return the store that answers where none is named: the marked one, or the only one."""
    stores = settings.authz.stores if settings.authz is not None else {}
    marked = {name: store for name, store in stores.items() if store.default} or stores
    if len(marked) != 1:
        return None
    ((name, store),) = marked.items()
    return DefaultStore(store.realm, store_id(store.realm, name))
