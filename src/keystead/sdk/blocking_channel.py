"""HTTP for a thread of our own: one kept-alive connection at a time, no redirects, no proxies, bounded, strict JSON.

The blocking sister of `http_channel`, for what must go on whichever event loop a service runs, or none.
Does not: retry, or tell a thread from another; one thread uses it.
"""

from __future__ import annotations

import re
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.sdk.http_channel import ChannelError, tls_for

MAXIMUM_REPLY: Final = 262_144
_HEADERS: Final = {"accept": "application/json", "accept-encoding": "identity"}


class Document(NamedTuple):
    """A JSON object, and the Link headers that came with it."""

    members: dict[str, Any]
    links: tuple[str, ...]

    def linked(self, relation: str) -> str:
        """Return the target of the link with a relation, empty when there is none. Spec: RFC 8288 section 3."""
        pattern = re.compile(rf'<([^<>"]*)>\s*;\s*rel="?{re.escape(relation)}"?\s*(?:[,;]|$)', re.ASCII)
        return next((found[1] for link in self.links if (found := pattern.search(link))), "")


class BlockingChannel:
    """Fetches documents, one after the other. `tls` is for https; the system's trust store when it is None."""

    def __init__(self, tls: ssl.SSLContext | None, timeout: float) -> None:
        self._tls = tls
        self._timeout = timeout
        self._connection: HTTPConnection | None = None
        self._origin = ""

    def get(self, url: str, *, patience: float = 0.0) -> Document:
        """Return the JSON object at a URL. `patience` is how much longer than usual the answer may take.

        Raises: ChannelError for anything but one object with status 200.
        """
        parts = urlsplit(url)
        try:
            connection = self._connected(parts.scheme, parts.netloc, url)
            assert connection.sock is not None
            connection.sock.settimeout(self._timeout + patience)
            connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=_HEADERS)
            reply = connection.getresponse()
            body = reply.read(MAXIMUM_REPLY + 1)
            if not reply.isclosed() or reply.will_close:
                self.close()
            if reply.status != 200:
                raise ChannelError(f"{url.partition('?')[0]} answered {reply.status}")
            members = parse_object(body, maximum_bytes=MAXIMUM_REPLY)
            return Document(members, tuple(reply.headers.get_all("link", ())))
        except (HTTPException, OSError, NotStrictJson, ValueError) as error:
            self.close()
            raise ChannelError(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self, scheme: str, netloc: str, url: str) -> HTTPConnection:
        origin = f"{scheme}://{netloc}"
        if self._connection is None or self._origin != origin or self._connection.sock is None:
            self.close()
            if scheme == "https":
                connection: HTTPConnection = HTTPSConnection(
                    netloc, timeout=self._timeout, context=self._tls or tls_for(url)
                )
            else:
                connection = HTTPConnection(netloc, timeout=self._timeout)
            connection.connect()
            self._connection, self._origin = connection, origin
        return self._connection
