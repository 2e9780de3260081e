"""One-time things in memory."""

from __future__ import annotations

from typing import NamedTuple

from keystead.core.errors import VersionConflict
from keystead.core.values import EpochSeconds
from keystead.storage.documents import require_text
from keystead.storage.memory.tables import Table, Undo
from keystead.storage.ports import Claim, Offer, Peek, Redeem, Redeemable, Redeemed, Replayed


class Row(NamedTuple):
    """One thing that can be used once."""

    payload: bytes
    expires_at: EpochSeconds
    redeemed_at: EpochSeconds | None = None


class OneTime:
    """The one-time things of all realms and purposes."""

    def __init__(self, undo: Undo) -> None:
        self._rows: Table[Row] = Table(undo)

    def offer(self, operation: Offer) -> None:
        """Store something that can be redeemed once."""
        key = self._storable_key(operation)
        if self._rows.get(key):
            raise VersionConflict("there is already something under this key")
        self._rows.set(key, Row(operation.payload, operation.expires_at))

    def claim(self, operation: Claim) -> bool:
        """Take a key first, or learn that somebody did."""
        key = self._storable_key(operation)
        row = self._rows.get(key)
        if row and row.expires_at > operation.now:
            return False
        self._rows.set(key, Row(b"", operation.expires_at, operation.now))
        return True

    def redeem(self, operation: Redeem) -> Redeemed | Replayed | None:
        """Spend a one-time thing."""
        seen = self.peek(Peek(operation.realm, operation.purpose, operation.key, operation.now))
        if not isinstance(seen, Redeemable):
            return seen
        key = (operation.realm, operation.purpose, operation.key)
        row = self._rows.get(key)
        assert row is not None
        self._rows.set(key, row._replace(redeemed_at=operation.now))
        return Redeemed(row.payload)

    def peek(self, operation: Peek) -> Redeemable | Replayed | None:
        """Look at a one-time thing."""
        row = self._rows.get((operation.realm, operation.purpose, operation.key))
        if row is None or row.expires_at <= operation.now:
            return None
        return Redeemable(row.payload) if row.redeemed_at is None else Replayed(row.payload, row.redeemed_at)

    def sweep(self, now: EpochSeconds, limit: int) -> int:
        """Delete at most `limit` expired rows."""
        expired = [key for key, row in self._rows.scan(()) if row.expires_at <= now][:limit]
        return sum(self._rows.delete(key) for key in expired)

    def _storable_key(self, operation: Offer | Claim) -> tuple[str, str, str]:
        return require_text(operation.realm), require_text(operation.purpose), require_text(operation.key)
