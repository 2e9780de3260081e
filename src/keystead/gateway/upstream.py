"""One connection to an upstream: sends one request at a time, reads its response strictly.

Flow: `pool` makes and keeps it -> a `Receiver` takes it, writes a request to its transport, and is told of the
response piece by piece -> when the response is whole the connection goes back to the pool, or is closed.
Does not: follow redirects, decompress, or judge headers.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, Protocol, cast

import httptools

from keystead.gateway.failures import Failure
from keystead.gateway.head import UNTIL_CLOSE, BadFraming, ResponseHead

if TYPE_CHECKING:
    from keystead.gateway.pool import Pool

MAXIMUM_INTERIM: Final = 16
SWITCHING_PROTOCOLS: Final = 101
_OPENING: Final = b"HTTP/1."
MAXIMUM_HEAD: Final = 65_536


class Receiver(Protocol):
    """Who sent the request and gets the response."""

    def connected(self, connection: UpstreamConnection) -> None:
        """Take a connection and send the request over it."""

    def response_started(self, head: ResponseHead, length: int) -> None:
        """Take the head of the final response. `length` is 0, a number of bytes, CHUNKED or UNTIL_CLOSE."""

    def response_interim(self, head: ResponseHead) -> None:
        """Take a 1xx response; the final one is still to come."""

    def response_data(self, data: bytes) -> None:
        """Take a piece of the body."""

    def response_flush(self) -> None:
        """Pass on what is held back: nothing more is there for now."""

    def response_ended(self) -> None:
        """The response is whole. The connection is no longer yours."""

    def response_broken(self, failure: Failure) -> None:
        """There will be no (more) response. The connection is no longer yours."""

    def switched(self, data: bytes) -> None:
        """Take bytes of a tunnel, after a 101 response."""

    def pause_request(self) -> None:
        """Stop sending: the upstream does not keep up."""

    def resume_request(self) -> None:
        """Go on sending."""


class UpstreamConnection(asyncio.Protocol):
    """One connection to an upstream."""

    __slots__ = (
        "bodiless",
        "connected",
        "ended",
        "head",
        "idle_since",
        "interim",
        "keep_alive",
        "length",
        "opened",
        "parser",
        "paused",
        "pool",
        "receiver",
        "switched",
        "transport",
        "unread",
        "uses",
    )

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.connected = False
        self.receiver: Receiver | None = None
        self.head = ResponseHead()
        self.parser = self._fresh_parser()
        self.length = 0
        self.bodiless = self.ended = self.keep_alive = self.switched = self.paused = False
        self.interim = self.uses = self.unread = 0
        self.opened = False
        self.idle_since = 0.0

    def take(self, receiver: Receiver, *, of_head_request: bool) -> None:
        """Begin a request: from now on the receiver is told what comes."""
        self.receiver = receiver
        self.bodiless = of_head_request
        self.ended = False
        self.interim = self.length = self.unread = 0
        self.opened = False
        self.uses += 1

    def pause(self) -> None:
        """Stop reading: the receiver does not keep up."""
        if not self.paused:
            self.paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Go on reading."""
        if self.paused:
            self.paused = False
            self.transport.resume_reading()

    def close(self) -> None:
        """End the connection at once."""
        self.receiver = None
        if not self.transport.is_closing():
            self.transport.abort()

    # --- asyncio -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)
        self.connected = True

    def data_received(self, data: bytes) -> None:
        """Read a piece of the response."""
        receiver = self.receiver
        if receiver is None:
            self.close()  # nobody asked
            return
        if self.switched:
            receiver.switched(data)
            return
        if not self.opened and not self._opens_well(data):
            self._break(Failure.MALFORMED)
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._switch(receiver, data[upgrade.args[0] :])
            return
        except (httptools.HttpParserError, BadFraming):
            if not self.ended:
                self._break(Failure.MALFORMED)
                return
            self.keep_alive = False
        if self.ended:
            self._finish()
        elif self.receiver is receiver:
            receiver.response_flush()

    def eof_received(self) -> None:
        """Let the transport close; `connection_lost` tells the rest."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver, unless closing is how this response ends."""
        receiver, self.receiver = self.receiver, None
        self.pool.gone(self)
        if receiver is None:
            return
        if self.length == UNTIL_CLOSE and exc is None and not self.ended:
            receiver.response_ended()
        else:
            receiver.response_broken(Failure.CLOSED)

    def pause_writing(self) -> None:
        """Pass the back-pressure on."""
        if self.receiver is not None:
            self.receiver.pause_request()

    def resume_writing(self) -> None:
        """Pass the relief on."""
        if self.receiver is not None:
            self.receiver.resume_request()

    # --- httptools ---------------------------------------------------------------------------------------

    def _fresh_parser(self) -> httptools.HttpResponseParser:
        return httptools.HttpResponseParser(
            SimpleNamespace(
                on_message_begin=self._message_begins,
                on_header=self.head.add,
                on_headers_complete=self._headers_complete,
                on_body=self._take_body,
                on_message_complete=self._message_complete,
            )
        )

    def _message_begins(self) -> None:
        """Start a head, unless the response is over: more would be a response nobody asked for."""
        if self.ended:
            raise BadFraming("upstream.surplus")
        self.head.renew()

    def _headers_complete(self) -> None:
        """Tell the receiver of an interim or the final response."""
        head, receiver = self.head, self.receiver
        if receiver is None:
            return
        self.opened = True
        head.status = status = self.parser.get_status_code()
        if status > 599:
            raise BadFraming("upstream.status")
        if status < 200:
            self._take_interim(head, receiver)
            return
        self.length = head.body_length(of_head_request=self.bodiless)
        self.keep_alive = self.length != UNTIL_CLOSE and self.parser.should_keep_alive()
        receiver.response_started(head, self.length)
        if self.bodiless:
            self.ended = True

    def _take_body(self, data: bytes) -> None:
        if self.bodiless:
            raise BadFraming("upstream.surplus")
        if self.receiver is not None:
            self.receiver.response_data(data)

    def _message_complete(self) -> None:
        """Note the end. What follows from it waits until the parser has returned."""
        if self.head.status >= 200:
            self.ended = True

    def _opens_well(self, data: bytes) -> bool:
        """Look at the first reads: HTTP/1, and a head that ends within its bound."""
        if not self.unread and data[:7] != _OPENING[: len(data)]:
            return False
        before, self.unread = self.unread, self.unread + len(data)
        return self.unread <= MAXIMUM_HEAD or 0 <= data.find(b"\r\n\r\n") <= MAXIMUM_HEAD - before

    # --- ends --------------------------------------------------------------------------------------------

    def _take_interim(self, head: ResponseHead, receiver: Receiver) -> None:
        self.interim += 1
        if self.interim > MAXIMUM_INTERIM:
            raise BadFraming("upstream.interim")
        if head.status != SWITCHING_PROTOCOLS:
            receiver.response_interim(head)

    def _switch(self, receiver: Receiver, surplus: bytes) -> None:
        if self.head.status != SWITCHING_PROTOCOLS:
            self._break(Failure.MALFORMED)
            return
        self.switched = True
        receiver.response_started(self.head, 0)
        if surplus and self.receiver is receiver:
            receiver.switched(surplus)

    def _finish(self) -> None:
        receiver, self.receiver = self.receiver, None
        if self.bodiless:
            self.parser = self._fresh_parser()  # llhttp still waits for the body a HEAD has not
        if receiver is not None:
            receiver.response_ended()
        if self.keep_alive and not self.transport.is_closing():
            if self.paused:
                self.resume()
            self.pool.give_back(self)
        else:
            self.close()

    def _break(self, failure: Failure) -> None:
        receiver = self.receiver
        self.close()
        if receiver is not None:
            receiver.response_broken(failure)
