"""/bff/logout: end the session here and at the issuer.

Shape: POST with `X-CSRF: 1`, or from a form of our own pages; or GET with `?sid=` from `/bff/user`'s `logout_url`.
A script gets `{"logout_url"}`, a navigation 303 to it: the issuer's own logout page.
Order: first the session is gone, durably; then the refresh token is revoked; a slow request that still runs finds
nothing to come back to.
Does not: put an ID token into a URL. The issuer asks the person instead.
Spec: OpenID Connect RP-Initiated Logout 1.0 section 2, RFC 7009.
"""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlencode

import msgspec

from keystead.core.decisions import Check, Credential, Decision
from keystead.core.errors import UpstreamError
from keystead.core.http import JSON, NO_STORE, Reply
from keystead.core.values import Secret
from keystead.gateway.bff.call import BffContext, Call
from keystead.gateway.cookies import SESSION_COOKIE, expired
from keystead.gateway.hygiene import CSRF, FETCH_MODE, FETCH_SITE, ORIGIN
from keystead.gateway.refusals import SECURITY_HEADERS, Refusal, refuse
from keystead.gateway.sessions.live import LiveSession

ACTION: Final = "logout"


class LogoutEndpoint:
    """Ends a session."""

    path = "/bff/logout"
    methods = frozenset({b"GET", b"POST"})

    async def answer(self, call: Call, cx: BffContext) -> Reply:
        """End the session, if whoever asks may."""
        live = await cx.table.load(call.handle) if call.handle else None
        refusal = self._judge(call, cx, live)
        if refusal is not None:
            return cx.refuse(call, refusal, ACTION)
        revoked = False
        if live is not None:
            tokens = await cx.table.end(live.record.id)
            if tokens is not None and tokens.refresh_token:
                revoked = await self._revoke(cx, call, Secret(tokens.refresh_token))
        _note(call, cx, live, revoked=revoked)
        return self._farewell(call, await _issuer_logout(cx, live))

    def _judge(self, call: Call, cx: BffContext, live: LiveSession | None) -> Refusal | None:
        """Refuse a logout that another site could have caused."""
        seen = call.head.seen
        if call.head.method == b"GET":
            sid = str(call.parameters().get("sid", ""))
            if live is None or not hmac.compare_digest(sid.encode(), live.record.logout_id.encode()):
                return refuse(403, "logout.sid", "Use the logout_url of /bff/user, or POST.")
            return None
        foreign = cx.admission.require_own_origin(call.head)
        if foreign is not None:
            return foreign
        own_form = seen.get(FETCH_SITE) == b"same-origin" or ORIGIN in seen
        return None if own_form else cx.admission.require_csrf_header(call.head)

    async def _revoke(self, cx: BffContext, call: Call, refresh_token: Secret) -> bool:
        try:
            return await cx.issuer.revoke(refresh_token, call.trace)
        except UpstreamError:
            return False  # said in the journal; the session here is over, and the token was only ever ours

    def _farewell(self, call: Call, url: str) -> Reply:
        headers = ((b"set-cookie", expired(SESSION_COOKIE)), *NO_STORE, *SECURITY_HEADERS)
        seen = call.head.seen
        script = seen.get(CSRF) == b"1" or seen.get(FETCH_MODE, b"navigate") != b"navigate"
        if script:
            return Reply(200, (JSON, *headers), msgspec.json.encode({"logout_url": url}))
        return Reply(303, ((b"location", url.encode("ascii")), *headers))


async def _issuer_logout(cx: BffContext, live: LiveSession | None) -> str:
    """Return where the issuer's own session is ended, or our front page where it has no such place."""
    try:
        endpoint = (await cx.issuer.directory.metadata()).end_session_endpoint
    except UpstreamError:
        endpoint = ""
    if not endpoint:
        return f"{cx.public_url}/"
    query = {"client_id": cx.client_id, "post_logout_redirect_uri": f"{cx.public_url}/"}
    if live is not None and live.record.sid:
        query["logout_hint"] = live.record.sid
    return f"{endpoint}?{urlencode(query)}"


def _note(call: Call, cx: BffContext, live: LiveSession | None, *, revoked: bool) -> None:
    checks = [Check("own_origin", True, "asked for by our own page")]
    if live is not None:
        checks.append(Check("revoked", revoked, "refresh token revoked at the issuer" if revoked else "not confirmed"))
    cx.journal.record(
        Decision(
            ACTION,
            True,
            "session.ended" if live else "session.none",
            call.trace,
            subject=live.subject if live else "",
            client_id=cx.client_id,
            credential=live.credential if live else Credential("none"),
            checks=tuple(checks),
        )
    )
