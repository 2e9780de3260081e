"""The shape of a message plug-in: what a delivery becomes at the moment it is sent.

A purpose without a plug-in is posted as it stands in its record.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import msgspec

from keystead.core.http import Headers
from keystead.core.records.delivery import Delivery
from keystead.core.spec import Section
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext


class Composed(msgspec.Struct, frozen=True):
    """A message ready to be posted. Content type and authorization are added from the delivery."""

    body: bytes
    headers: Headers = ()


class Message(ABC):
    """One kind of message. `final` lists the statuses after which nothing is tried again."""

    purpose: ClassVar[str]
    specs: ClassVar[tuple[Section, ...]]
    final: ClassVar[frozenset[int]] = frozenset({400, 410})

    @abstractmethod
    async def compose(self, delivery: Delivery, cx: ServerContext, now: EpochSeconds) -> Composed | None:
        """Return the message as it is sent now, or None when nobody is to get it any more."""
