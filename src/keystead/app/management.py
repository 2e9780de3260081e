"""The management port: health and metrics, apart from everything the world may reach.

Shape: `/health/live` (the process answers), `/health/ready` (it can serve: 200, else 503 with the reason),
`/metrics` (Prometheus text).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from keystead.app.http_server.application import Handler, Route
from keystead.app.metrics import Metrics
from keystead.core.errors import StorageError
from keystead.core.http import NO_STORE, Reply, Request, json_reply
from keystead.core.records.installation import EVERYWHERE, Installation
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Store, get

Readiness = Callable[[], Awaitable[str]]
"""Says what keeps the process from serving, or nothing."""


class ManagementRoutes:
    """The routes of a management port."""

    def __init__(self, metrics: Metrics, readiness: Readiness) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._routes = {
            "/health/live": _route("health_live", self._live),
            "/health/ready": _route("health_ready", self._ready),
            "/metrics": _route("metrics", self._exposition),
        }

    def find(self, path: str) -> tuple[Route, str] | None:
        """Return the route of a path."""
        route = self._routes.get(path)
        return (route, "") if route is not None else None

    async def _live(self, request: Request) -> Reply:
        return json_reply({"status": "live"})

    async def _ready(self, request: Request) -> Reply:
        obstacle = await self._readiness()
        if obstacle:
            return json_reply({"status": "not_ready", "reason": obstacle}, status=503)
        return json_reply({"status": "ready"})

    async def _exposition(self, request: Request) -> Reply:
        kind = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
        return Reply(200, (kind, *NO_STORE), self._metrics.text().encode())


async def obstacle(store: Store) -> str:
    """Return what keeps a process from serving, or nothing: whether its store answers."""
    try:
        await store.read(get(Installation, EVERYWHERE, Installation.kind, EpochSeconds(int(time.time()))))
    except StorageError as error:
        return str(error)
    return ""


def _route(name: str, handler: Handler) -> Route:
    return Route(name, handler, frozenset({"GET"}), fast=False)
