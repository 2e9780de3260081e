"""Our own answers (`/bff/*`) on a browser's connection: the body is gathered, bounded, then one coroutine answers.

Does not: stream. These requests and replies are small.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from keystead.core.http import Reply

if TYPE_CHECKING:
    from keystead.gateway.listener import Listener

MAXIMUM_BODY: Final = 16_384


class LocalAnswer:
    """A request that the gateway answers itself."""

    __slots__ = ("_answer", "_body", "_listener", "_size", "_task", "started")

    upgrading = False
    session = None

    def __init__(self, listener: Listener, answer: Callable[[bytes], Awaitable[Reply]]) -> None:
        self.started = False
        self._listener = listener
        self._answer = answer
        self._body: list[bytes] = []
        self._size = 0
        self._task: asyncio.Task[None] | None = None

    def request_data(self, data: bytes) -> None:
        """Gather a piece of the body."""
        self._size += len(data)
        if self._size > MAXIMUM_BODY:
            self._listener.door.refuse_body_size(self._listener)
        else:
            self._body.append(data)

    def request_ended(self) -> None:
        """Answer."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def pause_response(self) -> None:
        """Nothing to pause: the answer is one piece."""

    def resume_response(self) -> None:
        """Nothing to resume."""

    def abandon(self) -> None:
        """The browser has gone. What was begun is finished all the same: a logout stays a logout."""
        self._body = []
        self.started = False
        self._listener.door.finish_alone(self._task)

    async def _run(self) -> None:
        reply = await self._answer(b"".join(self._body))
        if self._listener.responder is self:
            self._listener.answer(reply)
