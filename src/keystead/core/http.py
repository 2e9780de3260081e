"""Requests and replies without a framework: what an endpoint takes and gives, whichever server carries it.

Flow: the server (fast lane or ASGI mount) builds a `Request`, calls the endpoint, writes the `Reply`.
Does not: parse forms (`core.forms`), choose routes (`app`), or trust any header. `client_address` comes from the
socket, or from a proxy the configuration names.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import msgspec

from keystead.core.trace import TraceContext
from keystead.core.values import EpochSeconds

Headers = tuple[tuple[bytes, bytes], ...]

NO_STORE: Final[Headers] = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
JSON: Final = (b"content-type", b"application/json")


class Request(msgspec.Struct, frozen=True):
    """One HTTP request, whole. Header names are lower case; repeated headers stay repeated.

    `path` is the raw path as received (percent-encoding kept, no query); `now` is when it arrived.
    `client_certificate` is the DER certificate the sender proved to hold, from our own TLS listener or from a proxy the
    configuration trusts for it; empty otherwise, whatever a header says. `client_certificate_chain` was
    sent along to vouch for it, in the order it came.
    `realm` is the realm named by the path, already known to exist, or empty outside a realm.
    """

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes
    now: EpochSeconds
    trace: TraceContext
    realm: str = ""
    client_address: str = ""
    client_certificate: bytes = b""
    client_certificate_chain: tuple[bytes, ...] = ()

    def header(self, name: bytes) -> bytes | None:
        """Return the only value of a header, or None when it is absent.

        Raises: ValueError when the header is repeated, which no header we read may be.
        """
        found: bytes | None = None
        for key, value in self.headers:
            if key == name:
                if found is not None:
                    raise ValueError(f"repeated header {name.decode('latin-1')}")
                found = value
        return found


class Reply(msgspec.Struct, frozen=True):
    """One HTTP response, whole. The server adds Content-Length and Date; nothing else is implied."""

    status: int
    headers: Headers = ()
    body: bytes = b""


async def _nothing() -> AsyncIterator[bytes]:
    no_parts: tuple[bytes, ...] = ()
    for part in no_parts:
        yield part


class StreamedReply(Reply, frozen=True):
    """A response that is sent while it is made: `parts` follow one another, and `body` is empty.

    Whoever sends it asks for the next part when the one before has left. Only endpoints off the fast lane give one.
    """

    parts: AsyncIterator[bytes] = msgspec.field(default_factory=_nothing)


Endpoint = Callable[[Request], Awaitable[Reply]]
"""An endpoint. Expected failures are replies; what it raises becomes a 500 (or a 503 for `StorageError`)."""


def json_reply(document: object, *, status: int = 200, headers: Headers = NO_STORE) -> Reply:
    """Return a JSON reply that no cache keeps."""
    return Reply(status, (JSON, *headers), msgspec.json.encode(document))
