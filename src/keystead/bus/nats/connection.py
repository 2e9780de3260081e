"""Our own connections to the server, as the callout and as the system user, proved by NATS keys.

Does not: give up on a server that is away. It may still close for good (the server hung up with an error) and says so.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from nats.aio.client import Client

from keystead.bus.nats.nkeys import NatsKey

Problem = Callable[[Exception], Awaitable[None]]
Happening = Callable[[], Awaitable[None]]


class Callbacks(NamedTuple):
    """Who is told of a problem, of a lost connection's return, and that it was closed for good."""

    problem: Problem
    returned: Happening
    closed: Happening


class KeyClient(Client):
    """A NATS client that signs the server's nonce with a key of ours."""

    def __init__(self, key: NatsKey) -> None:
        super().__init__()
        self._public_nkey = key.public
        self._key = key

    async def open(self, url: str, name: str, callbacks: Callbacks) -> None:
        """Connect, however long that takes."""
        await self.connect(
            url,
            name=name,
            signature_cb=self._sign,
            error_cb=callbacks.problem,
            reconnected_cb=callbacks.returned,
            closed_cb=callbacks.closed,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # seconds; the annotation says int, sleep takes both
            connect_timeout=2,
            ping_interval=10,
        )

    def _sign(self, nonce: str) -> bytes:
        return base64.b64encode(self._key.sign(nonce.encode()))
