"""ciba_ping: the person has answered, come and fetch."""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.core.records.delivery import DELIVERY_SEAL, Delivery
from keystead.core.spec import CIBA, Section
from keystead.core.values import EpochSeconds
from keystead.oauth.backchannel_answers import PING
from keystead.oauth.context import ServerContext
from keystead.oauth.message import Composed, Message

ANSWERED: Final = frozenset(range(300, 500)) - {408, 425, 429}
"""Statuses by which a notification endpoint refuses for good: nothing is tried again, no redirect is followed."""


class CibaPing(Message):
    """The `auth_req_id` and nothing else, under the token the client chose. A refusal is final, a failure is not.

    Spec: OpenID Connect CIBA Core section 10.2.
    """

    purpose: ClassVar[str] = PING
    specs: ClassVar[tuple[Section, ...]] = (CIBA["10.2"],)
    final: ClassVar[frozenset[int]] = ANSWERED

    async def compose(self, delivery: Delivery, cx: ServerContext, now: EpochSeconds) -> Composed | None:
        """Return what stands in the delivery, opened."""
        opened = cx.sealer.open(delivery.realm, DELIVERY_SEAL, delivery.purpose, delivery.body)
        return Composed(opened) if opened is not None else None
