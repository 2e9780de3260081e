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
from keystead.core.http import Reply, Request

_LINGER_SECONDS: Final = 2


class Turn(msgspec.Struct):
    """One request (or refusal) that waits for the connection, or has it."""

    request: Request | None
    route: Route
    keep_alive: bool
    began: float
    refusal: Reply | None = None


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
        if len(self.waiting) > self.limits.pipelined and turn.refusal is None:
            raise Refusal(400, "Too many requests were sent ahead of their replies.")

    def _begin(self, turn: Turn) -> None:
        self.answering = turn
        self.deadline = self.clock.seconds + self.limits.answer_timeout
        if turn.request is None:
            self._send(turn, turn.refusal or Reply(500))
        elif turn.route.fast:
            drive(turn.route.handler(turn.request), partial(self._finish, turn))
        else:
            self._begin_cycle(turn, turn.request)

    def _finish(self, turn: Turn, reply: object, error: BaseException | None) -> None:
        assert turn.request is not None
        if error is None and isinstance(reply, Reply):
            try:
                self.heads.head(reply.status, reply.headers)
            except ValueError as unsendable:
                error = unsendable
        if error is not None or not isinstance(reply, Reply):
            reply = self.application.failure(error or TypeError("an endpoint gave no reply"), turn.request)
        self._send(turn, reply)

    def _send(self, turn: Turn, reply: Reply) -> None:
        self.application.meter.count(turn.route.name, reply.status, time.time() - turn.began)
        if self.transport.is_closing():
            self.answering = None
            return
        lines = self.clock.date_line
        if turn.request is not None:
            lines += b"x-request-id: %b\r\n" % turn.request.trace.trace_id.encode("ascii")
        if not turn.keep_alive:
            lines += b"connection: close\r\n"
        bodiless = turn.request is not None and turn.request.method == "HEAD"
        self.transport.write(self.heads.render(reply, lines, bodiless=bodiless))
        self._done(turn)

    def _done(self, turn: Turn) -> None:
        self.answering = None
        self.server_state.total_requests += 1
        if not turn.keep_alive:
            self.last = True
            self._close(linger=turn.refusal is not None)
        elif not self.advancing:
            self._advance()

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
        self._take(Turn(None, NOT_FOUND, keep_alive=False, began=time.time(), refusal=refusal.reply))

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
