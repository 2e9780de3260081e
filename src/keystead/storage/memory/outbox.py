"""The outbox in memory."""

from __future__ import annotations

from keystead.core.values import EpochSeconds
from keystead.storage.documents import require_text
from keystead.storage.memory.tables import Table, Undo
from keystead.storage.ports import Emit, OutboxEvent, ReadOutbox
from keystead.storage.ports.paging import page_size


class Outbox:
    """The events of all realms, numbered."""

    def __init__(self, undo: Undo) -> None:
        self._rows: Table[tuple[EpochSeconds, OutboxEvent]] = Table(undo)
        self._numbers: Table[int] = Table(undo)

    @property
    def newest(self) -> int:
        """The newest sequence number ever given."""
        return self._numbers.get(()) or 0

    def emit(self, operation: Emit) -> None:
        """Append one event."""
        realm, topic = require_text(operation.realm), require_text(operation.topic)
        sequence = self.newest + 1
        self._numbers.set((), sequence)
        event = OutboxEvent(sequence, realm, topic, operation.payload, operation.now)
        self._rows.set((sequence,), (operation.expires_at, event))

    def read_outbox(self, operation: ReadOutbox) -> list[OutboxEvent]:
        """List events after a sequence number, oldest first."""
        rows = self._rows.scan((), (operation.after,))
        return [event for _, (_, event) in rows if operation.topic in ("", event.topic)][: page_size(operation.limit)]

    def sweep(self, now: EpochSeconds, limit: int) -> int:
        """Delete at most `limit` expired rows."""
        expired = [key for key, (expires_at, _) in self._rows.scan(()) if expires_at <= now][:limit]
        return sum(self._rows.delete(key) for key in expired)
