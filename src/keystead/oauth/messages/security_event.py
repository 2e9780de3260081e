"""security_event: a Security Event Token, pushed to a receiver."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from keystead.core.records.client import Client
from keystead.core.records.delivery import Delivery
from keystead.core.records.event_stream import DISABLED, PAUSED, EventStream
from keystead.core.security_events import SECURITY_EVENT
from keystead.core.spec import RFC8417, RFC8935, SSF, Section
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.message import Composed, Message
from keystead.oauth.security_event_tokens import Occurrence, is_excluded, make_security_event_token
from keystead.storage.ports import PushedEvent, get, requeue_event


class SecurityEventMessage(Message):
    """The token alone is the body.

    An event whose stream was paused or changed meanwhile is queued again as the stream is now; one whose stream is gone
    or disabled, or does not want its subject, is not sent.
    """

    purpose: ClassVar[str] = SECURITY_EVENT
    specs: ClassVar[tuple[Section, ...]] = (RFC8417["2"], RFC8935["2.1"], SSF["4.1"])

    async def compose(self, delivery: Delivery, cx: ServerContext, now: EpochSeconds) -> Composed | None:
        """Return the token to push."""
        pushed = msgspec.json.decode(delivery.body, type=PushedEvent)
        stream = await cx.store.read(get(EventStream, delivery.realm, pushed.stream_id, now))
        client = await cx.store.read(get(Client, delivery.realm, delivery.client_id, now))
        if stream is None or client is None or not client.enabled or stream.status == DISABLED:
            return None
        if await cx.store.read(is_excluded(pushed.event, stream, client, cx, now)):
            return None
        if stream.status == PAUSED or stream.endpoint_url != delivery.url:
            await cx.store.write(lambda: requeue_event(stream, pushed.token_id, pushed.event, now))
            return None
        token = await make_security_event_token(Occurrence(pushed.token_id, pushed.event), stream, client, cx, now)
        return Composed(token.encode(), ((b"accept", b"application/json"),))
