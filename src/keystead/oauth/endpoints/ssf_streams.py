"""Event streams: made, read, changed, replaced and deleted by the receivers they belong to."""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.core.errors import InvalidRequest
from keystead.core.forms import parse_parameters
from keystead.core.http import Reply, Request, json_reply
from keystead.core.records.event_stream import EventStream, ExcludedSubject, new_stream_id
from keystead.core.spec import RFC8935, RFC8936, SSF, Section
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.event_streams import (
    MAXIMUM_STREAMS,
    StreamAsked,
    changed_stream,
    describe_stream,
    read_asked,
    stream_of,
    streams_of,
)
from keystead.oauth.revocations import store
from keystead.oauth.service_caller import ServiceCaller, json_body
from keystead.oauth.stream_endpoint import MANAGERS, READERS, StreamEndpoint, empty
from keystead.storage.ports import Write, drop_pending, find, put, remove

_CONFLICT: Final = {"error": "conflict", "error_description": f"a receiver has at most {MAXIMUM_STREAMS} streams"}


class SsfStreamsEndpoint(StreamEndpoint):
    """The configuration endpoint.

    Shape: GET (all of the caller's, or `?stream_id=`), POST (201), PATCH and PUT (200), DELETE `?stream_id=` (204).
    A stream without `delivery` is polled; without `events_requested` it gets every type there is.
    """

    path: ClassVar[str] = "ssf/streams"
    action: ClassVar[str] = "ssf.streams"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
    specs: ClassVar[tuple[Section, ...]] = (SSF["8.1.1"], RFC8935["2"], RFC8936["2"])
    scopes = {"GET": READERS, "POST": MANAGERS, "PATCH": MANAGERS, "PUT": MANAGERS, "DELETE": MANAGERS}

    async def answer(self, request: Request, caller: ServiceCaller, cx: ServerContext) -> Reply:
        """Answer one call."""
        if request.method == "GET":
            return await self._read(request, caller, cx)
        if request.method == "DELETE":
            named = parse_parameters(request.query).get("stream_id")
            await cx.store.write(lambda: _delete(caller, named, request.realm, request.now))
            return empty(204)
        asked = read_asked(json_body(request))
        if request.method == "POST":
            return await self._create(request, caller, asked, cx)
        whole = request.method == "PUT"
        changed = await cx.store.write(lambda: _change(caller, asked, request, cx, whole=whole))
        return json_reply(describe_stream(changed, cx))

    async def _read(self, request: Request, caller: ServiceCaller, cx: ServerContext) -> Reply:
        named = parse_parameters(request.query).get("stream_id")
        if named is None:
            streams = await cx.store.read(streams_of(caller, request.realm, request.now))
            return json_reply([describe_stream(stream, cx) for stream in streams])
        stream = await cx.store.read(stream_of(caller, named, request.realm, request.now))
        return json_reply(describe_stream(stream, cx))

    async def _create(self, request: Request, caller: ServiceCaller, asked: StreamAsked, cx: ServerContext) -> Reply:
        if isinstance(asked.stream_id, str):
            raise InvalidRequest("`stream_id` is not yours to choose", reason="stream.not_yours")
        empty_stream = EventStream(realm=request.realm, id=new_stream_id(), client_id=caller.client.id)
        stream = changed_stream(empty_stream, asked, cx, whole=True)
        made = await cx.store.write(lambda: _make(caller, stream, request.now))
        if not made:
            return json_reply(_CONFLICT, status=409)
        return json_reply(describe_stream(stream, cx), status=201)


def _make(caller: ServiceCaller, stream: EventStream, now: EpochSeconds) -> Write[bool]:
    if len((yield from streams_of(caller, stream.realm, now))) >= MAXIMUM_STREAMS:
        return False
    yield from put(stream, now)
    return True


def _change(
    caller: ServiceCaller, asked: StreamAsked, request: Request, cx: ServerContext, *, whole: bool
) -> Write[EventStream]:
    if not isinstance(asked.stream_id, str):
        raise InvalidRequest("name the stream: `stream_id`", reason="stream.unnamed")
    stream = yield from stream_of(caller, asked.stream_id, request.realm, request.now)
    changed = changed_stream(stream, asked, cx, whole=whole)
    yield from store(changed, request.now)
    return changed


def _delete(caller: ServiceCaller, named: object, realm: str, now: EpochSeconds) -> Write[None]:
    stream = yield from stream_of(caller, named, realm, now)
    yield from drop_pending(stream, now)
    while excluded := (yield from find(ExcludedSubject, realm, now, index="stream_id", value=stream.id)):
        for one in excluded:
            yield from remove(ExcludedSubject, realm, one.id)
    yield from remove(EventStream, realm, stream.id)
