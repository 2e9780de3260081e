"""One request carried to an upstream, and its response carried back, both streaming, both with back-pressure.

Flow: `begin` takes or asks for a connection -> the head and the body go out as they come -> the response comes back
as it comes -> `listener.answered`. Bodies are never gathered; whoever cannot keep up stops the other side's reading.
Retries: only a request without a body, of an idempotent method, sent over a kept connection that closed before a
single byte of an answer, and only once, over a fresh connection; and a request without a body whose proof lacked the
upstream's nonce, once.
Does not: judge anything. What `admission` let through is what is sent.
Spec: RFC 9110 sections 7.6, 9.2.2 and 10.1.1; RFC 9112 sections 7 and 9.3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keystead.gateway.echo_guard import shows, tail
from keystead.gateway.failures import Failure
from keystead.gateway.head import CHUNKED, ResponseHead
from keystead.gateway.hygiene import DPOP_NONCE
from keystead.gateway.identity import Identity, SessionView
from keystead.gateway.pool import Pool
from keystead.gateway.prover import Prover
from keystead.gateway.response import render_interim, render_response
from keystead.gateway.routes import Route
from keystead.gateway.upstream import SWITCHING_PROTOCOLS, UpstreamConnection

if TYPE_CHECKING:
    from keystead.gateway.listener import Listener

IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"})
_LAST_CHUNK: Final = b"0\r\n\r\n"


class Admitted(msgspec.Struct, frozen=True):
    """What a relay needs to know of the request it carries. `response_lines` are ours in the response.

    `path` is the upstream's, `proof` the header line that proves our key for it; both empty without one.
    """

    method: bytes
    route: Route
    identity: Identity
    response_lines: bytes
    upgrade: bool
    path: bytes = b""
    proof: bytes = b""


class Relay(msgspec.Struct, eq=False):
    """A request on its way to an upstream. `length` is that of its body, `request` its finished head."""

    listener: Listener
    admitted: Admitted
    pool: Pool
    request: bytes
    length: int
    request_done: bool = False
    received: int = 0
    held: list[bytes] = []
    pending: list[bytes] = []
    last_piece: bytes = b""
    upstream: UpstreamConnection | None = None
    started: bool = False
    over: bool = False
    retried: bool = False
    proved_again: bool = False
    chunk_response: bool = False
    tunnel: bool = False

    @property
    def upgrading(self) -> bool:
        """Whether the request asks for a tunnel."""
        return self.admitted.upgrade

    @property
    def session(self) -> SessionView | None:
        """The session this is done for."""
        return self.admitted.identity.session

    def begin(self) -> None:
        """Send the request as soon as there is a connection."""
        connection = self.pool.take()
        if connection is None:
            self.listener.pause_reading()
            self.pool.ask(self)
        else:
            self.connected(connection)

    # --- the browser's side ------------------------------------------------------------------------------

    def request_data(self, data: bytes) -> None:
        """Pass a piece of the request body, or of the tunnel, on."""
        if self.admitted.upgrade:
            self._tunnel_data(data)
            return
        self.received += len(data)
        if self.received > self.admitted.route.maximum_body:
            self.listener.door.refuse_body_size(self.listener)
            return
        if self.length == CHUNKED:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if self.upstream is None:
            self.held.append(data)
        else:
            self.upstream.transport.write(data)

    def request_ended(self) -> None:
        """Note that the request is whole."""
        if self.length == CHUNKED:
            if self.upstream is None:
                self.held.append(_LAST_CHUNK)
            else:
                self.upstream.transport.write(_LAST_CHUNK)
        self.request_done = True
        if self.upstream is not None:
            self._await_response()

    def abandon(self) -> None:
        """The browser has gone, or may not have more: end the upstream's work too."""
        self.over = True
        if self.upstream is not None:
            self.upstream.close()
            self.upstream = None
        else:
            self.pool.forget(self)

    def pause_response(self) -> None:
        """The browser does not keep up: stop reading from the upstream."""
        if self.upstream is not None:
            self.upstream.pause()

    def resume_response(self) -> None:
        """The browser keeps up again."""
        if self.upstream is not None:
            self.upstream.resume()

    # --- the upstream's side (Receiver) ------------------------------------------------------------------

    def connected(self, connection: UpstreamConnection) -> None:
        """Send what there is of the request."""
        if self.over:
            self.pool.give_back(connection)
            return
        self.upstream = connection
        if self.request_done:
            self._await_response()
        if self.listener.reading_paused:  # before the writes, which may find that the upstream does not keep up
            self.listener.resume_reading()
        connection.take(self, of_head_request=self.admitted.method == b"HEAD")
        connection.transport.write(self.request)
        if self.held and not self.admitted.upgrade:
            connection.transport.writelines(self.held)
            self.held = []

    def response_interim(self, head: ResponseHead) -> None:
        """Pass 100 Continue and Early Hints on, to browsers that can read them."""
        if not self.listener.old_client and not self.started:
            self.listener.write(render_interim(head))

    def response_started(self, head: ResponseHead, length: int) -> None:
        """Hold the head back until the first piece of the body, or until there is nothing more for now."""
        listener, admitted = self.listener, self.admitted
        if head.status == SWITCHING_PROTOCOLS:
            self._switch(head)
            return
        prover = admitted.identity.prover
        if prover is not None and DPOP_NONCE in head.seen:
            may = self.request_done and not (self.length or admitted.upgrade or self.proved_again)
            if prover.note(admitted.route, head) and may:
                self._prove_again(prover)
                return
        framed = length < 0  # chunked, or until the end of the connection
        if not self.request_done or admitted.upgrade or (framed and listener.old_client):
            listener.keep_alive = False
        self.chunk_response = framed and not listener.old_client
        lines = admitted.response_lines
        if not listener.keep_alive:
            lines += b"connection: close\r\n"
        if self.chunk_response:
            lines += b"transfer-encoding: chunked\r\n"
        rendered = render_response(head, length, admitted.route, lines)
        self.pending.append(rendered)
        needle = admitted.identity.needle
        if needle and needle in rendered:
            self._keep_token_back()

    def response_data(self, data: bytes) -> None:
        """Pass a piece of the response body on, unless the upstream shows the browser its token."""
        needle = self.admitted.identity.needle
        if needle:
            if shows(needle, self.last_piece, data):
                self._keep_token_back()
                return
            self.last_piece = tail(self.last_piece, data)
        if self.chunk_response:
            self.pending += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self.pending.append(data)

    def response_flush(self) -> None:
        """Write what was gathered while one read was parsed."""
        if self.pending:
            pending, self.pending = self.pending, []
            self.started = True
            self.listener.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def response_ended(self) -> None:
        """Finish the response; the upstream connection belongs to the pool again."""
        upstream, self.upstream = self.upstream, None
        if upstream is not None and not self.request_done:
            upstream.keep_alive = False  # the rest of the request will never be sent
        self.over = True
        if self.chunk_response:
            self.pending.append(_LAST_CHUNK)
        self.response_flush()
        self.listener.answered()

    def response_broken(self, failure: Failure) -> None:
        """Try once more where nothing can have happened; otherwise say so, or break off what was begun."""
        reused = self.upstream is not None and self.upstream.uses > 1
        self.upstream = None
        if self.over:
            return
        if failure is Failure.CLOSED and reused and not self.started and self._may_retry():
            self.retried = True
            self.pool.ask(self)
            return
        self.over = True
        if self.started:
            self.listener.cut()
        else:
            self.listener.door.fail(self.listener, failure)

    def _prove_again(self, prover: Prover) -> None:
        """Send the request once more, with a proof that carries the nonce."""
        admitted = self.admitted
        proof = prover.line(admitted.method, admitted.route, admitted.path, admitted.identity.token)
        self.request = self.request.replace(admitted.proof, proof, 1)
        self.proved_again = True
        if self.upstream is not None:
            self.upstream.close()
            self.upstream = None
        self.begin()

    def _keep_token_back(self) -> None:
        if not self.over:
            self.pending = []
            self.abandon()
            self.listener.door.report_echo(self.listener)

    def switched(self, data: bytes) -> None:
        """Pass bytes of a tunnel back."""
        self.listener.write(data)

    def pause_request(self) -> None:
        """The upstream does not keep up: stop reading from the browser."""
        self.listener.pause_reading()

    def resume_request(self) -> None:
        """The upstream keeps up again."""
        self.listener.resume_reading()

    # ---

    def _await_response(self) -> None:
        if not self.started:
            self.listener.patience.begin(self.admitted.route.response_timeout)

    def _tunnel_data(self, data: bytes) -> None:
        if self.upstream is not None and self.tunnel:
            self.upstream.transport.write(data)
        else:
            self.held.append(data)
            self.listener.pause_reading()

    def _may_retry(self) -> bool:
        return (
            not self.retried and self.length == 0 and not self.admitted.upgrade and self.admitted.method in IDEMPOTENT
        )

    def _switch(self, head: ResponseHead) -> None:
        if not self.admitted.upgrade or self.upstream is None:
            self.abandon()
            self.listener.door.fail(self.listener, Failure.MALFORMED)
            return
        self.tunnel = self.started = True
        lines = b"connection: Upgrade\r\nupgrade: websocket\r\n"
        self.listener.write(render_response(head, 0, self.admitted.route, lines))
        if self.held:
            self.upstream.transport.writelines(self.held)
            self.held = []
        self.listener.switch()
