"""The one door to other servers, and the guard against server-side request forgery that stands in it.

Flow: the URL is parsed and judged -> the name is resolved by our own resolver, which refuses every address that is not
public unless the operator allowed its network -> the connection goes to exactly the addresses that were judged, so
that no second answer of the name server counts -> the answer is read within bounds.
Does not: follow redirects, keep cookies, read proxies from the environment, or retry.
Spec: RFC 9101 section 10.4.1, RFC 8725 section 3.10, OWASP ASVS 5.0 1.3.6.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Coroutine, Sequence
from contextlib import nullcontext
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from keystead.core.http import Headers
from keystead.core.protocols import Fetched, OutboundRefused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_DEADLINE_SECONDS: Final = 5.0
_LONGEST_URL: Final = 2_048
_AT_ONCE: Final = 32
_FETCHES_AT_ONCE: Final = 24
"""Strangers name what is fetched; what we send (logout tokens, events) always has places of its own."""
_IPV4_LAST: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")))
"""Networks whose last 32 bits are an IPv4 address: NAT64, IPv4-compatible, IPv4-translated."""


class GuardedOutbound:
    """Sends requests for the issuer. `allow` names networks beyond the public ones; only they may be plain http.

    `before` is called when somebody begins to wait: it lets go of what must not be held meanwhile.
    """

    def __init__(
        self,
        allow: Sequence[Network] = (),
        *,
        certificate_authorities: str = "",
        before: Callable[[], None] | None = None,
    ) -> None:
        self._allow = tuple(allow)
        self._authorities = certificate_authorities
        self._before = before
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fetches = asyncio.Semaphore(_FETCHES_AT_ONCE)

    async def get(self, url: str, *, maximum: int = 65_536, accept: str = "application/json") -> Fetched:
        """Fetch a document of at most `maximum` bytes. Raises: OutboundRefused."""
        return await _as_task(self._send("GET", url, b"", ((b"accept", accept.encode()),), maximum))

    async def post(self, url: str, body: bytes, headers: Headers, *, maximum: int = 65_536) -> Fetched:
        """Send a body. Raises: OutboundRefused."""
        return await _as_task(self._send("POST", url, body, headers, maximum))

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, method: str, url: str, body: bytes, headers: Headers, maximum: int) -> Fetched:
        self._require_sendable(url)
        if self._before is not None:
            self._before()
        named = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        named["accept-encoding"] = "identity"  # what is compressed could unpack to anything
        session = self._open()
        try:
            async with (
                asyncio.timeout(_DEADLINE_SECONDS),
                self._fetches if method == "GET" else nullcontext(),
                session.request(method, url, data=body or None, headers=named, allow_redirects=False) as answer,
            ):
                content = await _read_bounded(answer, maximum)
                found = tuple((name.lower(), value) for name, value in answer.raw_headers)
                return Fetched(answer.status, found, content)
        except TimeoutError:
            raise OutboundRefused(f"{_place(url)} did not answer within {_DEADLINE_SECONDS:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise OutboundRefused(f"{_place(url)}: {error}") from error

    def _open(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            trust = ssl.create_default_context(cafile=self._authorities or None)
            connector = aiohttp.TCPConnector(
                resolver=_GuardedResolver(self._allow), ssl=trust, limit=_AT_ONCE, force_close=True, use_dns_cache=False
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False
            )
            self._loop, self._fetches = loop, asyncio.Semaphore(_FETCHES_AT_ONCE)
        return self._session

    def _require_sendable(self, url: str) -> None:
        """Judge the URL as written; a literal address never reaches the resolver, so it is judged here."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise OutboundRefused("that is no URL") from None
        if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or not host or port == 0:
            raise OutboundRefused("that is no URL we send to")
        if parts.scheme not in ("https", "http") or parts.username is not None or parts.password is not None:
            raise OutboundRefused(f"{host}: only https without credentials in the URL")
        literal = _literal(host)
        if literal is not None:
            require_allowed(literal, self._allow)
        if parts.scheme == "http" and not (self._allow and (literal is not None or host == "localhost")):
            raise OutboundRefused(f"{host}: plain http, only for addresses that server.outbound.allow names")


class _GuardedResolver(AbstractResolver):
    """Resolves a name to addresses that may be connected to; one that may not refuses them all."""

    def __init__(self, allow: tuple[Network, ...]) -> None:
        self._allow = allow

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, family=socket.AF_UNSPEC
        )
        results: list[ResolveResult] = []
        for kind, _, protocol, _, where in found:
            address: Any = where[0]
            require_allowed(ipaddress.ip_address(address), self._allow)
            results.append(
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=port,
                    family=kind,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return results

    async def close(self) -> None:
        """Nothing is held."""


async def _as_task(sending: Coroutine[Any, Any, Fetched]) -> Fetched:
    """Await it in a task of its own: a handler in the fast lane has none, and a deadline needs one."""
    return await asyncio.get_running_loop().create_task(sending)


def require_allowed(address: Address, allow: Sequence[Network]) -> None:
    """Demand a public address, or one of an allowed network. Raises: OutboundRefused.

    An address that carries an IPv4 address inside leads there, through a gateway or the kernel: both are judged.
    """
    inner = _inside(address) if isinstance(address, ipaddress.IPv6Address) else ()
    candidates: tuple[Address, ...] = (address, *inner)
    for candidate in candidates:
        if any(candidate in network for network in allow if network.version == candidate.version):
            return
    for candidate in candidates:
        local = isinstance(candidate, ipaddress.IPv6Address) and candidate.is_site_local
        if not candidate.is_global or candidate.is_multicast or local:
            raise OutboundRefused(f"{address} is no public address; name its network in server.outbound.allow")


def _inside(address: ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the IPv4 addresses an IPv6 address stands for. Spec: RFC 6052 section 2, RFC 4291 section 2.5.5,
    RFC 2765 section 2.1, RFC 3056 section 2, RFC 4380 section 4."""
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in prefix for prefix in _IPV4_LAST):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return tuple(one for one in found if one is not None)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    # 127.1, 0x7f000001 and 2130706433 are addresses to the C library; no server we want is named so.
    if host.replace(".", "").replace("x", "").isalnum() and host.rsplit(".", 1)[-1][:1].isdigit():
        raise OutboundRefused(f"{host} is an address in disguise")
    return None


async def _read_bounded(answer: aiohttp.ClientResponse, maximum: int) -> bytes:
    content = bytearray()
    async for piece in answer.content.iter_chunked(16_384):
        content += piece
        if len(content) > maximum:
            raise OutboundRefused(f"the answer is longer than {maximum} bytes")
    return bytes(content)


def _place(url: str) -> str:
    """Return the origin of a URL: what a log may show."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
