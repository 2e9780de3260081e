"""A stream's status: enabled, paused or disabled, as its receiver wants it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from keystead.core.errors import InvalidRequest
from keystead.core.forms import parse_parameters
from keystead.core.http import Reply, Request, json_reply
from keystead.core.records.event_stream import DISABLED, ENABLED, PUSH, STATUSES, EventStream
from keystead.core.spec import SSF, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.event_streams import describe_status, stream_of
from keystead.oauth.revocations import store
from keystead.oauth.service_caller import ServiceCaller, json_body
from keystead.oauth.stream_endpoint import MANAGERS, READERS, StreamEndpoint, text_of
from keystead.storage.ports import Write, drop_pending, push_pending

_LONGEST_REASON = 1_024


class SsfStatusEndpoint(StreamEndpoint):
    """The status endpoint.

    Shape: GET `?stream_id=`, POST `{"stream_id", "status", "reason"}`; both answer with the status. What waited while a
    stream was paused is sent when it is enabled; a disabled stream forgets what waits.
    """

    path: ClassVar[str] = "ssf/status"
    action: ClassVar[str] = "ssf.status"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    specs: ClassVar[tuple[Section, ...]] = (SSF["8.1.2"],)
    scopes = {"GET": READERS, "POST": MANAGERS}

    async def answer(self, request: Request, caller: ServiceCaller, cx: ServerContext) -> Reply:
        """Answer one call."""
        if request.method == "GET":
            named = parse_parameters(request.query).get("stream_id")
            stream = await cx.store.read(stream_of(caller, named, request.realm, request.now))
            return json_reply(describe_status(stream))
        document = json_body(request)
        status, reason = text_of(document, "status"), text_of(document, "reason")
        if status not in STATUSES:
            raise InvalidRequest(f"status is one of {', '.join(STATUSES)}", reason="stream.status")
        if len(reason) > _LONGEST_REASON:
            raise InvalidRequest("reason is too long", reason="stream.reason")
        changed = await cx.store.write(
            lambda: _set_status(caller, text_of(document, "stream_id"), status, reason, request)
        )
        return json_reply(describe_status(changed))


def _set_status(
    caller: ServiceCaller, stream_id: str, status: str, reason: str, request: Request
) -> Write[EventStream]:
    stream = yield from stream_of(caller, stream_id, request.realm, request.now)
    changed = msgspec.structs.replace(stream, status=status, reason=reason)
    yield from store(changed, request.now)
    if status == DISABLED:
        yield from drop_pending(changed, request.now)
    elif status == ENABLED and changed.method == PUSH:
        yield from push_pending(changed, request.now)
    return changed
