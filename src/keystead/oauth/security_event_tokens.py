"""Security Event Tokens: an event, signed for one receiver.

Spec: RFC 8417 section 2, Shared Signals Framework 1.0 section 4.1 (`typ`, one event, `sub_id`, no `sub`, no `exp`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.core.jose import jws
from keystead.core.records.client import Client
from keystead.core.records.event_stream import EventStream, ExcludedSubject
from keystead.core.records.realm import Realm
from keystead.core.security_events import SECURITY_EVENT_TYPE, VERIFICATION, SecurityEvent
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.protection import id_token_algorithm
from keystead.oauth.subject_identifiers import names_of, subject_digest, subject_of_event
from keystead.storage.ports import Read, get


class Occurrence(msgspec.Struct, frozen=True):
    """An event on its way to one stream, under the `jti` it keeps however often it is sent."""

    token_id: str
    event: SecurityEvent


async def make_security_event_token(
    occurrence: Occurrence, stream: EventStream, client: Client, cx: ServerContext, now: EpochSeconds
) -> str:
    """Return the token."""
    event = occurrence.event
    facts: dict[str, Any] = dict(event.facts)
    if event.type != VERIFICATION:
        facts["event_timestamp"] = event.at
    claims = {
        "iss": cx.issuer(stream.realm),
        "jti": occurrence.token_id,
        "iat": event.at,
        "aud": stream.client_id,
        "sub_id": subject_of_event(event, stream.id, client, stream.realm, cx),
        "events": {event.type: facts},
    }
    realm = await cx.store.read(get(Realm, stream.realm, stream.realm, now))
    algorithm = id_token_algorithm(client, realm) if realm is not None else ""
    signer = await cx.keys.signer(stream.realm, now, algorithm)
    return jws.sign(claims, signer, SECURITY_EVENT_TYPE)


def is_excluded(
    event: SecurityEvent, stream: EventStream, client: Client, cx: ServerContext, now: EpochSeconds
) -> Read[bool]:
    """Return whether the receiver said that it does not want to hear about this subject."""
    if event.type == VERIFICATION:
        return False
    for name in names_of(event, client, stream.realm, cx):
        if (yield from get(ExcludedSubject, stream.realm, subject_digest(stream.id, name), now)) is not None:
            return True
    return False
