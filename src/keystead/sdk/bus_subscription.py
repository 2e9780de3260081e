"""What arrives from the bus: a subscription that outlives the connections that carry it, and its messages."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from keystead.core.trace import TraceContext, accept_trace
from keystead.sdk.ending import end_task

TRACEPARENT: Final = "traceparent"
_WAITING_MESSAGES: Final = 65_536


class BusMessage(msgspec.Struct, frozen=True):
    """A message that arrived. `trace` is a hop below the sender's; `headers` are the sender's word, nobody else's."""

    subject: str
    payload: bytes
    trace: TraceContext
    headers: dict[str, str]


Handler = Callable[[BusMessage], Awaitable[None]]


class Report(Protocol):
    """Told of problems, none of which end the bus: a short slug and what happened."""

    def __call__(self, reason: str, detail: str) -> None:
        """Take note."""
        ...


class BusSubscription:
    """One subscription, whichever connection carries it. Its handler gets one message at a time.

    What has arrived waits here, not with a connection, so that it outlives the connection it came on.
    """

    def __init__(self, subject: str, queue: str, handler: Handler, report: Report) -> None:
        self.subject = subject
        # Without a group of its own the takeover from one connection to the next would deliver twice.
        self.queue = queue or f"keystead-{secrets.token_hex(8)}"
        self.carried_by: Subscription | None = None
        self._handler = handler
        self._report = report
        self._waiting: asyncio.Queue[Msg] = asyncio.Queue(_WAITING_MESSAGES)
        self._worker = asyncio.create_task(self._work())

    async def deliver(self, message: Msg) -> None:
        """Take one message from a connection."""
        await self._waiting.put(message)

    async def end(self) -> None:
        """Wait until the handler has had every message that arrived."""
        await self._waiting.join()
        await end_task(self._worker)

    async def _work(self) -> None:
        while True:
            message = await self._waiting.get()
            headers = dict(message.headers or {})
            trace = accept_trace(headers.get(TRACEPARENT))
            try:
                await self._handler(BusMessage(message.subject, message.data, trace, headers))
            except Exception as error:  # noqa: BLE001 - one bad message must not stop the next
                self._report("bus.handler_failed", f"{type(error).__name__}: {error}")
            finally:
                self._waiting.task_done()
