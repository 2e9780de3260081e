"""Event streams: who wants to hear of security events, how, about whom, and what waits for them."""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds, new_identifier

PUSH: Final = "urn:ietf:rfc:8935"
POLL: Final = "urn:ietf:rfc:8936"
ENABLED: Final = "enabled"
PAUSED: Final = "paused"
DISABLED: Final = "disabled"
STATUSES: Final = (ENABLED, PAUSED, DISABLED)


class EventStream(Record, frozen=True, kw_only=True):
    """One receiver's stream. Its `id` is the `stream_id`; `client_id` owns it and is the audience of its events.

    `authorization` is the header value the receiver wants to see with pushed events, sealed. A `paused` stream keeps
    what happens, a `disabled` one does not. `verified_at` is when a verification was last asked for.
    Spec: Shared Signals Framework 1.0 section 8.1.1.
    """

    kind: ClassVar[str] = "event_stream"
    indexes: ClassVar[tuple[str, ...]] = ("client_id",)
    cached: ClassVar[bool] = True

    client_id: str
    method: str = POLL
    endpoint_url: str = ""
    authorization: bytes = b""
    events_requested: tuple[str, ...] = ()
    events_delivered: tuple[str, ...] = ()
    description: str = ""
    status: str = ENABLED
    reason: str = ""
    verified_at: EpochSeconds = EpochSeconds(0)


class PendingEvent(Record, frozen=True, kw_only=True):
    """An event that waits to be polled, or for its stream to be enabled. The `id` is the `jti`, oldest first."""

    kind: ClassVar[str] = "pending_event"
    indexes: ClassVar[tuple[str, ...]] = ("stream_id",)

    stream_id: str
    event: bytes


class ExcludedSubject(Record, frozen=True, kw_only=True):
    """A subject a receiver does not want to hear about. The `id` is the stream and a digest of the subject."""

    kind: ClassVar[str] = "excluded_subject"
    indexes: ClassVar[tuple[str, ...]] = ("stream_id",)

    stream_id: str


def new_stream_id() -> str:
    """Return a fresh stream id."""
    return new_identifier("stm")


def new_event_id(at: int) -> str:
    """Return a fresh `jti` that sorts by when the event happened."""
    return new_identifier(f"set_{at:012d}")
