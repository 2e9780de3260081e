"""Page tokens: where the next page begins, and of which query it is. A token goes with no other query.

Shape: base64url of JSON (`after`, `limit`) and a MAC over these, the query, the store and the realm. Later requests may
leave `limit` out, for the token has it.
Spec: AuthZEN Authorization API 1.0 section 8.2: everything but the token stays the same from page to page.
"""

from __future__ import annotations

import hmac
from typing import Any, Final

import msgspec

from keystead.api.authzen.faults import Fault
from keystead.api.authzen.messages import Page
from keystead.core.jose import base64url
from keystead.core.sealing import Sealer

USUAL_LIMIT: Final = 1_000
_KIND: Final = "authzen_page"
_MAC: Final = 16


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Where a page begins: behind `after`, and how many it has at most."""

    after: str = ""
    limit: int = USUAL_LIMIT


class PageTokens:
    """The tokens of one query: what is asked, of which store of which realm."""

    def __init__(self, sealer: Sealer, realm: str, *query: Any) -> None:
        self._sealer = sealer
        self._realm = realm
        self._query = msgspec.json.encode(query, order="deterministic")

    def token(self, after: str, limit: int) -> str:
        """Return the token of the page behind `after`."""
        position = msgspec.json.encode(Position(after, limit))
        return base64url.encode(self._mac(position) + position).decode()

    def position(self, page: Page) -> Position:
        """Return where a page begins. Raises: Fault for a token of another query, or with another limit."""
        if not page.token:
            return Position(limit=USUAL_LIMIT if page.limit is None else page.limit)
        try:
            shown = base64url.decode(page.token.encode())
            position = msgspec.json.decode(shown[_MAC:], type=Position)
        except (ValueError, msgspec.DecodeError):
            raise _foreign() from None
        if not hmac.compare_digest(shown[:_MAC], self._mac(shown[_MAC:])):
            raise _foreign()
        if page.limit not in (None, position.limit):
            raise Fault("`limit` must stay the same from page to page")
        return position

    def _mac(self, position: bytes) -> bytes:
        message = len(position).to_bytes(4, "big") + position + self._query
        return self._sealer.mac(self._realm, _KIND, message)[:_MAC]


def _foreign() -> Fault:
    return Fault("the page token is not of this query: send everything else as it was when you were given the token")
