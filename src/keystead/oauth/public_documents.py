"""Documents anybody may read, serialised once: discovery and the key set.

Flow: within one second of the clock the reply of that second is given again, without asking anything; after it, what
the document is made from is looked at, and the bytes are made again only when that changed.
Does not: hold anything about a person or a client, or serve two contexts at once: another one starts afresh.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from keystead.core.http import JSON, Headers, Reply, Request
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext

S = TypeVar("S")

_KEPT: Final = 4096
_HEADERS: Final[Headers] = (
    JSON,
    (b"cache-control", b"public, max-age=60"),
    (b"access-control-allow-origin", b"*"),
    (b"x-content-type-options", b"nosniff"),
)


class PublicDocuments(Generic[S]):
    """The documents of one endpoint, by realm. `S` is what a document is made from."""

    def __init__(self) -> None:
        self._cx: ServerContext | None = None
        self._kept: dict[str, tuple[EpochSeconds, S, Reply]] = {}

    def fresh(self, cx: ServerContext, realm: str, now: EpochSeconds) -> Reply | None:
        """Return this second's reply, if there is one already."""
        kept = self._kept.get(realm)
        return kept[2] if kept is not None and kept[0] == now and self._cx is cx else None

    def keep(
        self, cx: ServerContext, request: Request, source: S, serialise: Callable[[], bytes], more: Headers = ()
    ) -> Reply:
        """Return the reply made from `source`, the same object as before while the source is equal."""
        if self._cx is not cx or len(self._kept) >= _KEPT:
            self._cx, self._kept = cx, {}
        kept = self._kept.get(request.realm)
        reply = kept[2] if kept is not None and kept[1] == source else Reply(200, (*_HEADERS, *more), serialise())
        self._kept[request.realm] = (request.now, source, reply)
        return reply
