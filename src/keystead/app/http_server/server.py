"""Listens, ticks and stops: uvicorn's server with one tick a second, and no signal handling of its own.

Flow: `open_socket` binds (so that a busy port fails before anything else starts) -> `HttpServer.run` serves until
`stop` -> open requests are finished, then the sockets close.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

from uvicorn.server import Server

from keystead.app.asgi import AsgiApplication
from keystead.app.http_server.application import Application
from keystead.app.http_server.lane import LaneConfig
from keystead.app.http_server.protocol import FastLaneProtocol
from keystead.core.errors import ConfigurationError

_GRACE_SECONDS = 10


def open_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises: ConfigurationError when the address cannot be had, with what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise ConfigurationError(f"cannot listen on {host}:{port}: {reason}. Free the port or name another.") from error
    listener.set_inheritable(True)
    return listener


def listen_on(address: str) -> socket.socket:
    """Return a socket bound to `HOST:PORT`. Raises: ConfigurationError."""
    parts = urlsplit(f"//{address}")
    return open_socket(parts.hostname or "127.0.0.1", parts.port or 0)


class HttpServer(Server):
    """One listener. Several can run in one event loop."""

    def __init__(self, application: Application, listener: socket.socket, **tls: Any) -> None:
        config = LaneConfig(
            application,
            app=AsgiApplication(application),
            http=FastLaneProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            **tls,
        )
        super().__init__(config)
        self._lane = config
        self._listener = listener
        self._wake = asyncio.Event()
        self.serving = asyncio.Event()

    async def run_until_stopped(self) -> None:
        """Serve until `stop` is called, then finish what is being answered."""
        await self.serve(sockets=[self._listener])

    def stop(self) -> None:
        """Ask the server to finish. May be called from a signal handler of the loop."""
        self.should_exit = True
        self._wake.set()
        for act in self._lane.application.on_stop:
            act()

    async def main_loop(self) -> None:
        """Tick once a second: the clock, and the connections whose time is up."""
        self.serving.set()
        while not self.should_exit:
            self._lane.clock.tick()
            self._close_overdue()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._wake.wait()

    def _close_overdue(self) -> None:
        now = self._lane.clock.seconds
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, FastLaneProtocol) and connection.deadline < now:
                connection.overdue()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the process: it stops all its servers together."""
        yield
