"""Telling security events: in the transaction in which they happen, to every stream that asked for their type.

Does not: decide about subjects a receiver excluded; that is done when the event leaves. Nor make tokens.
"""

from __future__ import annotations

from keystead.core.records.event_stream import DISABLED, EventStream
from keystead.core.security_events import SecurityEvent
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Write, find, queue_event


def tell(realm: str, event: SecurityEvent, now: EpochSeconds) -> Write[None]:
    """Tell one event. Costs one look at memory where nobody listens."""
    for stream in (yield from find(EventStream, realm, now)):
        if stream.status != DISABLED and event.type in stream.events_delivered:
            yield from queue_event(stream, event, now)
