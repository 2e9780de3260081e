"""One connection: uvicorn's httptools protocol, with a fast lane for bounded endpoints.

Flow: llhttp calls back -> the message is collected whole, within limits -> a route is found -> the request takes its
turn (`turns`).
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from keystead.app.http_server.application import NOT_FOUND, Target
from keystead.app.http_server.framing import METHODS, Refusal, require_clear_message, require_plain_target
from keystead.app.http_server.turns import Turn, TurnTakingProtocol
from keystead.core.forwarded_certificate import CERTIFICATE_HEADERS, NOTHING, ForwardedCertificate
from keystead.core.http import Request
from keystead.core.trace import TraceContext, accept_trace, new_trace
from keystead.core.values import EpochSeconds

_VERSIONS: Final = ("1.1", "1.0")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class FastLaneProtocol(TurnTakingProtocol):
    """A connection. See the module's docstring for the flow."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # uvicorn lets data follow a `Connection: close`; a parser without leniencies refuses it.
        self.parser = httptools.HttpRequestParser(self)
        self.in_head = False
        self.unproductive = 0
        self.by_tls: ForwardedCertificate | None = None
        self._reset()

    def _reset(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.certificate_headers: list[tuple[bytes, bytes]] = []
        self.traceparent: str | None = None
        self.head_size = 0
        self.body: list[bytes] = []
        self.body_size = 0
        self.route = NOT_FOUND
        self.realm = ""
        self.method = ""
        self.path = ""
        self.query = b""

    # --- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, unless there are too many or it comes around the proxy it should come through."""
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        tls = transport.get_extra_info("ssl_object")
        if hasattr(tls, "certificate"):  # of `certificate_tls`, which only who asks for certificates has to load
            self.by_tls = ForwardedCertificate(tls.certificate, tls.chain)
        if len(self.connections) > self.limits.connections:
            self._refuse(Refusal(503, "Too many connections; try again later.", "temporarily_unavailable"))
        elif tls is None and self.application.only_proxies and not self.application.trusts(self.peer):
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client. A handler that is under way goes on: what it commits is committed."""
        self.waiting.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; refuse what cannot be parsed, what is ambiguous and what is too large."""
        if self.last:
            return
        self.unproductive += len(data)
        try:
            self.parser.feed_data(data)
            # A header, a trailer or a chunk extension: llhttp gathers it until it is whole, however long it gets.
            if self.collecting and self.unproductive > self.limits.header_size + self.limits.target_size:
                self._refuse(Refusal(431, "The header section is too large."))
        except httptools.HttpParserUpgrade:
            self.last = True
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, Refusal):
                self._refuse(cause)
            elif cause is not None and isinstance(error, httptools.HttpParserCallbackError):
                raise cause from None
            elif not self.last:
                self._refuse(Refusal(400, "This is not a well-formed HTTP/1.1 request."))

    # --- parser callbacks

    def on_message_begin(self) -> None:
        """Start collecting a message."""
        self._reset()
        self.in_head = True
        self.collecting = True
        self.unproductive = 0
        self._allow(self.limits.header_timeout)

    def on_url(self, url: bytes) -> None:
        """Collect the request target, within its limit."""
        self.url += url
        if len(self.url) > self.limits.target_size:
            raise Refusal(414, "The request target is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header, within the limits of size and number."""
        if not self.in_head:
            raise Refusal(400, "Trailers are not accepted.")
        name = name.lower()
        self.head_size += len(name) + len(value)
        if self.head_size > self.limits.header_size or len(self.headers) >= self.limits.header_count:
            raise Refusal(431, "The header section is too large.")
        if name in CERTIFICATE_HEADERS:
            self.certificate_headers.append((name, value))
            return
        if name == b"traceparent":
            self.traceparent = value.decode("latin-1")
        self.headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Refuse ambiguity, find the route, and refuse a body it would not take before it is sent."""
        self.in_head = False
        self.unproductive = 0
        self._allow(self.limits.body_timeout)
        parser = self.parser
        version = parser.get_http_version()
        if version not in _VERSIONS:
            raise Refusal(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        method = parser.get_method()
        known = self.application.remembered(method, self.url)
        if known is None and method not in METHODS:
            raise Refusal(501, "This method is not known here.")
        announced = require_clear_message(version, parser.should_upgrade(), self.headers)
        self.method, self.path, self.route, self.realm = known or self._resolve(method)
        if announced.length > self.route.maximum_body:
            raise Refusal(413, f"A body here may have {self.route.maximum_body} bytes.")
        if announced.expects_continue and self.answering is None and not self.waiting:
            self.transport.write(_CONTINUE)

    def _resolve(self, method: bytes) -> Target:
        """Find the route of a request line, and remember it when it has one and no query."""
        require_plain_target(self.url)
        path, _, self.query = self.url.partition(b"?")
        target = Target(method.decode("ascii"), path.decode("ascii"), NOT_FOUND, "")
        route, realm = self.application.resolve(target.method, target.path)
        target = target._replace(route=route, realm=realm)
        if (realm or route.outside_realms) and path == self.url:
            self.application.remember(target)
        return target

    def on_body(self, body: bytes) -> None:
        """Collect the body, within the route's limit."""
        self.unproductive = 0
        self.body.append(body)
        self.body_size += len(body)
        if self.body_size > self.route.maximum_body:
            raise Refusal(413, f"A body here may have {self.route.maximum_body} bytes.")

    def on_message_complete(self) -> None:
        """Answer, or queue behind what is being answered."""
        self.collecting = False
        trace = new_trace() if self.traceparent is None else accept_trace(self.traceparent)
        keep_alive = self.parser.should_keep_alive() and not self.parser.should_upgrade()
        self.last = self.last or not keep_alive
        began = time.time()
        now = EpochSeconds(int(began))
        route, bodiless = self.route, self.method == "HEAD"
        turn = Turn(route, keep_alive, began, trace.trace_id.encode("ascii"), bodiless)
        if route.at_hand is not None:
            turn.reply = route.at_hand(self.realm, now)
        if turn.reply is None:
            turn.request = self._request(trace, now)
        self._take(turn)

    def _request(self, trace: TraceContext, now: EpochSeconds) -> Request:
        headers = tuple(self.headers)
        address = self.peer
        if self.application.trusted_proxies:
            address = self.application.client_address(address, headers)
        proved = self._certificate()
        return Request(
            self.method,
            self.path,
            self.query,
            headers,
            b"".join(self.body),
            now,
            trace,
            self.realm,
            address,
            proved.certificate,
            proved.chain,
        )

    def _certificate(self) -> ForwardedCertificate:
        """Return the certificate this connection proved, or else the one a trusted proxy saw."""
        if self.by_tls is not None:
            return self.by_tls
        if not self.certificate_headers:
            return NOTHING
        return self.application.forwarded_certificate(self.peer, tuple(self.certificate_headers))
