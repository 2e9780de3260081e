"""How much strangers may make us fetch: so often a minute in all, so often from one host, so many at once.

Whoever names an address we fetch (a registration, a picture) decides where we send requests, so they must neither make
us flood a server that has nothing to do with it, nor keep every outgoing connection waiting for one that never answers.
Does not: fetch, or remember what was fetched. Counted in this process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from keystead.core.protocols import Outbound, OutboundRefused
from keystead.core.uris import host_of
from keystead.core.values import EpochSeconds


class FetchAllowance:
    """The allowance of one purpose, at one outgoing door."""

    def __init__(self, *, per_minute: int, per_host: int, at_once: int) -> None:
        self._per_minute, self._per_host, self._at_once = per_minute, per_host, at_once
        self._minute, self._under_way = 0, 0
        self._taken: Counter[str] = Counter()
        self._outbound: Outbound | None = None

    @contextmanager
    def one(self, url: str, outbound: Outbound, now: EpochSeconds) -> Iterator[None]:
        """Take one fetch for as long as it lasts. Raises: OutboundRefused when there is none left now."""
        if now // 60 != self._minute or self._outbound is not outbound:
            self._minute, self._outbound = now // 60, outbound
            self._taken.clear()
        host = host_of(url)
        if self._under_way >= self._at_once or self._taken.total() >= self._per_minute:
            raise OutboundRefused("too many such fetches for now")
        if self._taken[host] >= self._per_host:
            raise OutboundRefused(f"too many such fetches from {host} for now")
        self._taken[host] += 1
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
