"""Calls the gateway makes for itself (issuer, agent): one request, one whole, bounded answer, over pooled connections.

Does not: follow redirects, keep cookies, read proxies or credentials from the environment, or retry a POST.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from keystead.core.errors import UpstreamError
from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.gateway.failures import Failure
from keystead.gateway.head import ResponseHead
from keystead.gateway.hygiene import DPOP_NONCE
from keystead.gateway.pool import Address, Pool
from keystead.gateway.routes import origin_of
from keystead.gateway.settings import LimitSettings
from keystead.gateway.upstream import UpstreamConnection

MAXIMUM_ANSWER: Final = 262_144
TIMEOUT: Final = 10.0
_LIMITS: Final = LimitSettings(upstream_connections=64, connect_timeout=3)

Lines = Sequence[tuple[str, str]]


class Answer(msgspec.Struct, frozen=True):
    """A whole answer. `dpop_nonce` is for the next DPoP proof, empty for none."""

    status: int
    body: bytes
    dpop_nonce: str = ""

    def document(self) -> dict[str, object]:
        """Return the body as one strict JSON object.

        Raises: UpstreamError.
        """
        try:
            return parse_object(self.body, maximum_bytes=MAXIMUM_ANSWER)
        except NotStrictJson:
            raise UpstreamError(f"the answer with status {self.status} is not one JSON object") from None


class Call:
    """One request on its way; the `Receiver` of its answer."""

    __slots__ = ("_body", "_nonce", "_pool", "_request", "_reuse", "_size", "_status", "_upstream", "answer")

    def __init__(self, pool: Pool, request: bytes, *, reuse: bool) -> None:
        self._reuse = reuse
        self.answer: asyncio.Future[Answer | Failure] = asyncio.get_running_loop().create_future()
        self._pool = pool
        self._request = request
        self._upstream: UpstreamConnection | None = None
        self._status = self._size = 0
        self._nonce = ""
        self._body: list[bytes] = []

    def begin(self) -> None:
        """Send it, over a kept connection or a fresh one."""
        connection = self._pool.take()
        if connection is None:
            self._pool.ask(self)
        else:
            self.connected(connection)

    def abandon(self) -> None:
        """Nobody waits any more."""
        if self._upstream is not None:
            self._upstream.close()
        else:
            self._pool.forget(self)

    def connected(self, connection: UpstreamConnection) -> None:
        """Send it."""
        if self.answer.done():
            self._pool.give_back(connection)
            return
        self._upstream = connection
        connection.take(self, of_head_request=False)
        connection.transport.write(self._request)

    def response_started(self, head: ResponseHead, length: int) -> None:
        """Keep the status, and the nonce for the next proof."""
        self._status = head.status
        self._nonce = head.seen.get(DPOP_NONCE, b"").decode("latin-1")

    def response_interim(self, head: ResponseHead) -> None:
        """Interim answers mean nothing here."""

    def response_data(self, data: bytes) -> None:
        """Gather the body."""
        self._size += len(data)
        if self._size <= MAXIMUM_ANSWER:
            self._body.append(data)

    def response_flush(self) -> None:
        """Nothing is held back."""

    def response_ended(self) -> None:
        """Answer."""
        if self._upstream is not None and not self._reuse:
            self._upstream.keep_alive = False
        self._upstream = None
        too_large = self._size > MAXIMUM_ANSWER
        self._settle(Failure.MALFORMED if too_large else Answer(self._status, b"".join(self._body), self._nonce))

    def response_broken(self, failure: Failure) -> None:
        """Say so."""
        self._upstream = None
        self._settle(failure)

    def switched(self, data: bytes) -> None:
        """Nobody asked for a tunnel."""
        self.abandon()
        self._settle(Failure.MALFORMED)

    def pause_request(self) -> None:
        """Requests are small: the transport holds what is left."""

    def resume_request(self) -> None:
        """Nothing was stopped."""

    def _settle(self, outcome: Answer | Failure) -> None:
        if not self.answer.done():
            self.answer.set_result(outcome)


class Caller:
    """Makes calls to one origin, or to one unix socket. `reuse`: whether a connection serves several calls."""

    def __init__(self, address: Address, authority: str, *, reuse: bool = True) -> None:
        self._reuse = reuse
        self._pool = Pool(address, _LIMITS)
        self._authority = authority

    async def call(self, method: str, target: str, headers: Lines = (), body: bytes | None = None) -> Answer:
        """Make one call.

        Raises: UpstreamError when there is no whole answer in time.
        """
        lines = [f"{method} {target} HTTP/1.1", f"host: {self._authority}", "accept: application/json"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body is not None:
            lines.append(f"content-length: {len(body)}")
        call = Call(self._pool, "\r\n".join((*lines, "", "")).encode("ascii") + (body or b""), reuse=self._reuse)
        call.begin()
        try:
            async with asyncio.timeout(TIMEOUT):
                outcome = await call.answer
        except TimeoutError:
            raise UpstreamError(f"{self._authority} took longer than {TIMEOUT:g} seconds") from None
        finally:
            if not call.answer.done() or call.answer.cancelled():
                call.abandon()
        if isinstance(outcome, Failure):
            raise UpstreamError(f"{self._authority} gave no answer ({outcome.reason})")
        return outcome

    def sweep(self, now: float) -> None:
        """Close connections that were idle too long."""
        self._pool.sweep(now)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class Callers:
    """A caller per origin, made when first needed."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._callers: dict[str, Caller] = {}

    def of(self, url: str) -> tuple[Caller, str]:
        """Return the caller of a URL's origin, and the request target."""
        origin = origin_of(url)
        key = f"{'https' if origin.secure else 'http'}://{origin.authority}"
        if key not in self._callers:
            address = Address(origin.host, origin.port, tls=self._tls if origin.secure else None)
            self._callers[key] = Caller(address, origin.authority)
        parts = urlsplit(url)
        return self._callers[key], (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def sweep(self, now: float) -> None:
        """Close connections that were idle too long."""
        for caller in self._callers.values():
            caller.sweep(now)

    def close(self) -> None:
        """Close every connection."""
        for caller in self._callers.values():
            caller.close()
