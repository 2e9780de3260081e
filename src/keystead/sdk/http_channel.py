"""The one way the SDK talks to issuers and agents: bounded, no redirects, no proxies or credentials from outside.

Does not: retry, keep cookies, decompress, or interpret. What arrives must be one strict JSON object.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from http.client import HTTPConnection, HTTPException
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from keystead.core.strict_json import NotStrictJson, parse_object

if TYPE_CHECKING:
    import httpx2

MAXIMUM_REPLY: Final = 65_536
TIMEOUT: Final = 3.0
_HEADERS: Final = {"accept": "application/json", "accept-encoding": "identity"}


class JsonReply(NamedTuple):
    """A reply: its status and its members; none when the body was empty or not one JSON object.

    `dpop_nonce` is for the next DPoP proof, empty for none.
    """

    status: int
    document: dict[str, Any]
    dpop_nonce: str = ""


class ChannelError(Exception):
    """No reply, or one that is too long, too slow or not understood. The message is for logs."""


class HttpChannel:
    """Requests over TCP, or over the unix socket `socket`. Belongs to whichever event loop uses it."""

    def __init__(
        self, *, socket: str | None = None, tls: ssl.SSLContext | None = None, timeout: float = TIMEOUT
    ) -> None:
        self._socket = socket
        self._tls = tls
        self._timeout = timeout
        self._client: httpx2.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> JsonReply:
        """Fetch a document. Raises: ChannelError."""
        return await self._send(url, "GET", None, headers)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> JsonReply:
        """Post a form. Raises: ChannelError."""
        return await self._send(url, "POST", form, headers)

    async def close(self) -> None:
        """Let go of open connections."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    async def _send(
        self, url: str, method: str, form: Mapping[str, str] | None, headers: Mapping[str, str] | None
    ) -> JsonReply:
        import httpx2

        try:
            async with asyncio.timeout(self._timeout):
                client = self._client_of_this_loop(url)
                request = client.build_request(method, url, data=form, headers={**_HEADERS, **(headers or {})})
                reply = await client.send(request, stream=True)
                try:
                    document = _document(await _collect(reply.aiter_raw()))
                    return JsonReply(reply.status_code, document, reply.headers.get("dpop-nonce", ""))
                finally:
                    await reply.aclose()
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, NotStrictJson, ssl.SSLError) as error:
            raise ChannelError(f"{type(error).__name__}: {error}") from error

    def _client_of_this_loop(self, url: str) -> httpx2.AsyncClient:
        import httpx2

        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            transport = httpx2.AsyncHTTPTransport(
                uds=self._socket, verify=self._tls or tls_for(url), trust_env=False, retries=0
            )
            self._client = httpx2.AsyncClient(
                transport=transport, follow_redirects=False, trust_env=False, cookies=no_cookies()
            )
            self._loop = loop
        return self._client


class _UnixConnection(HTTPConnection):
    """The standard library's HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def get_now(path: str, *, socket: str, headers: Mapping[str, str], timeout: float = TIMEOUT) -> JsonReply:
    """Fetch one document over a unix socket from code without an event loop.

    Raises: ChannelError.
    """
    connection = _UnixConnection(socket, timeout)
    try:
        connection.request("GET", path, headers={**_HEADERS, **headers})
        reply = connection.getresponse()
        return JsonReply(reply.status, _document(reply.read(MAXIMUM_REPLY + 1)))
    except (HTTPException, OSError, NotStrictJson) as error:
        raise ChannelError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def no_cookies() -> CookieJar:
    """Return a jar that takes no cookie from anybody."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def tls_for(url: str) -> ssl.SSLContext:
    """Return the system's trust store for https, and for http an empty one that is quick to make and trusts nobody."""
    return ssl.create_default_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def _collect(chunks: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > MAXIMUM_REPLY:
            raise NotStrictJson(f"a reply longer than {MAXIMUM_REPLY} bytes")
    return bytes(body)


def _document(body: bytes) -> dict[str, Any]:
    return parse_object(body, maximum_bytes=MAXIMUM_REPLY)
