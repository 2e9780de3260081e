"""From a request under `/admin` to a page."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.http import Reply, Request
from keystead.core.redirects import see_other
from keystead.core.spec import CSP3, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.web.console.page import ConsolePage, Desk
from keystead.web.console.stores_page import stores_page
from keystead.web.console.visit import console_visit, visited_store


class StorePageEndpoint(EndpointPlugin):
    """One page of any store. The server has asked whether the realm exists, and lets in only the page's own methods."""

    path: ClassVar[str] = "admin/authz"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    specs: ClassVar[tuple[Section, ...]] = (CSP3["6.1.13"],)
    page: ClassVar[bool] = True
    maximum_body: ClassVar[int] = 65_536

    def __init__(self, page: ConsolePage, desk: Desk) -> None:
        self.console_page = page
        self._desk = desk

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit or one post."""
        visit = await console_visit(request, self._desk)
        if isinstance(visit, Reply):
            return visit
        store = await visited_store(visit, request.path.split("/")[-2])
        return store if isinstance(store, Reply) else await self.console_page.handle(visit, store)


class RealmPageEndpoint(EndpointPlugin):
    """The stores of a realm; with a store's id after it, the way to that store's first page."""

    path: ClassVar[str] = "admin/authz"
    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    specs: ClassVar[tuple[Section, ...]] = (CSP3["6.1.13"],)
    page: ClassVar[bool] = True

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit."""
        visit = await console_visit(request, self._desk)
        if isinstance(visit, Reply):
            return visit
        store = request.path.rstrip("/").rpartition("/")[2]
        if store != request.realm:
            return see_other(f"{visit.here}/{store}/model")
        return await stores_page(visit)
