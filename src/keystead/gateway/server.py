"""The running gateway: its parts put together, its listening socket, and its clock."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from keystead.core.decisions import Journal
from keystead.gateway.admission import Admission
from keystead.gateway.door import Credentials, Door
from keystead.gateway.listener import Listener
from keystead.gateway.outbound import Outbound
from keystead.gateway.patience import TICK
from keystead.gateway.routes import compile_routes
from keystead.gateway.settings import GatewaySettings

GRACE: float = 5.0


class Gateway:
    """A gateway that can be started and stopped."""

    def __init__(self, settings: GatewaySettings, journal: Journal, credentials: Credentials) -> None:
        routes = compile_routes(settings.routes, settings.limits)
        tls = ssl.create_default_context(cafile=settings.ca_file or None)
        self._settings = settings
        self._outbound = Outbound(
            routes,
            settings.limits,
            public_url=settings.public_url,
            client_id=settings.client_id,
            trusted_proxies=frozenset(settings.trusted_proxies),
            tls=tls,
        )
        admission = Admission(routes, public_url=settings.public_url, maximum_target=settings.limits.target_bytes)
        self.door = Door(settings.limits, admission, self._outbound, journal, credentials)
        self._server: asyncio.Server | None = None
        self._clock: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen."""
        host, _, port = self._settings.listen.rpartition(":")
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Listener(self.door), host.strip("[]"), int(port), backlog=1024, ssl=self._tls()
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._clock = loop.create_task(self._tick())

    async def stop(self) -> None:
        """Stop listening, give running responses a moment, and close."""
        if self._server is not None:
            self._server.close()
        deadline = asyncio.get_running_loop().time() + GRACE
        while self.door.busy() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for listener in tuple(self.door.listeners):
            listener.cut()
        self._outbound.close()
        if self._clock is not None:
            self._clock.cancel()
            with suppress(asyncio.CancelledError):
                await self._clock

    def _tls(self) -> ssl.SSLContext | None:
        if self._settings.tls is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._settings.tls.certificate, self._settings.tls.key)
        context.set_alpn_protocols(["http/1.1"])
        return context

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK)
            now = loop.time()
            for listener in tuple(self.door.listeners):
                listener.tick(now)
            self._outbound.sweep(now)
