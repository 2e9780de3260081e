"""GET /bff/user: who is signed in.

Shape: 200 with the person's claims, `logout_url` and `session_expires_at`; 401 with `login_url` when nobody is.
Does not: contain a token, or prolong anything but the idle time.
"""

from __future__ import annotations

from typing import Final

from keystead.core.decisions import Check, Decision
from keystead.core.http import Reply, json_reply
from keystead.gateway.bff.call import BffContext, Call
from keystead.gateway.refusals import SECURITY_HEADERS

ACTION: Final = "gateway.user"


class UserEndpoint:
    """Tells the pages who is signed in."""

    path = "/bff/user"
    methods = frozenset({b"GET"})

    async def answer(self, call: Call, cx: BffContext) -> Reply:
        """Tell."""
        refusal = cx.admission.require_own_origin(call.head) or cx.admission.require_csrf_header(call.head)
        if refusal is not None:
            return cx.refuse(call, refusal, ACTION)
        live = await cx.table.load(call.handle) if call.handle else None
        if live is None:
            return cx.unauthenticated(call, "session.unknown" if call.handle else "session.missing", ACTION)
        document = {
            **live.tokens.claims,
            "logout_url": f"/bff/logout?sid={live.record.logout_id}",
            "session_expires_at": live.record.expires_at,
        }
        cx.journal.record(
            Decision(
                ACTION,
                True,
                "session.live",
                call.trace,
                subject=live.subject,
                client_id=cx.client_id,
                credential=live.credential,
                checks=(Check("csrf", True, "X-CSRF header"), Check("session", True, "live")),
            )
        )
        reply = json_reply(document)
        return Reply(reply.status, (*reply.headers, *SECURITY_HEADERS), reply.body)
