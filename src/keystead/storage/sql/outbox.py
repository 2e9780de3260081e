"""The outbox: events in the order of their commits."""

from __future__ import annotations

from typing import Final

from keystead.storage.documents import require_text
from keystead.storage.ports import Emit, OutboxEvent, ReadOutbox
from keystead.storage.ports.paging import page_size
from keystead.storage.sql.statement import Steps

EMIT: Final = "INSERT INTO outbox (realm, topic, payload, at, expires_at) VALUES (?, ?, ?, ?, ?)"

READ: Final = "SELECT sequence, realm, topic, payload, at FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?"

READ_TOPIC: Final = """
SELECT sequence, realm, topic, payload, at FROM outbox WHERE topic = ? AND sequence > ? ORDER BY sequence LIMIT ?"""


def emit(operation: Emit) -> Steps[None]:
    """Append one event."""
    realm, topic = require_text(operation.realm), require_text(operation.topic)
    yield EMIT, (realm, topic, operation.payload, operation.now, operation.expires_at)


def read_outbox(operation: ReadOutbox) -> Steps[list[OutboxEvent]]:
    """List events after a sequence number, oldest first."""
    after, limit = operation.after, page_size(operation.limit)
    if operation.topic:
        rows = yield READ_TOPIC, (operation.topic, after, limit)
    else:
        rows = yield READ, (after, limit)
    return [OutboxEvent(*row) for row in rows]
