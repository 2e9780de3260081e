"""Polling: a receiver fetches what waits for it, and says what it has."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, ClassVar, Final

import msgspec

from keystead.core.decisions import Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import parse_parameters
from keystead.core.http import Reply, Request, json_reply
from keystead.core.records.event_stream import ENABLED, POLL, EventStream, PendingEvent
from keystead.core.security_events import SecurityEvent
from keystead.core.spec import RFC8936, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.event_streams import StreamUnknown, stream_of
from keystead.oauth.security_event_tokens import Occurrence, is_excluded, make_security_event_token
from keystead.oauth.service_caller import ServiceCaller, json_body
from keystead.oauth.stream_endpoint import READERS, StreamEndpoint
from keystead.storage.ports import Write, get, pending_events, remove

MOST: Final = 100
LONGEST_WAIT: Final = 20.0
_LOOK_EVERY: Final = 5.0
_waiting: dict[str, int] = {}
_WAITERS_PER_STREAM: Final = 4

TokenId = Annotated[str, msgspec.Meta(max_length=255)]


class PollAsked(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A poll request. Spec: RFC 8936 section 2.4."""

    max_events: Annotated[int, msgspec.Meta(ge=0)] | None = None
    return_immediately: bool = False
    ack: Annotated[tuple[TokenId, ...], msgspec.Meta(max_length=1_000)] = ()
    set_errs: Annotated[dict[TokenId, dict[str, Any]], msgspec.Meta(max_length=1_000)] = {}


class SsfPollEndpoint(StreamEndpoint):
    """The poll endpoint of one stream, named in its `delivery.endpoint_url`.

    Shape: POST `{"maxEvents", "returnImmediately", "ack", "setErrs"}`; `{"sets": {jti: SET}, "moreAvailable"}`. Without
    `returnImmediately` an empty answer waits up to 20 seconds for something. What is acknowledged, or could not be
    read by the receiver, is forgotten; everything else comes again.
    Does not: take form bodies, or answer for a stream that is pushed.
    """

    path: ClassVar[str] = "ssf/poll"
    action: ClassVar[str] = "ssf.poll"
    methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    specs: ClassVar[tuple[Section, ...]] = (RFC8936["2.2"], RFC8936["2.3"], RFC8936["2.4"], RFC8936["2.5"])
    scopes = {"POST": READERS}

    async def answer(self, request: Request, caller: ServiceCaller, cx: ServerContext) -> Reply:
        """Answer one poll."""
        try:
            asked = msgspec.convert(json_body(request), PollAsked)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"the poll request is not valid: {error}", reason="poll.malformed") from None
        named = parse_parameters(request.query).get("stream_id")
        stream = await cx.store.read(stream_of(caller, named, request.realm, request.now))
        if stream.method != POLL:
            raise StreamUnknown
        await _settle(stream, asked, request, caller, cx)
        most = MOST if asked.max_events is None else min(asked.max_events, MOST)
        sets, more = await _fetch(stream, most, request, caller, cx)
        if not sets and most and not asked.return_immediately:
            sets, more = await _wait(stream, most, request, caller, cx)
        return json_reply({"sets": sets, **({"moreAvailable": True} if more else {})})


async def _settle(
    stream: EventStream, asked: PollAsked, request: Request, caller: ServiceCaller, cx: ServerContext
) -> None:
    """Forget what the receiver has, and what it cannot read; the latter is said in the journal."""
    for token_id, why in asked.set_errs.items():
        facts = {"stream_id": stream.id, "jti": token_id, "err": str(why.get("err", ""))[:100]}
        decision = Decision(
            "ssf.receiver_error", False, "stream.set_refused", request.trace, request.realm, facts=facts
        )
        cx.journal.record(decision)
    done = (*asked.ack, *asked.set_errs)
    if not done:
        return

    def forget() -> Write[None]:
        for token_id in done:
            found = yield from get(PendingEvent, request.realm, token_id, request.now)
            if found is not None and found.stream_id == stream.id:
                yield from remove(PendingEvent, request.realm, token_id)

    await cx.store.write(forget)


async def _fetch(
    stream: EventStream, most: int, request: Request, caller: ServiceCaller, cx: ServerContext
) -> tuple[dict[str, str], bool]:
    """Return the tokens of what waits, and whether there is more. A stream that is not enabled gives nothing."""
    now = request.now
    sets: dict[str, str] = {}
    if stream.status != ENABLED or not most:
        return sets, False
    waiting = await cx.store.read(pending_events(stream, now, most + 1))
    for one in waiting[:most]:
        event = msgspec.json.decode(one.event, type=SecurityEvent)
        if await cx.store.read(is_excluded(event, stream, caller.client, cx, now)):
            await cx.store.write(lambda: remove(PendingEvent, stream.realm, one.id))  # noqa: B023
            continue
        sets[one.id] = await make_security_event_token(Occurrence(one.id, event), stream, caller.client, cx, now)
    return sets, len(waiting) > most


async def _wait(
    stream: EventStream, most: int, request: Request, caller: ServiceCaller, cx: ServerContext
) -> tuple[dict[str, str], bool]:
    """Wait for something, a while, and not for too many callers at once."""
    if _waiting.get(stream.id, 0) >= _WAITERS_PER_STREAM:
        return {}, False
    _waiting[stream.id] = _waiting.get(stream.id, 0) + 1
    loop = asyncio.get_running_loop()
    ending = loop.time() + LONGEST_WAIT
    try:
        seen = await cx.store.changed(0, 0)
        while (left := ending - loop.time()) > 0:
            sets, more = await _fetch(stream, most, request, caller, cx)
            if sets:
                return sets, more
            seen = await cx.store.changed(seen, min(left, _LOOK_EVERY))
        return {}, False
    finally:
        _waiting[stream.id] -= 1
        if not _waiting[stream.id]:
            del _waiting[stream.id]
