"""The whole gateway: the data plane, its sessions, and `/bff`, put together.

Flow: `keystead gateway` (or a test) opens a store and a sealer, makes a `Gateway`, starts it, and stops it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from keystead.core.decisions import Journal
from keystead.core.errors import ConfigurationError
from keystead.core.sealing import Sealer
from keystead.gateway.bff.call import BffContext
from keystead.gateway.bff.endpoints import Bff
from keystead.gateway.call import Callers
from keystead.gateway.issuer.client import IssuerClient
from keystead.gateway.issuer.directory import IssuerDirectory, is_protected
from keystead.gateway.issuer.proof import AgentProof, ClientProof, SecretProof
from keystead.gateway.prover import Prover
from keystead.gateway.server import GRACE, DataPlane, client_tls
from keystead.gateway.sessions.credentials import SessionCredentials
from keystead.gateway.sessions.exchange import Exchanger
from keystead.gateway.sessions.news import SessionNews
from keystead.gateway.sessions.refresh import Refresher
from keystead.gateway.sessions.table import SessionTable
from keystead.gateway.settings import GatewaySettings
from keystead.sdk.dpop import DpopKey
from keystead.sdk.revocation_feed import FollowedRevocations, follow
from keystead.storage.ports import Store

DEFAULT_AGENT_SOCKET: Final = "/run/keystead/agent.sock"
_FORGET_EVERY: Final = 300.0


class Gateway:
    """A gateway that can be started and stopped."""

    def __init__(
        self,
        settings: GatewaySettings,
        store: Store,
        sealer: Sealer,
        journal: Journal,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not is_protected(settings.issuer):
            raise ConfigurationError("name the issuer: an https URL, or one on this machine", where="gateway.issuer")
        callers = Callers(client_tls(settings))
        self.directory = IssuerDirectory(settings.issuer, callers)
        prover = Prover(DpopKey(clock=clock)) if settings.dpop else None
        self.issuer = IssuerClient(self.directory, callers, client_proof(settings), prover.key if prover else None)
        self.table = SessionTable(store, sealer, settings.session, settings.client_id, clock)
        self.refresher = Refresher(self.table, self.issuer, journal)
        feed = follow(settings.issuer, client_tls(settings))
        self.news = SessionNews(FollowedRevocations(feed, settings.revocations))
        exchanger = Exchanger(self.issuer, self.refresher, self.news, journal, prover)
        self.plane = DataPlane(settings, journal, SessionCredentials(self.table, exchanger))
        self.plane.door.local = Bff(
            BffContext(
                public_url=settings.public_url.rstrip("/").lower(),
                client_id=settings.client_id,
                scope=sign_in_scope(settings),
                table=self.table,
                sealer=sealer,
                issuer=self.issuer,
                admission=self.plane.admission,
                journal=journal,
            )
        )
        self.plane.on_tick += [callers.sweep, self._forget_idle]
        self._callers = callers
        self._forgot_at = 0.0

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.plane.port

    async def start(self) -> None:
        """Listen. The issuer need not be there yet; it is asked when somebody signs in.

        Raises: OSError when the address is taken.
        """
        self.news.followed.feed.start()
        await self.plane.start()

    async def stop(self, *, grace: float = GRACE) -> None:
        """Give what runs `grace` seconds to finish, and close."""
        await self.plane.stop(grace=grace)
        self._callers.close()

    def _forget_idle(self, now: float) -> None:
        if now - self._forgot_at > _FORGET_EVERY:
            self._forgot_at = now
            self.table.sweep()


def client_proof(settings: GatewaySettings) -> ClientProof:
    """Return how this gateway proves who it is."""
    if settings.client_secret is not None:
        return SecretProof(settings.client_id, settings.client_secret)
    return AgentProof(settings.client_id, settings.issuer, settings.agent_socket or DEFAULT_AGENT_SOCKET)


def sign_in_scope(settings: GatewaySettings) -> str:
    """Return what to ask for at sign-in: the configured scopes and all that the routes will want."""
    wanted = [*settings.scopes, *(scope for route in settings.routes for scope in route.scopes)]
    return " ".join(dict.fromkeys(wanted))


async def serve(
    settings: GatewaySettings,
    store: Store,
    sealer: Sealer,
    journal: Journal,
    *,
    stopped: asyncio.Event,
    ready: Callable[[Gateway], None] = lambda gateway: None,
) -> None:
    """Run a gateway until `stopped` is set. `ready` is called when it listens.

    Raises: ConfigurationError, OSError when the address is taken.
    """
    gateway = Gateway(settings, store, sealer, journal)
    await gateway.start()
    ready(gateway)
    try:
        await stopped.wait()
    finally:
        await gateway.stop()
