"""The delivery worker: sends what the transactions of this and other nodes have put, and tries again what failed.

Flow: woken by the outbox, or by the clock when something becomes due -> looks what is due, first due first -> claims as
much as may be under way in one conditional write -> composes and posts each in a task of its own -> removes it, or sets
the next attempt (doubling, with jitter), or gives up and says so in the journal.
A node that dies leaves its claims behind; they run out, and another node sends. A receiver that failed gets one message
at a time until it answers again, and the rest of what waits for it is set aside, so that it cannot keep the others
waiting.
Does not: send twice, unless a node died, or was stuck for longer than a claim, between sending and writing that down.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from keystead.core.decisions import Decision
from keystead.core.errors import KeysteadError, OAuthError
from keystead.core.http import Headers
from keystead.core.protocols import OutboundRefused
from keystead.core.records.delivery import DELIVERY_SEAL, Delivery
from keystead.core.values import EpochSeconds
from keystead.oauth.catalogue import messages
from keystead.oauth.context import ServerContext
from keystead.oauth.message import Composed, Message
from keystead.storage.ports import Write, claim_deliveries, due_first, postpone_delivery, remove

_logger = logging.getLogger("keystead.deliveries")

CLAIM_SECONDS: Final = 20
LONGEST_WAIT: Final = 3_600
_LONGEST_REST: Final = 5.0
_SHORTEST_REST: Final = 0.02
_AT_ONCE: Final = 32
_AT_ONCE_PER_RECEIVER: Final = 8
_FINAL: Final = frozenset({400, 410})
_REMEMBERED_FAILURES: Final = 1_024
_ASIDE_AT_ONCE: Final = 200
_ASIDE_SECONDS: Final = (30, 90)


class DeliveryWorker:
    """Sends the deliveries of some realms. One per process; several share one database."""

    def __init__(self, cx: ServerContext, realms: Sequence[str]) -> None:
        self._cx = cx
        self._realms = tuple(realms)
        self._under_way: set[asyncio.Task[None]] = set()
        self._per_receiver: Counter[str] = Counter()
        self._failing: dict[str, None] = {}
        self._more = asyncio.Event()

    async def run(self) -> None:
        """Send for ever. Cancelled at the end of the process; what is under way then is sent by whoever claims next."""
        seen = 0
        try:
            while True:
                try:
                    rest = await self._round()
                    seen = await self._rest(seen, rest)
                except KeysteadError as error:
                    _logger.warning("deliveries wait: %s", error)
                    await asyncio.sleep(1.0)
                await asyncio.sleep(_SHORTEST_REST)
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _rest(self, seen: int, seconds: float) -> int:
        """Wait for news in the outbox, for a free place, or for the clock."""
        self._more.clear()
        news = asyncio.ensure_future(self._cx.store.changed(seen, seconds))
        place = asyncio.ensure_future(self._more.wait())
        try:
            await asyncio.wait((news, place), return_when=asyncio.FIRST_COMPLETED)
            return news.result() if news.done() else seen
        finally:
            news.cancel()
            place.cancel()

    async def _round(self) -> float:
        """Claim and start what is due. Answer: how long nothing else will be."""
        rest = _LONGEST_REST
        for realm in self._realms:
            now = _now()
            waiting = await self._cx.store.read(due_first(realm, now))
            due = [delivery for delivery in waiting if delivery.attempt_at <= now]
            wanted = self._choose(due)
            if wanted:
                until = EpochSeconds(now + CLAIM_SECONDS)
                claimed = await self._cx.store.write(lambda: claim_deliveries(wanted, until, now))  # noqa: B023
                for delivery in claimed:
                    self._start(delivery)
            aside = self._to_set_aside(due, wanted)
            if aside:
                await self._cx.store.write(lambda: _set_aside(aside, now))  # noqa: B023
            later = [delivery.attempt_at for delivery in waiting if delivery.attempt_at > now]
            if later:
                rest = min(rest, max(0.1, later[0] - time.time()))
        return rest

    def _choose(self, due: Sequence[Delivery]) -> list[Delivery]:
        """Return what may be sent now: so many at all, so many to one receiver, one to a receiver that failed."""
        free, per_receiver = _AT_ONCE - len(self._under_way), Counter(self._per_receiver)
        chosen: list[Delivery] = []
        for delivery in due:
            receiver = _receiver(delivery.url)
            if len(chosen) < free and per_receiver[receiver] < self._bound(receiver):
                per_receiver[receiver] += 1
                chosen.append(delivery)
        return chosen

    def _to_set_aside(self, due: Sequence[Delivery], wanted: Sequence[Delivery]) -> list[Delivery]:
        """Return some of what waits for receivers that do not answer: it must not stand before what can be sent."""
        chosen = {delivery.id for delivery in wanted}
        stuck = [one for one in due if one.id not in chosen and _receiver(one.url) in self._failing]
        return stuck[:_ASIDE_AT_ONCE]

    def _bound(self, receiver: str) -> int:
        return 1 if receiver in self._failing else _AT_ONCE_PER_RECEIVER

    def _start(self, delivery: Delivery) -> None:
        receiver = _receiver(delivery.url)
        self._per_receiver[receiver] += 1
        task = asyncio.create_task(self._send(delivery))
        self._under_way.add(task)
        task.add_done_callback(lambda task: self._ended(task, receiver))

    def _ended(self, task: asyncio.Task[None], receiver: str) -> None:
        self._under_way.discard(task)
        self._per_receiver[receiver] -= 1
        if not self._per_receiver[receiver]:
            del self._per_receiver[receiver]
        self._more.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("a delivery to %s failed within us", receiver, exc_info=error)

    async def _send(self, delivery: Delivery) -> None:
        """Send one claimed delivery, and write down what came of it."""
        cx, message = self._cx, messages().get(delivery.purpose)
        if delivery.give_up_at <= _now():
            await self._done(delivery, "delivery.given_up", "its time is over")
            return
        try:
            composed = await self._compose(delivery, message)
        except OAuthError as error:
            await self._failed(delivery, f"could not be made: {error.detail or error.description}")
            return
        if composed is None:
            await self._done(delivery, "delivery.not_wanted", "nobody is to get it any more", allowed=True)
            return
        try:
            answer = await cx.outbound.post(delivery.url, composed.body, self._headers(delivery, composed))
        except OutboundRefused as error:
            await self._failed(delivery, str(error))
            return
        if 200 <= answer.status < 300:
            self._failing.pop(_receiver(delivery.url), None)
            await self._done(delivery, "delivery.sent", f"answered {answer.status}", allowed=True)
        elif answer.status in (message.final if message is not None else _FINAL):
            await self._done(delivery, "delivery.refused", f"answered {answer.status}")
        else:
            await self._failed(delivery, f"answered {answer.status}")

    async def _compose(self, delivery: Delivery, message: Message | None) -> Composed | None:
        if message is not None:
            return await message.compose(delivery, self._cx, _now())
        return Composed(self._opened(delivery, delivery.body) if delivery.sealed else delivery.body)

    def _headers(self, delivery: Delivery, composed: Composed) -> Headers:
        headers: Headers = ((b"content-type", delivery.content_type.encode()), *composed.headers)
        if not delivery.authorization:
            return headers
        return (*headers, (b"authorization", self._opened(delivery, delivery.authorization)))

    def _opened(self, delivery: Delivery, sealed: bytes) -> bytes:
        opened = self._cx.sealer.open(delivery.realm, DELIVERY_SEAL, delivery.purpose, sealed)
        if opened is None:
            raise RuntimeError(f"a {delivery.purpose} delivery was not sealed for its purpose")
        return opened

    async def _failed(self, delivery: Delivery, why: str) -> None:
        """Set the next attempt, if there is time for one."""
        receiver, now = _receiver(delivery.url), _now()
        self._failing[receiver] = None
        if len(self._failing) > _REMEMBERED_FAILURES:
            del self._failing[next(iter(self._failing))]
        again = EpochSeconds(now + wait_before(delivery.attempts))
        if again >= delivery.give_up_at:
            await self._done(delivery, "delivery.given_up", why)
            return
        await self._cx.store.write(lambda: postpone_delivery(delivery, again, now))
        self._record(delivery, "delivery.postponed", why, allowed=False, again=again - now)

    async def _done(self, delivery: Delivery, reason: str, why: str, *, allowed: bool = False) -> None:
        await self._cx.store.write(lambda: remove(Delivery, delivery.realm, delivery.id))
        self._record(delivery, reason, why, allowed=allowed)

    def _record(self, delivery: Delivery, reason: str, why: str, *, allowed: bool, again: int = 0) -> None:
        facts = {
            "purpose": delivery.purpose,
            "to": _receiver(delivery.url),
            "attempt": delivery.attempts,
            "why": why,
            **({"again_in": again} if again else {}),
        }
        decision = Decision(
            "delivery.send", allowed, reason, realm=delivery.realm, client_id=delivery.client_id, facts=facts
        )
        self._cx.journal.record(decision)


def _set_aside(stuck: Sequence[Delivery], now: EpochSeconds) -> Write[None]:
    """Have deliveries looked at later; none of this counts as an attempt."""
    for delivery in stuck:
        until = EpochSeconds(now + random.randint(*_ASIDE_SECONDS))  # noqa: S311 - spreads load, hides nothing
        yield from postpone_delivery(delivery, until, now)


def wait_before(attempts: int) -> int:
    """Return the seconds to wait after so many attempts: doubling, an hour at most, and nobody in step with another."""
    longest = min(LONGEST_WAIT, 2 ** min(attempts, 16))
    return max(1, round(random.uniform(longest / 2, longest)))  # noqa: S311 - spreads load, hides nothing


def _receiver(url: str) -> str:
    """Return the origin of a URL: what counts as one receiver, and what a log may show."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _now() -> EpochSeconds:
    return EpochSeconds(int(time.time()))
