"""The door: lets connections in, has every request judged, and sends it where it belongs.

Flow: `judge` -> a refusal, an answer of our own (`/bff/*`), or a relay. When a session or a token has to be fetched
first, the connection stops reading, and the request goes on when it is there.
Does not: take decisions (`admission`, `credentials`) or move bytes (`listener`, `relay`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Any, Final, Protocol

from keystead.core.decisions import Check, Decision, Journal
from keystead.core.http import Reply
from keystead.core.trace import TraceContext, new_trace
from keystead.gateway.admission import Admission, Asked, passed_checks
from keystead.gateway.failures import Failure
from keystead.gateway.head import RequestHead
from keystead.gateway.identity import NOBODY, Identity, SessionView
from keystead.gateway.listener import BUSY, READING_HEAD, Listener
from keystead.gateway.local import LocalAnswer
from keystead.gateway.outbound import Outbound
from keystead.gateway.refusals import Refusal, refuse, render
from keystead.gateway.routes import Route
from keystead.gateway.settings import LimitSettings

_ECHO: Final = refuse(
    502, "upstream.token_echoed", "The service behind prints the token it was sent. Mend the service.", close=True
)
_log = logging.getLogger(__name__)
_FRAMING: Final = {
    "limit.header_bytes": (431, "The request's headers are too large."),
    "limit.header_count": (431, "The request has too many headers."),
}


class Credentials(Protocol):
    """Finds sessions and their tokens for upstreams."""

    def at_hand(self, handle: str, route: Route) -> Identity | None:
        """Return the identity when everything is in memory and fresh, or None: it has to be fetched."""
        ...

    def confirm(self, sessions: Iterable[SessionView]) -> None:
        """Look soon whether sessions for which something is going on have ended elsewhere."""
        ...

    async def fetch(self, handle: str, route: Route, trace: TraceContext) -> Identity | Refusal:
        """Load, refresh, exchange: whatever it takes. A refusal with status 401 means: no session (any more)."""
        ...


class LocalEndpoints(Protocol):
    """Answers what lies under `/bff`."""

    async def answer(self, head: RequestHead, asked: Asked, body: bytes, trace: TraceContext) -> Reply:
        """Answer one request. Never raises."""
        ...


class Door:
    """Everything a listener needs to know of the gateway."""

    def __init__(
        self,
        limits: LimitSettings,
        admission: Admission,
        outbound: Outbound,
        journal: Journal,
        credentials: Credentials,
    ) -> None:
        self.limits = limits
        self.listeners: set[Listener] = set()
        self.admission = admission
        self.local: LocalEndpoints | None = None
        self._outbound = outbound
        self._journal = journal
        self._credentials = credentials
        self._tasks: set[asyncio.Task[Any]] = set()
        self._passed: dict[tuple[bytes, bool], tuple[Check, ...]] = {}

    # --- connections -------------------------------------------------------------------------------------

    def enter(self, listener: Listener) -> bool:
        """Let a connection in, or say that there is no room."""
        self.listeners.add(listener)
        return len(self.listeners) <= self.limits.connections

    def leave(self, listener: Listener) -> None:
        """Forget a connection."""
        self.listeners.discard(listener)

    def busy(self) -> bool:
        """Tell whether any request is being answered."""
        return any(listener.responder is not None for listener in self.listeners)

    def finish_alone(self, task: asyncio.Task[Any] | None) -> None:
        """Keep a task alive whose browser has gone."""
        if task is not None and not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def tick(self, now: float) -> None:
        """Look at the clock, about twice a second: who is too slow, and whose session has ended."""
        sessions = {session for listener in tuple(self.listeners) if (session := listener.tick(now)) is not None}
        if sessions:
            self._credentials.confirm(sessions)

    # --- requests ----------------------------------------------------------------------------------------

    def judge(self, listener: Listener, head: RequestHead) -> None:
        """Send a request where it belongs."""
        trace = new_trace()
        asked = self.admission.judge(head)
        if isinstance(asked, Refusal):
            self.refuse(listener, asked, trace)
        elif asked.route is None:
            self._answer_locally(listener, head, asked, trace)
        elif asked.route.public:
            self._relay(listener, head, asked, NOBODY, trace)
        elif asked.handle is None:
            self.refuse(listener, self.admission.unauthenticated(head, "session.missing"), trace)
        else:
            identity = self._credentials.at_hand(asked.handle, asked.route)
            if identity is None:
                listener.pause_reading()
                fetching = self._fetch(listener, head, asked, trace)
                self.finish_alone(asyncio.get_running_loop().create_task(fetching))
            else:
                self._relay(listener, head, asked, identity, trace)

    def refuse(self, listener: Listener, refusal: Refusal, trace: TraceContext | None = None) -> None:
        """Answer with a refusal, and say so in the journal."""
        head = listener.head
        name = refusal.reason.partition(".")[0]
        self._journal.record(
            Decision(
                "gateway.request",
                False,
                refusal.reason,
                trace or new_trace(),
                checks=(Check(name, False, refusal.description),),
                facts={"method": _text(head.method), "path": _text(head.target.partition(b"?")[0])},
            )
        )
        listener.refuse(refusal)

    def fail(self, listener: Listener, failure: Failure) -> None:
        """Tell the browser that the upstream failed."""
        listener.responder = None
        self.refuse(listener, refuse(failure.status, failure.reason, "The service behind did not answer."))

    def lose_patience(self, listener: Listener) -> None:
        """Somebody made no progress for too long: say who, or just end what cannot be answered any more."""
        begun = listener.responder is not None and listener.responder.started
        if begun or listener.phase not in (READING_HEAD, BUSY):
            listener.cut()
        elif listener.phase == BUSY and (listener.request_done or listener.reading_paused):
            too_slow = Failure.RESPONSE_TIMEOUT
            self.refuse(listener, refuse(too_slow.status, too_slow.reason, "The service behind took too long."))
        else:
            self.refuse(listener, refuse(408, "limit.time", "The request took too long to arrive.", close=True))

    def refuse_body_size(self, listener: Listener) -> None:
        """The body grew beyond its limit."""
        self.refuse(listener, refuse(413, "limit.body", "The request body is too large.", close=True))

    def report_echo(self, listener: Listener) -> None:
        """An upstream was about to show the browser its token: break off, and say so loudly."""
        self.refuse(listener, _ECHO)

    def framing_refusal(self, reason: str) -> Refusal:
        """Return what somebody gets whose request cannot be read in one way only."""
        status, description = _FRAMING.get(reason, (400, "The request is not well-formed HTTP/1.1."))
        return refuse(status, reason, description, close=True)

    def refusal_reply(self, refusal: Refusal, head: RequestHead) -> Reply:
        """Return a refusal in the form that suits who asked."""
        return render(refusal, for_person=self.admission.is_navigation(head))

    # ---

    async def _fetch(self, listener: Listener, head: RequestHead, asked: Asked, trace: TraceContext) -> None:
        assert asked.route is not None
        assert asked.handle is not None
        turn = listener.turn
        try:
            identity = await self._credentials.fetch(asked.handle, asked.route, trace)
        except Exception:  # noqa: BLE001 - the last resort: logged once, answered without detail
            _log.exception("no credentials for %s", _text(asked.path))
            identity = refuse(500, "gateway.failed", "Something went wrong on our side.")
        if not listener.awaits(turn):
            return  # the browser has gone, or was told that this takes too long
        if isinstance(identity, Identity):
            self._relay(listener, head, asked, identity, trace)
        elif identity.status == 401:
            self.refuse(listener, self.admission.unauthenticated(head, identity.reason), trace)
        else:
            self.refuse(listener, identity, trace)

    def _relay(
        self, listener: Listener, head: RequestHead, asked: Asked, identity: Identity, trace: TraceContext
    ) -> None:
        route, session = asked.route, identity.session
        assert route is not None
        self._journal.record(
            Decision(
                "gateway.request",
                True,
                "gateway.relayed",
                trace,
                subject=session.subject if session else "",
                client_id=session.client_id if session else "",
                credential=session.credential if session else None,
                checks=self._checks_passed(route, upgrade=asked.upgrade),
                facts={"method": _text(head.method), "path": _text(asked.path), "route": route.name},
            )
        )
        relay = self._outbound.relay(listener, head, asked, identity, trace)
        listener.serve(relay)
        if asked.upgrade and listener.surplus:
            relay.request_data(listener.surplus)
        relay.begin()

    def _answer_locally(self, listener: Listener, head: RequestHead, asked: Asked, trace: TraceContext) -> None:
        local = self.local
        if local is None:
            self.refuse(listener, refuse(404, "route.unknown", "There is nothing here."), trace)
            return

        def answer(body: bytes) -> Awaitable[Reply]:
            return local.answer(head, asked, body, trace)

        listener.serve(LocalAnswer(listener, answer))

    def _checks_passed(self, route: Route, *, upgrade: bool) -> tuple[Check, ...]:
        key = (route.below, upgrade)
        if key not in self._passed:
            self._passed[key] = passed_checks(route, upgrade=upgrade)
        return self._passed[key]


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")
