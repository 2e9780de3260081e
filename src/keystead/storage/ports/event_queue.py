"""Security events on their way to one stream: pushed by the delivery worker, or kept until they are fetched.

Built from the other verbs alone.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.records.delivery import DELIVERY_TOPIC, Delivery, new_delivery_id
from keystead.core.records.event_stream import ENABLED, PUSH, EventStream, PendingEvent, new_event_id
from keystead.core.security_events import SECURITY_EVENT, SECURITY_EVENT_TYPE, SecurityEvent
from keystead.core.values import EpochSeconds
from keystead.storage.ports.deliveries import deliver
from keystead.storage.ports.store import Read, Write
from keystead.storage.ports.verbs import emit, find, put, remove

KEPT_SECONDS: Final = 7 * 86_400
"""How long an event waits for a receiver that does not fetch it."""
_BELL_SECONDS: Final = 60


class PushedEvent(msgspec.Struct, frozen=True):
    """The body of a delivery that pushes an event."""

    stream_id: str
    token_id: str
    event: SecurityEvent


def queue_event(stream: EventStream, event: SecurityEvent, now: EpochSeconds) -> Write[None]:
    """Send an event on its way to one stream: at once where it is pushed, else it waits."""
    yield from requeue_event(stream, new_event_id(now), event, now)


def requeue_event(stream: EventStream, token_id: str, event: SecurityEvent, now: EpochSeconds) -> Write[None]:
    """Send an event that has its `jti` already on its way, as the stream is now."""
    if stream.method == PUSH and stream.status == ENABLED:
        yield from push_event(stream, token_id, event, now)
    else:
        yield from keep_event(stream, token_id, event, now)


def push_event(stream: EventStream, token_id: str, event: SecurityEvent, now: EpochSeconds) -> Write[None]:
    """Have the delivery worker push an event."""
    yield from deliver(
        Delivery(
            realm=stream.realm,
            id=new_delivery_id(),
            purpose=SECURITY_EVENT,
            url=stream.endpoint_url,
            body=msgspec.json.encode(PushedEvent(stream.id, token_id, event)),
            content_type=f"application/{SECURITY_EVENT_TYPE}",
            authorization=stream.authorization,
            client_id=stream.client_id,
            give_up_at=EpochSeconds(now + KEPT_SECONDS),
        ),
        now,
    )


def keep_event(stream: EventStream, token_id: str, event: SecurityEvent, now: EpochSeconds) -> Write[None]:
    """Keep an event until it is fetched, and wake whoever waits for it."""
    record = PendingEvent(
        realm=stream.realm,
        id=token_id,
        stream_id=stream.id,
        event=msgspec.json.encode(event),
        expires_at=EpochSeconds(now + KEPT_SECONDS),
    )
    yield from put(record, now)
    yield from emit(stream.realm, DELIVERY_TOPIC, b"", now, EpochSeconds(now + _BELL_SECONDS))


def pending_events(stream: EventStream, now: EpochSeconds, limit: int) -> Read[list[PendingEvent]]:
    """Return what waits for a stream, oldest first."""
    return (yield from find(PendingEvent, stream.realm, now, index="stream_id", value=stream.id, limit=limit))


def drop_pending(stream: EventStream, now: EpochSeconds) -> Write[None]:
    """Forget what waits for a stream."""
    while waiting := (yield from find(PendingEvent, stream.realm, now, index="stream_id", value=stream.id)):
        for one in waiting:
            yield from remove(PendingEvent, stream.realm, one.id)


def push_pending(stream: EventStream, now: EpochSeconds) -> Write[None]:
    """Push what waited while the stream was paused."""
    while waiting := (yield from find(PendingEvent, stream.realm, now, index="stream_id", value=stream.id)):
        for one in waiting:
            event = msgspec.json.decode(one.event, type=SecurityEvent)
            yield from push_event(stream, one.id, event, now)
            yield from remove(PendingEvent, stream.realm, one.id)
