"""A message that must reach another server: written in the transaction that decided it, sent and retried afterwards.

Flow: a domain transaction puts a `Delivery` (`storage.ports.deliver`) -> the delivery worker of any node claims what is
due, posts it, and removes it, or sets the next attempt -> when its time is over it is dropped and the journal says so.
Does not: promise exactly one delivery. Receivers must bear a repetition, as their specifications say.
"""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds, Seconds, new_identifier

DELIVERY_LIFETIME: Final = Seconds(86_400)
DELIVERY_TOPIC: Final = "delivery"
"""The topic of the event that wakes the workers. It carries nothing."""
DELIVERY_SEAL: Final = "delivery"
"""The kind under which `authorization` and a `sealed` body are sealed; the id is the `purpose`."""


class Delivery(Record, frozen=True, kw_only=True):
    """One message. `purpose` says what it is (`backchannel_logout`, `ciba_ping`, `ciba_push`, `security_event`).

    `body` is what is posted, or, where a `Message` plug-in of that purpose stands in `oauth/messages`, the facts the
    plug-in makes it from at the moment of sending. `sealed` says that the body is sealed (tokens are);
    `authorization` is a header value and always sealed, empty for none.
    `attempt_at` is when it is due; a worker that takes it first moves that forward, which is its claim on it. The id
    begins with it, so that what is due first stands first. `give_up_at` ends the attempts.
    """

    kind: ClassVar[str] = "delivery"

    purpose: str
    url: str
    body: bytes
    content_type: str
    authorization: bytes = b""
    sealed: bool = False
    client_id: str = ""
    attempts: int = 0
    attempt_at: EpochSeconds = EpochSeconds(0)
    give_up_at: EpochSeconds = EpochSeconds(0)


def new_delivery_id(due: int = 0) -> str:
    """Return a fresh id that sorts by when the delivery is due."""
    return new_identifier(f"dlv_{due:012d}")
