"""Who must hear that a session ended, and the messages to those that are told server to server.

Flow: `sessions.end_session` writes one delivery for each client of the session that has a `backchannel_logout_uri`, in
its own transaction; the logout token is made when it is sent (`oauth.messages.backchannel_logout`).
Spec: OpenID Connect Back-Channel Logout 1.0 section 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from keystead.core.logout import BACKCHANNEL_LOGOUT
from keystead.core.records.client import Client
from keystead.core.records.delivery import Delivery, new_delivery_id
from keystead.core.records.grant import Grant
from keystead.core.records.session import Session
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, Write, deliver, get

FORM_TYPE = "application/x-www-form-urlencoded"


class EndedSession(msgspec.Struct, frozen=True):
    """What a logout delivery says: whose session ended, and which."""

    subject: str
    sid: str


def clients_of(session: Session, grants: Sequence[Grant], now: EpochSeconds) -> Read[list[Client]]:
    """Return the clients that were signed in to with a session: those it remembers and those with a live grant."""
    names = dict.fromkeys((*session.clients, *(grant.client_id for grant in grants if grant.revoked_at is None)))
    found: list[Client] = []
    for name in names:
        client = yield from get(Client, session.realm, name, now)
        if client is not None and client.enabled:
            found.append(client)
    return found


def tell_clients(session: Session, clients: Sequence[Client], now: EpochSeconds) -> Write[None]:
    """Put a delivery for each client that hears of logouts by the back channel."""
    body = msgspec.json.encode(EndedSession(session.subject, session.id))
    for client in clients:
        if client.backchannel_logout_uri:
            yield from deliver(
                Delivery(
                    realm=session.realm,
                    id=new_delivery_id(),
                    purpose=BACKCHANNEL_LOGOUT,
                    url=client.backchannel_logout_uri,
                    body=body,
                    content_type=FORM_TYPE,
                    client_id=client.id,
                ),
                now,
            )
