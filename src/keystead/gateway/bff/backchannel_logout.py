"""POST /bff/backchannel-logout: the issuer says that a session of its own has ended.

Shape: a form with `logout_token`; 200 once the sessions here are gone, durably, also where there were none; 400 with
`{"error", "error_description"}` for a token that is not believed. Never cached.
Order: the token is verified, then in one transaction its `jti` is spent and the sessions end: nothing can fall between.
Does not: look at cookies or at who connects; only the signature counts.
Spec: OpenID Connect Back-Channel Logout 1.0 sections 2.5 to 2.8.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.decisions import Check, Credential, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import parse_parameters
from keystead.core.http import JSON, NO_STORE, Reply
from keystead.core.jose.outcomes import Rejected
from keystead.core.values import handle_digest
from keystead.gateway.bff.call import BffContext, Call
from keystead.gateway.issuer.logout_token import LoggedOut, verify_logout_token
from keystead.gateway.refusals import SECURITY_HEADERS
from keystead.gateway.sessions.transactions import SessionEnd

ACTION: Final = "gateway.backchannel_logout"
_FORM: Final = b"application/x-www-form-urlencoded"


class BackchannelLogoutEndpoint:
    """Ends the sessions a logout token names."""

    path = "/bff/backchannel-logout"
    methods = frozenset({b"POST"})

    async def answer(self, call: Call, cx: BffContext) -> Reply:
        """Believe the token or not, and end sessions."""
        try:
            token = parse_parameters(call.body, repeatable=frozenset()).get("logout_token", "")
        except InvalidRequest as error:
            return _refuse(call, cx, Rejected(error.reason, error.description))
        verified = await verify_logout_token(
            str(token), directory=cx.issuer.directory, client_id=cx.client_id, now=cx.table.now()
        )
        if isinstance(verified, Rejected):
            return _refuse(call, cx, verified)
        end = SessionEnd(
            sid=verified.sid,
            subject=verified.subject,
            token_digest=handle_digest(verified.token_id),
            until=verified.expires_at,
        )
        ended = await cx.table.end_for(end)
        if ended is None:
            return _refuse(call, cx, Rejected("logout_token.replayed", "this logout token was here before"))
        _note(call, cx, verified, ended)
        return Reply(200, (*NO_STORE, *SECURITY_HEADERS))


def _refuse(call: Call, cx: BffContext, rejected: Rejected) -> Reply:
    checks = (*rejected.checks, Check("logout_token", False, rejected.detail))
    cx.journal.record(Decision(ACTION, False, rejected.reason, call.trace, client_id=cx.client_id, checks=checks))
    document = {"error": "invalid_request", "error_description": "The logout token is not accepted here."}
    return Reply(400, (JSON, *NO_STORE, *SECURITY_HEADERS), msgspec.json.encode(document))


def _note(call: Call, cx: BffContext, logged_out: LoggedOut, ended: int) -> None:
    shown = Credential(
        "logout_token",
        cx.issuer.directory.issuer,
        (cx.client_id,),
        logged_out.subject,
        expires_at=logged_out.expires_at,
        token_id=logged_out.token_id,
    )
    cx.journal.record(
        Decision(
            ACTION,
            True,
            "session.ended" if ended else "session.none",
            call.trace,
            subject=logged_out.subject,
            client_id=cx.client_id,
            credential=shown,
            checks=logged_out.checks,
            facts={"sid": logged_out.sid, "sessions": ended},
        )
    )
