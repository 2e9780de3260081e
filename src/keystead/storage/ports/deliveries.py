"""Deliveries as a queue: put, claimed by one worker, tried again, done. Built from the other verbs alone.

Shape: a delivery's id begins with the second it is due, so that listing finds the first due first. A claim moves it
into the future under a new id; whoever comes second finds the old id gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from keystead.core.records.delivery import DELIVERY_LIFETIME, DELIVERY_TOPIC, Delivery, new_delivery_id
from keystead.core.values import EpochSeconds
from keystead.storage.ports.outcomes import Stored
from keystead.storage.ports.paging import MAX_PAGE
from keystead.storage.ports.store import Read, Write
from keystead.storage.ports.verbs import emit, find, put, remove

_BELL_SECONDS: Final = 60
_KEPT_AFTER: Final = 86_400


def deliver(delivery: Delivery, now: EpochSeconds) -> Write[None]:
    """Put a delivery that is due now, and wake the workers. It is tried for `DELIVERY_LIFETIME` unless it says else."""
    give_up_at = delivery.give_up_at or EpochSeconds(now + DELIVERY_LIFETIME)
    yield from _put(msgspec.structs.replace(delivery, version=0, give_up_at=give_up_at), now, now)
    yield from emit(delivery.realm, DELIVERY_TOPIC, b"", now, EpochSeconds(now + _BELL_SECONDS))


def due_first(realm: str, now: EpochSeconds) -> Read[list[Delivery]]:
    """Return a realm's deliveries, those due first at the front; at most a page."""
    return (yield from find(Delivery, realm, now, limit=MAX_PAGE))


def claim_deliveries(wanted: Sequence[Delivery], until: EpochSeconds, now: EpochSeconds) -> Write[list[Delivery]]:
    """Claim deliveries until a moment, each unless somebody else was first. Answer: those claimed."""
    claimed = []
    for delivery in wanted:
        if (yield from remove(Delivery, delivery.realm, delivery.id)):
            counted = msgspec.structs.replace(delivery, attempts=delivery.attempts + 1)
            claimed.append((yield from _put(counted, until, now)))
    return claimed


def postpone_delivery(claimed: Delivery, until: EpochSeconds, now: EpochSeconds) -> Write[bool]:
    """Have a claimed delivery tried again. Answer: whether the claim still held."""
    if not (yield from remove(Delivery, claimed.realm, claimed.id)):
        return False
    yield from _put(claimed, until, now)
    return True


def _put(delivery: Delivery, due: EpochSeconds, now: EpochSeconds) -> Write[Delivery]:
    """Store under an id that says when it is due; one that no worker ever looks at goes by itself in the end."""
    outcome = yield from put(
        msgspec.structs.replace(
            delivery,
            id=new_delivery_id(due),
            version=0,
            attempt_at=due,
            expires_at=EpochSeconds(delivery.give_up_at + _KEPT_AFTER),
        ),
        now,
    )
    if not isinstance(outcome, Stored):
        raise RuntimeError("a fresh delivery id was taken")
    return outcome.record
