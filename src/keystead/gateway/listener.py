"""One browser connection: reads one request at a time, strictly, and answers it before it reads the next.

Flow: httptools reads -> `RequestHead` -> the door judges it, once a whole read was parsed -> a responder (a relay, or
one of our own answers) takes the body and writes the response -> `answered`.
Why no pipelining: no browser does it, and it is what smuggling looks like. The first request is answered, the rest
dropped, the connection closed (RFC 9112 section 9.3.2 allows).
Does not: know routes or sessions, or gather bodies.
Spec: RFC 9112.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, cast

import httptools

from keystead.core.http import Reply
from keystead.gateway.head import HTTP_11, NO_HEAD, BadFraming
from keystead.gateway.head_reader import HeadReader
from keystead.gateway.identity import SessionView
from keystead.gateway.patience import Patience
from keystead.gateway.refusals import Refusal, refuse, serialize
from keystead.gateway.responder import Responder

if TYPE_CHECKING:
    from keystead.gateway.door import Door

IDLE: Final = 0
READING_HEAD: Final = 1
BUSY: Final = 2
TUNNEL: Final = 3
CLOSING: Final = 4

LINGER: Final = 2.0
LINGER_BYTES: Final = 1_048_576


class Listener(asyncio.Protocol):
    """One browser connection."""

    __slots__ = (
        "discarded",
        "door",
        "early",
        "head",
        "heads",
        "keep_alive",
        "old_client",
        "parser",
        "patience",
        "peer",
        "phase",
        "reading_paused",
        "request_done",
        "responder",
        "surplus",
        "transport",
        "turn",
        "unjudged",
    )

    def __init__(self, door: Door) -> None:
        self.door = door
        self.head = NO_HEAD
        self.heads = HeadReader()
        self.turn = 0
        self.parser = httptools.HttpRequestParser(
            SimpleNamespace(
                on_message_begin=self._message_begins,
                on_url=self.heads.take_target,
                on_headers_complete=self._headers_complete,
                on_body=self._take_body,
                on_message_complete=self._message_complete,
            )
        )
        self.responder: Responder | None = None
        self.phase = IDLE
        self.discarded = 0
        self.surplus = b""
        self.early: list[bytes] = []
        self.keep_alive = True
        self.old_client = self.reading_paused = self.request_done = self.unjudged = False
        self.patience = Patience(door.limits.header_timeout)  # a fresh connection is about to say something
        self.peer = ""

    # --- asyncio -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the connection in, if there is room."""
        self.transport = cast("asyncio.Transport", transport)
        address = transport.get_extra_info("peername")
        self.peer = address[0] if isinstance(address, tuple) else "unix"
        if not self.door.enter(self):
            self.refuse(refuse(503, "limit.connections", "Too many connections. Try again in a moment.", close=True))

    def data_received(self, data: bytes) -> None:
        """Read a piece."""
        before = self.phase
        if before >= TUNNEL or (before == BUSY and self.request_done):
            self._take_surplus(data)
            return
        if before <= READING_HEAD and not self.heads.gather(data, self.door.limits.header_bytes):
            self._refuse_framing(BadFraming("limit.header_bytes"))
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.keep_alive = False
            self.surplus = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            self._refuse_framing(error.__context__)
        if self.unjudged:
            self.unjudged = False
            self._judge()
        elif before == IDLE and self.phase == READING_HEAD:
            self.patience.begin(self.door.limits.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what was being done for this browser."""
        self.phase = CLOSING
        responder, self.responder = self.responder, None
        if responder is not None:
            responder.abandon()
        self.door.leave(self)

    def pause_writing(self) -> None:
        """Pass the back-pressure on."""
        if self.responder is not None:
            self.responder.pause_response()

    def resume_writing(self) -> None:
        """Pass the relief on."""
        self.patience.moved = True
        if self.responder is not None:
            self.responder.resume_response()

    def _judge(self) -> None:
        """Have the request judged, now that the whole read has been parsed."""
        head = self.head = self.heads.read(self.parser)
        self.old_client = head.version != HTTP_11
        self.keep_alive = self.keep_alive and not self.old_client
        if head.block.count > self.door.limits.header_count:
            self._refuse_framing(BadFraming("limit.header_count"))
            return
        if not self.request_done:
            self.patience.begin(self.door.limits.body_timeout)
        self.door.judge(self, head)

    # --- httptools ---------------------------------------------------------------------------------------

    def _message_begins(self) -> None:
        if self.phase == BUSY:
            raise BadFraming("framing.pipelined")
        self.phase = READING_HEAD
        self.request_done = False
        self.turn += 1
        self.head = NO_HEAD
        self.heads.begin_target()

    def _headers_complete(self) -> None:
        """Note that the head is there. It is judged when the whole read has been parsed."""
        self.keep_alive = self.parser.should_keep_alive()
        if not self.keep_alive and self.parser.get_http_version() == "0.9":
            # Only here the parser lets a bare LF end a line, and our own cutting would find other lines than it did.
            raise BadFraming("framing.version")
        self.phase = BUSY
        self.unjudged = True

    def _take_body(self, data: bytes) -> None:
        self.patience.moved = True
        if self.responder is None:
            self.early.append(data)
        else:
            self.responder.request_data(data)

    def _message_complete(self) -> None:
        self.request_done = True
        if self.responder is not None:
            self.responder.request_ended()

    # --- for the door and the responders -----------------------------------------------------------------

    def serve(self, responder: Responder) -> None:
        """Let a responder answer, and give it what has arrived of the body."""
        self.responder = responder
        if self.early:
            early, self.early = self.early, []
            for data in early:
                responder.request_data(data)
        if self.request_done and self.responder is responder:
            responder.request_ended()

    def awaits(self, turn: int) -> bool:
        """Tell whether the request of this turn still waits for somebody to answer it."""
        return self.turn == turn and self.phase == BUSY and self.responder is None

    def write(self, data: bytes) -> None:
        """Send a piece of the response."""
        self.patience.moved = True
        self.transport.write(data)

    def answered(self) -> None:
        """The response is written: go on to the next request, or close."""
        self.responder = None
        if self.early:
            self.early = []
        if not self.request_done:
            self._linger()
        elif self.keep_alive:
            self.phase = IDLE
            self.heads.renew()
            self.patience.begin(self.door.limits.idle_timeout)
            if self.reading_paused:
                self.resume_reading()
        else:
            self.phase = CLOSING
            self.transport.close()

    def answer(self, reply: Reply, *, close: bool = False) -> None:
        """Send an answer of our own."""
        self.keep_alive = self.keep_alive and self.request_done and not close
        if close:
            self.request_done = False
        self.write(serialize(reply, keep_alive=self.keep_alive, with_body=self.head.method != b"HEAD"))
        self.answered()

    def refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal, or break off where an answer has begun."""
        responder, self.responder = self.responder, None
        self.unjudged = False
        if responder is not None:
            responder.abandon()
            if responder.started:
                self.cut()
                return
        self.answer(self.door.refusal_reply(refusal, self.head), close=refusal.close)

    def cut(self) -> None:
        """Break off: a response that has begun cannot be taken back, only left incomplete."""
        self.phase = CLOSING
        self.transport.abort()

    def switch(self) -> None:
        """From now on this is a tunnel."""
        self.phase = TUNNEL
        self.patience.begin(self.door.limits.websocket_idle_timeout)
        self.resume_reading()

    def pause_reading(self) -> None:
        """Stop reading from the browser."""
        if not self.reading_paused:
            self.reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on reading."""
        if self.reading_paused:
            self.reading_paused = False
            self.transport.resume_reading()
            self.patience.moved = True

    # --- time --------------------------------------------------------------------------------------------

    def tick(self, now: float) -> SessionView | None:
        """Look at the clock. Answer: the session that something is being done for."""
        session = self.responder.session if self.responder is not None else None
        if session is not None and session.ended:
            self.cut()
        elif self.patience.exhausted(now):
            self.door.lose_patience(self)
        return session

    def _refuse_framing(self, problem: BaseException | None) -> None:
        if problem is not None and not isinstance(problem, BadFraming):
            raise problem  # a fault of ours, not of the browser's
        reason = str(problem) if problem else "framing.malformed"
        if reason == "framing.pipelined":
            self.keep_alive = False  # what was whole before it is answered
        else:
            self.door.refuse(self, self.door.framing_refusal(reason))

    def _take_surplus(self, data: bytes) -> None:
        """Take bytes that belong to no request: of a tunnel, or of somebody who does not wait for an answer."""
        if self.responder is not None and self.responder.upgrading:
            self.patience.moved = True
            self.responder.request_data(data)
            return
        self.keep_alive = False
        self.discarded += len(data)
        if self.discarded > LINGER_BYTES:
            self.transport.abort()

    def _linger(self) -> None:
        """Close without losing the response: a reset would, while the browser is still sending."""
        self.phase = CLOSING
        self.patience.begin(LINGER)
        self.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
