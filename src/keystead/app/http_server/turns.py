"""Whose turn it is on one connection: requests are answered in the order they came, one at a time.

Flow: `_take` gives a request its turn or lets it wait -> `_begin` drives a fast route by hand, or starts uvicorn's
ASGI cycle -> `_send` writes the reply -> `_done` -> `_advance` to the next.
Does not: parse (`protocol` does) or time anything: the server's tick ends connections whose `deadline` has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from functools import partial
from typing import Any, Final

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from keystead.app.http_server.application import NOT_FOUND, Route
from keystead.app.http_server.framing import Refusal
from keystead.app.http_server.lane import LaneConfig, lane_scope
from keystead.app.http_server.parking import drive
from keystead.app.http_server.wire import CLOSE, whole
from keystead.core.http import Reply, Request

_LINGER_SECONDS: Final = 2
_REQUEST_ID: Final = b"x-request-id"


class Turn(msgspec.Struct):
    """One request that waits for the connection, or has it; or a reply that is there already.

    `refused` says that the reply is the server's own refusal, after which the connection ends.
    """

    route: Route
    keep_alive: bool
    began: float
    request_id: bytes = b""
    bodiless: bool = False
    request: Request | None = None
    reply: Reply | None = None
    refused: bool = False


class TurnTakingProtocol(HttpToolsProtocol):
    """A connection's queue of turns.

    `last` says that nothing more is read; `collecting`, that a message has begun and is not whole.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        assert isinstance(config, LaneConfig)
        self.application = config.application
        self.clock = config.clock
        self.heads = config.heads
        self.limits = config.application.limits
        self.waiting: deque[Turn] = deque()
        self.answering: Turn | None = None
        self.advancing = False
        self.last = False
        self.collecting = False
        self.deadline = self.clock.seconds + self.limits.header_timeout

    def resume_writing(self) -> None:
        """Go on once a slow reader has taken its replies."""
        super().resume_writing()
        self._advance()

    def overdue(self) -> None:
        """End a connection whose deadline has passed: politely when it is merely idle or slow to ask."""
        if self.answering is not None or self.flow.write_paused:
            self.transport.abort()
        elif self.collecting:
            self._refuse(Refusal(408, "The request did not arrive in time."))
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Finish what is being answered and close; close at once when nothing is."""
        self.last = True
        if self.answering is None and not self.waiting and not self.collecting:
            self.transport.close()
        for turn in (self.answering, *self.waiting):
            if turn is not None:
                turn.keep_alive = False

    def _take(self, turn: Turn) -> None:
        if self.answering is None and not self.waiting and not self.flow.write_paused:
            self._begin(turn)
            return
        self.waiting.append(turn)
        self.flow.pause_reading()
        if len(self.waiting) > self.limits.pipelined and not turn.refused:
            raise Refusal(400, "Too many requests were sent ahead of their replies.")

    def _begin(self, turn: Turn) -> None:
        self.answering = turn
        self.deadline = self.clock.seconds + self.limits.answer_timeout
        if turn.request is None:
            reply = turn.reply or Reply(500)
            self._send(turn, reply, self.heads.head(reply.status, reply.headers))
        elif turn.route.fast:
            drive(turn.route.handler(turn.request), partial(self._finish, turn))
        else:
            self._begin_cycle(turn, turn.request)

    def _finish(self, turn: Turn, reply: object, error: BaseException | None) -> None:
        if error is None and isinstance(reply, Reply):
            try:
                head = self.heads.head(reply.status, reply.headers)
            except ValueError as unsendable:
                error = unsendable
            else:
                self._send(turn, reply, head)
                return
        assert turn.request is not None
        reply = self.application.failure(error or TypeError("an endpoint gave no reply"), turn.request)
        self._send(turn, reply, self.heads.head(reply.status, reply.headers))

    def _send(self, turn: Turn, reply: Reply, head: bytes) -> None:
        self.application.meter.count(turn.route.name, reply.status, time.time() - turn.began)
        if self.transport.is_closing():
            self.answering = None
            return
        lines = self.clock.date_line
        if turn.request_id and all(name != _REQUEST_ID for name, _ in reply.headers):
            lines = b"%bx-request-id: %b\r\n" % (lines, turn.request_id)
        if not turn.keep_alive:
            lines += CLOSE
        self.transport.write(whole(head, lines, reply, bodiless=turn.bodiless))
        self._done(turn)

    def _done(self, turn: Turn) -> None:
        self.answering = None
        self.server_state.total_requests += 1
        if not turn.keep_alive:
            self.last = True
            self._close(linger=turn.refused)
        elif self.waiting or self.collecting or self.flow.write_paused or self.flow.read_paused:
            if not self.advancing:
                self._advance()
        else:
            self.deadline = self.clock.seconds + self.limits.idle_timeout

    def _close(self, *, linger: bool) -> None:
        """Close; after a refusal go on reading (and dropping) for a moment, lest a reset overtake the reply."""
        if linger and self.transport.can_write_eof():
            self.transport.write_eof()
            self.deadline = self.clock.seconds + _LINGER_SECONDS
        else:
            self.transport.close()

    def _advance(self) -> None:
        self.advancing = True
        while self.waiting and self.answering is None and not self.flow.write_paused:
            self._begin(self.waiting.popleft())
        self.advancing = False
        if self.flow.write_paused:
            self.flow.pause_reading()
            self.deadline = self.clock.seconds + self.limits.write_timeout
        elif self.answering is None and not self.waiting:
            self._allow(self.limits.header_timeout if self.collecting else self.limits.idle_timeout)
            self.flow.resume_reading()

    def _allow(self, seconds: int) -> None:
        """Give the client this long, unless it is we who owe it something."""
        if self.answering is None and not self.waiting and not self.flow.write_paused:
            self.deadline = self.clock.seconds + seconds

    def _refuse(self, refusal: Refusal) -> None:
        self.last = True
        self.collecting = False
        self._take(Turn(NOT_FOUND, keep_alive=False, began=time.time(), reply=refusal.reply, refused=True))

    def _begin_cycle(self, turn: Turn, request: Request) -> None:
        event = asyncio.Event()
        event.set()
        self.cycle = RequestResponseCycle(
            scope=lane_scope(request, turn.route, self.scheme or "http"),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[(b"date", self.clock.date)],
            message_event=event,
            expect_100_continue=False,
            keep_alive=turn.keep_alive,
            on_response=partial(self._done, turn),
        )
        self.cycle.body = bytearray(request.body)
        self.cycle.more_body = False
        self._start_asgi_task(self.cycle, self.app)
