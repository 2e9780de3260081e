"""The message bus for a service: connect with its own short token, and stay connected from token to token.

    agent = AgentClient()
    bus = await Bus.connect("nats://127.0.0.1:4222", lambda: agent.obtain("https://bus.acme.example"))
    await bus.publish("orders.placed", b"...")
    await bus.subscribe("orders.>", handle, queue="billing")

Flow: at 80 % of a token's life the next one is fetched and a second connection made; every subscription is taken over
while both are open, inside one queue group, so that each message arrives on exactly one of them; then the first is
closed. When a connection is lost (kicked, server gone) the next is made with a fresh token, for as long as it takes.
Does not: keep messages while nobody is connected, or promise their order across a renewal: core NATS delivers at most
once. Nor does it say who sent a message: what the broker vouches for is the subject, which only its senders can use.
Needs: `pip install keystead[nats]`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from keystead.core.errors import UpstreamError
from keystead.core.trace import TraceContext, new_trace
from keystead.sdk.bus_connection import BusConnection, require_private_transport
from keystead.sdk.bus_subscription import TRACEPARENT, BusMessage, BusSubscription, Handler, Report
from keystead.sdk.ending import end_task
from keystead.sdk.kept_tokens import ObtainedToken

__all__ = ["Bus", "BusMessage", "BusRefused", "BusSubscription", "BusUnavailable", "Handler", "Report", "TokenSource"]

RENEW_AFTER: Final = 0.8
_FIRST_RETRY: Final = 0.2
_LAST_RETRY: Final = 5.0
_PUBLISH_PATIENCE: Final = 10.0

TokenSource = Callable[[], Awaitable[ObtainedToken]]
"""Gives a token for the bus's audience, each time the freshest there is: `lambda: agent.obtain(audience)`."""


class BusUnavailable(UpstreamError):
    """There is no connection to the bus now."""


class BusRefused(UpstreamError):
    """The bus does not let us do that: our workload's roles do not allow it."""


class Bus:
    """A service's connection to the bus. Make one with `connect`, and `close` it."""

    def __init__(self, url: str, tokens: TokenSource, name: str, report: Report) -> None:
        self._url = url
        self._tokens = tokens
        self._name = name
        self._report = report
        self._connection: BusConnection | None = None
        self._connected = asyncio.Event()
        self._subscriptions: list[BusSubscription] = []
        self._changing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls, url: str, tokens: TokenSource, *, name: str = "", report: Report = lambda reason, detail: None
    ) -> Bus:
        """Connect.

        Raises: ConfigurationError for an address that would show the token to the network; BusUnavailable when the bus
        refuses the token or cannot be reached; whatever `tokens` raises.
        """
        require_private_transport(url)
        bus = cls(url, tokens, name, report)
        token = await tokens()
        await bus._take_over(token)
        bus._task = asyncio.create_task(bus._keep_connected(token))
        return bus

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        trace: TraceContext | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send one message, with the trace it belongs to. Waits while there is no connection.

        Raises: BusUnavailable after ten seconds without one.
        """
        sent = {**(headers or {}), TRACEPARENT: (trace or new_trace()).traceparent()}
        try:
            async with asyncio.timeout(_PUBLISH_PATIENCE):
                while True:
                    await self._connected.wait()
                    async with self._changing:
                        connection = self._connection
                        if connection is not None and not connection.is_closed:
                            await connection.publish(subject, payload, headers=sent)
                            return
                    await asyncio.sleep(_FIRST_RETRY)
        except TimeoutError:
            raise BusUnavailable(f"no connection to the bus at {self._url}") from None

    async def subscribe(self, subject: str, handler: Handler, *, queue: str = "") -> BusSubscription:
        """Receive messages of a subject pattern, one at a time. Members of one `queue` share them.

        Returns when the server has taken note. What the handler raises is reported, and the next message comes.
        Raises: BusRefused when our roles do not allow it, BusUnavailable when there is no connection.
        """
        subscription = BusSubscription(subject, queue, handler, self._report)
        async with self._changing:
            connection = self._connection
            if connection is None or connection.is_closed:
                raise BusUnavailable(f"no connection to the bus at {self._url}")
            subscription.carried_by = await self._carry(subscription, connection)
            await connection.barrier()
            refused = connection.violations(f'Subscription to "{subject}"')
            if refused:
                await subscription.end()
                raise BusRefused(refused[0])
            self._subscriptions.append(subscription)
        return subscription

    async def flush(self) -> None:
        """Return when the server has everything published so far.

        Raises: BusRefused when it refused some of it, BusUnavailable when the connection is gone.
        """
        connection = self._connection
        if connection is None or connection.is_closed:
            raise BusUnavailable(f"no connection to the bus at {self._url}")
        try:
            await connection.barrier()
        except (NatsError, OSError) as error:
            raise BusUnavailable(f"the connection to the bus at {self._url} was lost") from error
        refused = connection.violations("for Publish")
        if refused:
            raise BusRefused(refused[0])

    async def close(self) -> None:
        """Deliver what has arrived, let the server have what was published, and hang up."""
        await end_task(self._task)
        self._connected.clear()
        if self._connection is not None:
            await self._retire(self._connection, [one.carried_by for one in self._subscriptions])
        await asyncio.gather(*(subscription.end() for subscription in self._subscriptions))
        self._connection = None

    # --- staying connected ------------------------------------------------------------------------------

    async def _keep_connected(self, token: ObtainedToken) -> None:
        """Renew at 80 % of the token's life, or at once when the connection is lost. Runs until cancelled."""
        while True:
            now = time.time()
            await self._wait_for_loss(max(_FIRST_RETRY, (token.expires_at - now) * RENEW_AFTER))
            token = await self._renew(token)

    async def _wait_for_loss(self, seconds: float) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await connection.lost.wait()
        except TimeoutError:
            return
        self._connected.clear()
        self._report("bus.connection_lost", "the server closed the connection, or cannot be reached")

    async def _renew(self, before: ObtainedToken) -> ObtainedToken:
        """Return the next token once a connection stands on it, however many attempts that takes."""
        pause = _FIRST_RETRY
        while True:
            lost = self._connection is None or self._connection.is_closed
            try:
                token = await self._tokens()
                if lost or token.expires_at > before.expires_at:
                    await self._take_over(token)
                    return token
            except Exception as error:  # noqa: BLE001 - whatever it is, the next attempt may succeed
                self._report("bus.renewal_failed", f"{type(error).__name__}: {error}")
            if lost:
                self._connected.clear()
            await asyncio.sleep(pause)
            pause = min(_LAST_RETRY, pause * 2)

    async def _take_over(self, token: ObtainedToken) -> None:
        """Open a connection with a token, let it carry everything, retire the one before.

        What was published before is with the server before anything is published on the new one. Handlers may publish
        while the old connection is retired.
        """
        fresh = await self._open(token)
        try:
            async with self._changing:
                before, carried = self._connection, [one.carried_by for one in self._subscriptions]
                taken = [await self._carry(subscription, fresh) for subscription in self._subscriptions]
                await fresh.barrier()
                if before is not None and not before.is_closed:
                    with suppress(NatsError, OSError):
                        await before.barrier()
                for subscription, carrier in zip(self._subscriptions, taken, strict=True):
                    subscription.carried_by = carrier
                self._connection = fresh
                self._connected.set()
        except BaseException:
            await fresh.close()
            raise
        if before is not None:
            await self._retire(before, carried)

    async def _open(self, token: ObtainedToken) -> BusConnection:
        connection = BusConnection(self._note)
        try:
            await connection.open(self._url, token.token, self._name)
        except (NatsError, OSError, TimeoutError) as error:
            await connection.close()
            raise BusUnavailable(f"the bus at {self._url} refused us or cannot be reached: {error}") from error
        return connection

    async def _carry(self, subscription: BusSubscription, connection: BusConnection) -> Subscription:
        return await connection.subscribe(subscription.subject, queue=subscription.queue, cb=subscription.deliver)

    async def _retire(self, connection: BusConnection, carried: list[Subscription | None]) -> None:
        """Finish a connection: everything received is with its handler, everything sent with the server."""
        try:
            if not connection.is_closed:
                await asyncio.gather(*(connection.finish(carrier) for carrier in carried if carrier is not None))
                await connection.barrier()
        except (NatsError, OSError, TimeoutError) as error:
            self._report("bus.retirement_failed", type(error).__name__)
        await connection.close()

    async def _note(self, error: Exception) -> None:
        self._report("bus.problem", f"{type(error).__name__}: {error}")
