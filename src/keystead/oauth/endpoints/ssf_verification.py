"""Verification: a receiver asks for an event that proves its stream works."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from keystead.core.errors import InvalidRequest
from keystead.core.http import NO_STORE, Reply, Request
from keystead.core.security_events import VERIFICATION, SecurityEvent
from keystead.core.spec import SSF, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.event_streams import VERIFICATION_INTERVAL, stream_of
from keystead.oauth.revocations import store
from keystead.oauth.service_caller import ServiceCaller, json_body
from keystead.oauth.stream_endpoint import MANAGERS, READERS, StreamEndpoint, empty
from keystead.storage.ports import Write, queue_event

_LONGEST_STATE: Final = 1_024


class SsfVerificationEndpoint(StreamEndpoint):
    """The verification endpoint.

    Shape: POST `{"stream_id", "state"}`; 204, and an event with the same `state` comes over the stream; 429 for asking
    more often than `min_verification_interval`.
    """

    path: ClassVar[str] = "ssf/verification"
    action: ClassVar[str] = "ssf.verification"
    methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    specs: ClassVar[tuple[Section, ...]] = (SSF["8.1.4"],)
    scopes = {"POST": tuple(dict.fromkeys((*MANAGERS, *READERS)))}

    async def answer(self, request: Request, caller: ServiceCaller, cx: ServerContext) -> Reply:
        """Answer one call."""
        document = json_body(request)
        facts: dict[str, Any] = {}
        if document.get("state") is not None:
            facts["state"] = document["state"]
            if not isinstance(facts["state"], str) or len(facts["state"]) > _LONGEST_STATE:
                raise InvalidRequest("state is a text of at most 1,024 characters", reason="stream.state")
        wait = await cx.store.write(lambda: _verify(caller, document.get("stream_id"), facts, request))
        if wait:
            return empty(429, (*NO_STORE, (b"retry-after", str(wait).encode())))
        return empty(204)


def _verify(caller: ServiceCaller, stream_id: object, facts: dict[str, Any], request: Request) -> Write[int]:
    """Queue the event. Answer: seconds to wait, 0 when it is on its way."""
    now = request.now
    stream = yield from stream_of(caller, stream_id, request.realm, now)
    wait = stream.verified_at + VERIFICATION_INTERVAL - now
    if wait > 0:
        return wait
    yield from store(msgspec.structs.replace(stream, verified_at=now), now)
    yield from queue_event(stream, SecurityEvent(type=VERIFICATION, facts=facts, at=now), now)
    return 0
