"""JSON documents of other servers, fetched through the guarded door and kept: key sets, metadata, trust bundles.

Flow: a document is fresh for a while; then it is fetched again, and the old one goes on serving while that fails
(stale while error), for a bounded time. Whoever meets something the document does not know may ask for a newer one;
each address has a small allowance of fetches, so that strangers cannot make us flood another server.
Does not: judge a document. It is one strict JSON object of bounded size, and no more is known of it.
Spec: RFC 9111 section 4.2.4 (serving stale), RFC 9101 section 10.4.1.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final

from keystead.core.http import Headers
from keystead.core.protocols import Fetched, Outbound, OutboundRefused
from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.core.values import EpochSeconds, Seconds

FRESH: Final = Seconds(300)
"""How long a document is believed without asking again, unless its server says otherwise."""
LONGEST_FRESH: Final = Seconds(3600)
SHORTEST_FRESH: Final = Seconds(60)
STALE: Final = Seconds(86_400)
"""How long a document outlives its freshness while its server does not answer."""
MAXIMUM_BYTES: Final = 65_536

_KEPT: Final = 1024
_INTERVAL: Final = 10
_BURST: Final = 3


class NotFetched(Exception):
    """There is no such document to be had now. The text says why, for the log."""


class Document:
    """One document as it was at `fetched_at`. A newer one is a new object."""

    __slots__ = ("fetched_at", "fresh_until", "members")

    def __init__(self, members: dict[str, Any], fetched_at: EpochSeconds, fresh_until: EpochSeconds) -> None:
        self.members = members
        self.fetched_at = fetched_at
        self.fresh_until = fresh_until


class _Source:
    """One address: its last document, its allowance, and the fetch under way, which all who wait share."""

    __slots__ = ("allowed_from", "document", "pending", "problem")

    def __init__(self) -> None:
        self.document: Document | None = None
        self.problem = "not fetched yet"
        self.allowed_from = 0
        self.pending: asyncio.Task[None] | None = None

    def take_allowance(self, now: EpochSeconds) -> bool:
        """Take one fetch of the allowance: three at once, then one in ten seconds."""
        begins = max(self.allowed_from, now - _INTERVAL * (_BURST - 1))
        if begins > now:
            return False
        self.allowed_from = begins + _INTERVAL
        return True


class RemoteDocuments:
    """The documents fetched for one purpose. `largest` bounds each, `accept` is what we ask for."""

    def __init__(self, *, accept: str = "application/json", largest: int = MAXIMUM_BYTES) -> None:
        self._accept = accept
        self._largest = largest
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self._outbound: Outbound | None = None

    async def get(self, url: str, outbound: Outbound, now: EpochSeconds) -> Document:
        """Return the document at an address, from memory while it is fresh. Raises: NotFetched."""
        source = self._source(url, outbound)
        document = source.document
        if document is None or now >= document.fresh_until:
            await self._refresh(source, url, outbound, now)
        return _usable(source, now)

    async def newer(self, url: str, than: Document, outbound: Outbound, now: EpochSeconds) -> Document | None:
        """Return a newer document than the one that did not help, or None when there is none to be had now."""
        source = self._source(url, outbound)
        if source.document is than:
            await self._refresh(source, url, outbound, now)
        return source.document if source.document is not than else None

    def _source(self, url: str, outbound: Outbound) -> _Source:
        if self._outbound is not outbound:
            self._outbound, self._sources = outbound, OrderedDict()
        source = self._sources.get(url)
        if source is None:
            source = self._sources[url] = _Source()
            while len(self._sources) > _KEPT:
                self._sources.popitem(last=False)
        self._sources.move_to_end(url)
        return source

    async def _refresh(self, source: _Source, url: str, outbound: Outbound, now: EpochSeconds) -> None:
        """Fetch once for all who wait, where the allowance admits it. Failing leaves the old document in place."""
        if source.pending is None or source.pending.done():
            if not source.take_allowance(now):
                return
            source.pending = asyncio.get_running_loop().create_task(self._fetch(source, url, outbound, now))
        await asyncio.shield(source.pending)

    async def _fetch(self, source: _Source, url: str, outbound: Outbound, now: EpochSeconds) -> None:
        try:
            fetched = await outbound.get(url, maximum=self._largest, accept=self._accept)
            if fetched.status != 200:
                raise OutboundRefused(f"the answer has status {fetched.status}, not 200")
            members = parse_object(fetched.body, maximum_bytes=self._largest)
        except (OutboundRefused, NotStrictJson) as error:
            source.problem = str(error)
            return
        source.document = Document(members, now, EpochSeconds(now + _freshness(fetched)))


def _usable(source: _Source, now: EpochSeconds) -> Document:
    document = source.document
    if document is None or now >= document.fresh_until + STALE:
        raise NotFetched(source.problem)
    return document


def _freshness(fetched: Fetched) -> Seconds:
    """Return how long the answer is fresh: what its server says, within our bounds. Spec: RFC 9111 section 5.2.2."""
    for directive in _header(fetched.headers, b"cache-control").split(","):
        name, _, value = directive.strip().lower().partition("=")
        if name in ("no-store", "no-cache"):
            return SHORTEST_FRESH
        if name == "max-age" and value.isascii() and value.isdigit():
            return Seconds(min(max(int(value[:9]), SHORTEST_FRESH), LONGEST_FRESH))
    return FRESH


def _header(headers: Headers, wanted: bytes) -> str:
    return ",".join(value.decode("latin-1") for name, value in headers if name == wanted)
