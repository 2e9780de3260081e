"""What every connection of one server shares: the application, a coarse clock and the formed headers."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config

from keystead.app.http_server.application import Application, Route
from keystead.app.http_server.wire import HeadWriter
from keystead.core.http import Request

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope

REQUEST_KEY = "keystead.request"
ROUTE_KEY = "keystead.route"


class ServerClock:
    """The time to the second, formed once a second: for deadlines and for the Date header."""

    def __init__(self) -> None:
        self.tick()

    def tick(self) -> None:
        """Look at the clocks again."""
        self.seconds = int(time.monotonic())
        self.date = formatdate(time.time(), usegmt=True).encode("ascii")
        self.date_line = b"date: %b\r\n" % self.date


class LaneConfig(Config):
    """uvicorn's configuration, with what our protocol class needs beside it."""

    def __init__(self, application: Application, **options: Any) -> None:
        super().__init__(**options)
        self.application = application
        self.clock = ServerClock()
        self.heads = HeadWriter(application.default_headers)


def lane_scope(request: Request, route: Route, scheme: str) -> HTTPScope:
    """Return the ASGI scope of a request that was already read and routed; the adapter finds both in it."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": None,
        "client": (request.client_address, 0),
        "scheme": scheme,
        "method": request.method,
        "root_path": "",
        "path": request.path,
        "raw_path": request.path.encode("ascii"),
        "query_string": request.query,
        "headers": list(request.headers),
        "state": {},
        REQUEST_KEY: request,
        ROUTE_KEY: route,
    }
    return scope  # type: ignore[return-value]  # two keys beyond the standard ones, as ASGI allows
