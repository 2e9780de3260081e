"""The running data plane: its listening socket and its clock."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from keystead.core.decisions import Journal
from keystead.core.errors import ConfigurationError
from keystead.gateway.admission import Admission
from keystead.gateway.door import Credentials, Door
from keystead.gateway.issuer.directory import is_protected
from keystead.gateway.listener import Listener
from keystead.gateway.outbound import Outbound
from keystead.gateway.patience import TICK
from keystead.gateway.routes import compile_routes
from keystead.gateway.settings import GatewaySettings

GRACE: Final = 5.0
_BACKLOG: Final = 1_024


class DataPlane:
    """Listener, door and relays, started and stopped together. `on_tick` is called about twice a second."""

    def __init__(self, settings: GatewaySettings, journal: Journal, credentials: Credentials) -> None:
        public_url = require_public_url(settings.public_url)
        routes = compile_routes(settings.routes, settings.limits)
        self._settings = settings
        self._outbound = Outbound(
            routes,
            settings.limits,
            public_url=public_url,
            client_id=settings.client_id,
            trusted_proxies=frozenset(settings.trusted_proxies),
            tls=client_tls(settings),
        )
        self.admission = Admission(routes, public_url=public_url, maximum_target=settings.limits.target_bytes)
        self.door = Door(settings.limits, self.admission, self._outbound, journal, credentials)
        self.on_tick: list[Callable[[float], None]] = [self.door.tick, self._outbound.sweep]
        self.port = 0
        self._server: asyncio.Server | None = None
        self._clock: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen.

        Raises: OSError when the address is taken.
        """
        host, _, port = self._settings.listen.rpartition(":")
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Listener(self.door), host.strip("[]"), int(port), backlog=_BACKLOG, ssl=self._tls()
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._clock = loop.create_task(self._tick())

    async def stop(self, *, grace: float = GRACE) -> None:
        """Stop listening, give running responses `grace` seconds, and close."""
        loop = asyncio.get_running_loop()
        if self._server is not None:
            self._server.close()
        deadline = loop.time() + grace
        while self.door.busy() and loop.time() < deadline:  # noqa: ASYNC110 - once, at the end
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
        context.set_ciphers("ECDHE+AESGCM")  # of TLS 1.2, RFC 9325 section 4.2; TLS 1.3 has no weaker ones
        return context

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK)
            now = loop.time()
            for tick in self.on_tick:
                tick(now)


def client_tls(settings: GatewaySettings) -> ssl.SSLContext:
    """Return how upstreams and the issuer are verified over TLS."""
    return ssl.create_default_context(cafile=settings.ca_file or None)


def require_public_url(public_url: str) -> str:
    """Return the origin browsers use, without a trailing slash.

    Raises: ConfigurationError when it is no origin, or one whose cookies could be read on the way.
    """
    origin = public_url.rstrip("/")
    scheme, _, authority = origin.partition("://")
    if scheme not in {"http", "https"} or not authority or "/" in authority or "@" in authority:
        raise ConfigurationError("write an origin such as https://shop.example", where="gateway.public_url")
    if not is_protected(origin):
        raise ConfigurationError(
            "browsers must reach the gateway over https; plain http is for localhost only", where="gateway.public_url"
        )
    return origin.lower()
