"""A message that must reach another server: written in the transaction that decided it, sent and retried afterwards.

Flow: a domain transaction puts a `Delivery` (`new_delivery`) -> the delivery worker of any node claims what is due,
posts it, and removes it, or sets the next attempt -> after the last attempt it is dropped and the journal says so.
Does not: promise exactly one delivery. Receivers must bear a repetition, as their specifications say.
"""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds, new_identifier

DELIVERY_LIFETIME: Final = 86_400


class Delivery(Record, frozen=True, kw_only=True):
    """One message. `purpose` says what it is (`backchannel_logout`, `ciba_ping`, `ciba_push`, `security_event`).

    `attempt_at` is when it is due; a worker that takes it first moves that forward, which is its claim on it.
    """

    kind: ClassVar[str] = "delivery"

    purpose: str
    url: str
    body: bytes
    content_type: str
    authorization: bytes = b""
    client_id: str = ""
    attempts: int = 0
    attempt_at: EpochSeconds = EpochSeconds(0)


def new_delivery_id() -> str:
    """Return a fresh id."""
    return new_identifier("dlv")
