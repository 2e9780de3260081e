"""What a session remembers of being used: when, and by which clients that want to hear when it ends."""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.records.client import Client
from keystead.core.records.session import Session
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Write, get, put

_TOUCH_INTERVAL: Final = 60


def note_use(seen: Session, client: Client, now: EpochSeconds) -> Write[None]:
    """Write down that a session was used for a client, where that is worth a write.

    A conflict means that somebody else just changed the session, and either of both is as good.
    """
    hears = bool(client.backchannel_logout_uri or client.frontchannel_logout_uri)
    if hears and client.id not in seen.clients:
        fresh = yield from get(Session, seen.realm, seen.id, now)
        if fresh is not None and client.id not in fresh.clients:
            yield from put(msgspec.structs.replace(fresh, last_seen_at=now, clients=(*fresh.clients, client.id)), now)
    elif now - seen.last_seen_at >= _TOUCH_INTERVAL:
        yield from put(msgspec.structs.replace(seen, last_seen_at=now), now)
