"""One connection to the bus for the life of one token: `nats-py`, with what a loss-free renewal needs put right.

There `flush` is no barrier (its PING overtakes commands that still wait in memory), a subscription that drains may drop
what arrives after that early PONG, and a server that is away is tried for minutes before a connection attempt fails.
Does not: reconnect. `keystead.sdk.bus` opens the next connection, with the next token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError

from keystead.core.errors import ConfigurationError
from keystead.core.values import Secret
from keystead.sdk.addresses import is_loopback
from keystead.sdk.ending import end_task

_CONNECT_TIMEOUT: Final = 5.0
_REMEMBERED_VIOLATIONS: Final = 100

Problem = Callable[[Exception], Awaitable[None]]


class BusConnection(Client):
    """A connection that ends with its token, or before."""

    def __init__(self, on_problem: Problem) -> None:
        super().__init__()
        self.lost = asyncio.Event()
        self._on_problem = on_problem
        self._violations: list[str] = []

    async def open(self, url: str, token: Secret, name: str) -> None:
        """Connect, or fail within seconds.

        Raises: nats.errors.Error, OSError, TimeoutError. `nats: 'Authorization Violation'` is all a refusal says.
        """
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            await self.connect(
                url,
                name=name,
                token=token.reveal(),
                error_cb=self._note,
                closed_cb=self._end,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=3,
                ping_interval=20,
            )

    async def barrier(self) -> None:
        """Return when the server has worked through everything sent so far, and its complaints have arrived.

        Raises: nats.errors.ConnectionClosedError when the connection is lost meanwhile.
        """
        await self._unless_lost(self._barrier())

    async def finish(self, subscription: Subscription) -> None:
        """End a subscription and return when its last message was delivered.

        Raises: nats.errors.ConnectionClosedError when the connection is lost meanwhile.
        """
        await self._unless_lost(self._finish(subscription))

    def violations(self, about: str = "") -> list[str]:
        """Return, and forget, what the server refused since the last call, as far as it mentions `about`.

        The texts are in lower case: `nats-py` makes them so.
        """
        about = about.lower()
        found = [text for text in self._violations if about in text]
        self._violations = [text for text in self._violations if about not in text]
        return found

    async def _barrier(self) -> None:
        await self._flush_pending(force_flush=True)
        await self.flush()

    async def _finish(self, subscription: Subscription) -> None:
        await self._send_unsubscribe(subscription._id)
        await self._barrier()
        await subscription._pending_queue.join()

    async def _unless_lost(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that would wait for ever on a connection that is gone."""
        doing, lost = asyncio.create_task(work), asyncio.create_task(self.lost.wait())
        try:
            await asyncio.wait((doing, lost), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise ConnectionClosedError
            doing.result()
        finally:
            await end_task(lost)
            await end_task(doing)

    async def _note(self, error: Exception) -> None:
        text = str(error)
        if "permissions violation" in text and len(self._violations) < _REMEMBERED_VIOLATIONS:
            self._violations.append(text)
        await self._on_problem(error)

    async def _end(self) -> None:
        self.lost.set()


def require_private_transport(url: str) -> None:
    """Refuse to send a token in the clear over a network.

    Raises: ConfigurationError.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"tls", "wss"} and not is_loopback(parts.hostname or ""):
        message = f"the bus at {parts.hostname} is not on this machine: use tls://, or the token can be read on the way"
        raise ConfigurationError(message)
