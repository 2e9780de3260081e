"""Refresh families in memory."""

from __future__ import annotations

from typing import NamedTuple

from keystead.core.errors import VersionConflict
from keystead.core.values import EpochSeconds
from keystead.storage.documents import require_text
from keystead.storage.memory.tables import Table, Undo
from keystead.storage.ports import (
    FamilyView,
    LookAtFamily,
    Replaced,
    Reused,
    RevokeFamily,
    Rotate,
    Rotated,
    StartFamily,
    Superseded,
    WrongBinding,
)


class Row(NamedTuple):
    """One family: its live member, and the digest that member took the place of."""

    generation: int
    digest: str
    previous_digest: str
    binding: str
    rotated_at: EpochSeconds
    expires_at: EpochSeconds
    revoked: bool = False


class Families:
    """The refresh families of all realms."""

    def __init__(self, undo: Undo) -> None:
        self._rows: Table[Row] = Table(undo)

    def start_family(self, operation: StartFamily) -> None:
        """Begin a family with one live member."""
        key = require_text(operation.realm), require_text(operation.family)
        if self._rows.get(key):
            raise VersionConflict("there is already something under this key")
        self._rows.set(key, Row(1, operation.digest, "", operation.binding, operation.now, operation.expires_at))

    def rotate(self, operation: Rotate) -> Rotated | Replaced | Superseded | Reused | WrongBinding | None:
        """Apply the refresh rule."""
        key = (operation.realm, operation.family)
        row = self._live(key, operation.now)
        if row is None:
            return None
        if row.binding != operation.binding:
            return WrongBinding()
        if row.revoked:
            return Reused(first=False)
        renewed = row._replace(digest=operation.successor, expires_at=operation.expires_at)
        offered = (operation.generation, operation.digest)
        if offered == (row.generation, row.digest):
            generation = row.generation + 1
            rotated = renewed._replace(generation=generation, previous_digest=row.digest, rotated_at=operation.now)
            self._rows.set(key, rotated)
            return Rotated(generation)
        if operation.generation == row.generation:
            return Superseded()
        in_time = operation.now < row.rotated_at + operation.retry_window
        if offered == (row.generation - 1, row.previous_digest) and in_time:
            self._rows.set(key, renewed)
            return Replaced(row.generation)
        self._rows.set(key, row._replace(revoked=True))
        return Reused(first=True)

    def look_at_family(self, operation: LookAtFamily) -> FamilyView | None:
        """Look at a family."""
        row = self._live((operation.realm, operation.family), operation.now)
        return FamilyView(row.generation, row.digest, row.binding, row.revoked, row.expires_at) if row else None

    def revoke_family(self, operation: RevokeFamily) -> bool:
        """End a family for good."""
        key = (operation.realm, operation.family)
        row = self._live(key, operation.now)
        if row is None or row.revoked:
            return False
        self._rows.set(key, row._replace(revoked=True))
        return True

    def sweep(self, now: EpochSeconds, limit: int) -> int:
        """Delete at most `limit` expired rows."""
        expired = [key for key, row in self._rows.scan(()) if row.expires_at <= now][:limit]
        return sum(self._rows.delete(key) for key in expired)

    def _live(self, key: tuple[str, str], now: EpochSeconds) -> Row | None:
        row = self._rows.get(key)
        return row if row and row.expires_at > now else None
