"""The paths of the console: `{base path}/admin`, and below it realms, stores and their pages.

Does not: know whether a realm or a store exists; the pages ask.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from keystead.app.http_server.application import Route
from keystead.app.routes import endpoint_route
from keystead.core.http import Reply, Request
from keystead.core.records.realm import REALM_NAME
from keystead.core.ulid import ULID
from keystead.web.console.door import RealmPageEndpoint, StorePageEndpoint
from keystead.web.console.page import Desk
from keystead.web.console.stores_page import home_page
from keystead.web.console.stylesheet import stylesheet_name, stylesheet_reply
from keystead.web.console.tabs import pages

_GET: Final = frozenset({"GET"})


class ConsoleRoutes:
    """Finds the console's pages."""

    def __init__(self, desk: Desk) -> None:
        async def home(request: Request) -> Reply:
            return home_page(request, desk)

        async def stylesheet(request: Request) -> Reply:
            return stylesheet_reply()

        self._home = f"{urlsplit(desk.cx.base_url).path}/admin"
        self._outside = {
            self._home: Route("admin", home, _GET),
            f"{self._home}/": Route("admin", home, _GET),
            f"{self._home}/{stylesheet_name()}": Route("admin/static", stylesheet, _GET, fast=True),
        }
        self._realm = endpoint_route(RealmPageEndpoint(desk), desk.cx)
        self._pages = {
            name: msgspec.structs.replace(
                endpoint_route(StorePageEndpoint(page, desk), desk.cx), name=f"admin/authz/{name}", methods=page.methods
            )
            for name, page in pages().items()
        }

    def find(self, path: str) -> tuple[Route, str] | None:
        """Return the route of a raw path, and the realm it names."""
        if not path.startswith(self._home):
            return None
        if path in self._outside:
            return self._outside[path], ""
        match path.removeprefix(self._home).split("/"):
            case ["", "authz", realm] | ["", "authz", realm, ""]:
                route: Route | None = self._realm
            case ["", "authz", realm, store] if ULID.fullmatch(store):
                route = self._realm
            case ["", "authz", realm, store, page] if ULID.fullmatch(store):
                route = self._pages.get(page)
            case _:
                return None
        return (route, realm) if route is not None and REALM_NAME.fullmatch(realm) else None
