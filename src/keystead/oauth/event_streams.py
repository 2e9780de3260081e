"""Event streams as receivers see them: found, described, and changed by what a receiver asks for.

Does not: show one receiver anything of another. A stream that is not the caller's does not exist for it.
Spec: Shared Signals Framework 1.0 section 8.1.1.
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from keystead.core.errors import InvalidRequest
from keystead.core.records.delivery import DELIVERY_SEAL
from keystead.core.records.event_stream import POLL, PUSH, EventStream
from keystead.core.security_events import EVENTS_SUPPORTED, SECURITY_EVENT
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.service_caller import ServiceCaller
from keystead.storage.ports import Read, find, get

VERIFICATION_INTERVAL: Final = 5
MAXIMUM_STREAMS: Final = 16
_LONGEST: Final = 2_048

Text = Annotated[str, msgspec.Meta(max_length=_LONGEST)]


class StreamUnknown(Exception):
    """There is no such stream for this caller."""


class DeliveryAsked(msgspec.Struct, frozen=True):
    """How a receiver wants its events."""

    method: Text
    endpoint_url: Text = ""
    authorization_header: Text | None = None


class StreamAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver may say of a stream. The rest is ours, and checked where it is repeated to us."""

    stream_id: Text | msgspec.UnsetType = msgspec.UNSET
    delivery: DeliveryAsked | msgspec.UnsetType | None = msgspec.UNSET
    events_requested: Annotated[list[Text], msgspec.Meta(max_length=64)] | msgspec.UnsetType | None = msgspec.UNSET
    description: Text | msgspec.UnsetType | None = msgspec.UNSET
    iss: Text | msgspec.UnsetType = msgspec.UNSET
    aud: Text | list[Text] | msgspec.UnsetType = msgspec.UNSET


def read_asked(document: dict[str, Any]) -> StreamAsked:
    """Return what a request says of a stream. Raises: InvalidRequest."""
    try:
        return msgspec.convert(document, StreamAsked)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"the stream configuration is not valid: {error}", reason="stream.malformed") from None


def stream_of(caller: ServiceCaller, stream_id: object, realm: str, now: EpochSeconds) -> Read[EventStream]:
    """Return a stream of the caller's. Raises: StreamUnknown, also for another's."""
    found: EventStream | None = None
    if isinstance(stream_id, str) and stream_id:
        found = yield from get(EventStream, realm, stream_id, now)
    if found is None or found.client_id != caller.client.id:
        raise StreamUnknown
    return found


def streams_of(caller: ServiceCaller, realm: str, now: EpochSeconds) -> Read[list[EventStream]]:
    """Return every stream of the caller's."""
    return (yield from find(EventStream, realm, now, index="client_id", value=caller.client.id))


def changed_stream(stream: EventStream, asked: StreamAsked, cx: ServerContext, *, whole: bool) -> EventStream:
    """Return a stream with what was asked for; `whole` puts what was left out back to its default.

    Raises: InvalidRequest.
    """
    _require_ours(stream, asked, cx)
    changes: dict[str, Any] = {}
    if whole or asked.delivery is not msgspec.UNSET:
        changes |= _delivery(stream, None if asked.delivery is msgspec.UNSET else asked.delivery, cx)
    if whole or asked.events_requested is not msgspec.UNSET:
        requested = EVENTS_SUPPORTED if not isinstance(asked.events_requested, list) else asked.events_requested
        changes["events_requested"] = tuple(dict.fromkeys(requested))
        changes["events_delivered"] = tuple(one for one in EVENTS_SUPPORTED if one in requested)
    if whole or asked.description is not msgspec.UNSET:
        changes["description"] = asked.description if isinstance(asked.description, str) else ""
    return msgspec.structs.replace(stream, **changes)


def describe_stream(stream: EventStream, cx: ServerContext) -> dict[str, Any]:
    """Return a stream's configuration. The header value for pushes was told to us and is not told again."""
    issuer = cx.issuer(stream.realm)
    push = stream.method == PUSH
    endpoint = stream.endpoint_url if push else f"{issuer}/ssf/poll?stream_id={stream.id}"
    return {
        "stream_id": stream.id,
        "iss": issuer,
        "aud": stream.client_id,
        "delivery": {"method": stream.method, "endpoint_url": endpoint},
        "events_supported": list(EVENTS_SUPPORTED),
        "events_requested": list(stream.events_requested),
        "events_delivered": list(stream.events_delivered),
        "min_verification_interval": VERIFICATION_INTERVAL,
        **({"description": stream.description} if stream.description else {}),
    }


def describe_status(stream: EventStream) -> dict[str, str]:
    """Return a stream's status."""
    return {
        "stream_id": stream.id,
        "status": stream.status,
        **({"reason": stream.reason} if stream.reason else {}),
    }


def _require_ours(stream: EventStream, asked: StreamAsked, cx: ServerContext) -> None:
    """Refuse another value for what is not the receiver's to choose."""
    audiences = ([asked.aud] if isinstance(asked.aud, str) else asked.aud) if asked.aud is not msgspec.UNSET else None
    if asked.iss not in (msgspec.UNSET, cx.issuer(stream.realm)):
        raise InvalidRequest("`iss` is not yours to choose", reason="stream.not_yours")
    if audiences is not None and audiences != [stream.client_id]:
        raise InvalidRequest("`aud` is not yours to choose", reason="stream.not_yours")


def _delivery(stream: EventStream, asked: DeliveryAsked | None, cx: ServerContext) -> dict[str, Any]:
    if asked is None or asked.method == POLL:
        return {"method": POLL, "endpoint_url": "", "authorization": b""}
    if asked.method != PUSH:
        raise InvalidRequest(f"delivery.method is {PUSH} or {POLL}", reason="stream.method")
    _require_pushable(asked.endpoint_url)
    authorization = b""
    if asked.authorization_header:
        value = asked.authorization_header
        if not value.isascii() or not value.isprintable():
            raise InvalidRequest("authorization_header must be printable ASCII", reason="stream.authorization_header")
        authorization = cx.sealer.seal(stream.realm, DELIVERY_SEAL, SECURITY_EVENT, value.encode())
    return {"method": PUSH, "endpoint_url": asked.endpoint_url, "authorization": authorization}


def _require_pushable(url: str) -> None:
    """Refuse what is no web address. Where it leads is judged whenever something is sent: `cx.outbound`."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.username is None
        good = good and not parts.fragment and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        good = False
    if not good:
        raise InvalidRequest("delivery.endpoint_url must be an https URL", reason="stream.endpoint_url")
