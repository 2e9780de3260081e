"""What goes to an upstream: exactly the judged target, the client's scrubbed headers, and ours.

Ours: `Host`, `X-Forwarded-For/Proto/Host`, `X-Keystead-Client-Id`, `traceparent`, and on routes that carry an
identity `Authorization` with a token for this upstream alone. The client's are scrubbed first, so none can be
spoofed, doubled, or taken away by a `Connection` header.
Does not: choose the route or the token.
"""

from __future__ import annotations

import ssl
from typing import Final

from keystead.core.trace import TraceContext
from keystead.gateway.admission import Asked
from keystead.gateway.cookies import without_ours
from keystead.gateway.head import CHUNKED, RequestHead
from keystead.gateway.hygiene import COOKIE, EXPECT, FORWARDED_FOR
from keystead.gateway.identity import Identity
from keystead.gateway.listener import Listener
from keystead.gateway.pool import Address, Pool
from keystead.gateway.relay import Admitted, Relay
from keystead.gateway.routes import Origin, Route, RouteTable
from keystead.gateway.settings import LimitSettings

_BODILESS: Final = frozenset({b"GET", b"HEAD", b"DELETE", b"OPTIONS"})
_UPGRADE_LINES: Final = b"connection: Upgrade\r\nupgrade: websocket\r\n"


class Outbound:
    """Makes relays, and keeps a pool for every upstream."""

    def __init__(
        self,
        routes: RouteTable,
        limits: LimitSettings,
        *,
        public_url: str,
        client_id: str,
        trusted_proxies: frozenset[str],
        tls: ssl.SSLContext | None,
    ) -> None:
        scheme, _, authority = public_url.partition("://")
        self._about_us = (
            f"\r\nx-forwarded-proto: {scheme}\r\nx-forwarded-host: {authority}\r\nx-keystead-client-id: {client_id}\r\n"
        ).encode()
        self._trusted_proxies = trusted_proxies
        self._pools: dict[Origin, Pool] = {}
        for route in routes:
            origin = route.origin
            if origin not in self._pools:
                address = Address(origin.host, origin.port, tls=tls if origin.secure else None)
                self._pools[origin] = Pool(address, limits)

    def relay(
        self, listener: Listener, head: RequestHead, asked: Asked, identity: Identity, trace: TraceContext
    ) -> Relay:
        """Return the relay of a judged request, ready to begin."""
        route = asked.route
        assert route is not None
        traceparent = trace.traceparent().encode()
        path = route.rewrite(asked.path)
        parts = [
            *(head.method, b" ", path, asked.query, route.request_line_end),
            *(b"x-forwarded-for: ", self._client_address(listener, head), self._about_us),
            *(b"traceparent: ", traceparent, b"\r\n", identity.authorization),
        ]
        proof = b""
        if identity.prover is not None:
            proof = identity.prover.line(head.method, route, path, identity.token)
            parts.append(proof)
        if asked.length or head.method not in _BODILESS or asked.upgrade or route.cookies:
            parts.append(self._further_lines(head, asked, route))
        parts.append(head.block.kept)
        lines = b"traceresponse: %b\r\n" % traceparent
        admitted = Admitted(head.method, route, identity, lines, asked.upgrade, path, proof)
        return Relay(listener, admitted, self._pools[route.origin], b"".join(parts), asked.length)

    def sweep(self, now: float) -> None:
        """Close connections that were idle too long."""
        for pool in self._pools.values():
            pool.sweep(now)

    def close(self) -> None:
        """Close every connection when it is done."""
        for pool in self._pools.values():
            pool.close()

    def _further_lines(self, head: RequestHead, asked: Asked, route: Route) -> bytes:
        lines = b""
        if asked.length == CHUNKED:
            lines = b"transfer-encoding: chunked\r\n"
        elif asked.length or head.method not in _BODILESS:
            lines = b"content-length: %d\r\n" % asked.length
        if asked.upgrade:
            lines += _UPGRADE_LINES
        elif EXPECT in head.seen and asked.length:
            lines += b"expect: 100-continue\r\n"
        if route.cookies and COOKIE in head.seen:
            others = without_ours(head.seen[COOKIE])
            if others:
                lines += b"cookie: " + others + b"\r\n"
        return lines

    def _client_address(self, listener: Listener, head: RequestHead) -> bytes:
        """Return the browser's address: the socket's, or what a proxy that the configuration names says."""
        if self._trusted_proxies and listener.peer in self._trusted_proxies:
            told = forwarded_client(head.seen.get(FORWARDED_FOR, b""), self._trusted_proxies)
            return (told or listener.peer).encode()
        return listener.peer.encode()


def forwarded_client(header: bytes, trusted: frozenset[str]) -> str:
    """Return the nearest address in X-Forwarded-For that is not a proxy of ours, or nothing."""
    for part in reversed(header.split(b",")):
        address = part.strip(b" \t").decode("latin-1")
        if not address or not address.replace(".", "").replace(":", "").isalnum():
            return ""
        if address not in trusted:
            return address
    return ""
