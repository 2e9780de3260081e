"""GET /bff/callback: the browser comes back from the issuer.

Checks, in order: the sign-in is one we began, in this very browser, not yet spent; the response is this issuer's
(`iss`); the code redeems; the ID token is for us, for this sign-in, beside this access token. Only then is there a
session, with a new handle; the one the browser had before ends.
Shape: 200 and a page that goes on by itself. A redirect would still count as coming from the issuer's site, and the
Strict cookie would not be sent.
Spec: RFC 6749 section 4.1.2, RFC 9207 section 2.4, OpenID Connect Core section 3.1.3.7.
"""

from __future__ import annotations

import html
from typing import Final
from urllib.parse import quote

from keystead.core.decisions import Check, Credential, Decision
from keystead.core.forms import Parameters
from keystead.core.http import NO_STORE, Reply
from keystead.core.jose.outcomes import Rejected
from keystead.core.trace import TraceContext
from keystead.gateway.bff.call import BffContext, Call
from keystead.gateway.bff.transactions import LIFETIME, Spent, spend_login
from keystead.gateway.cookies import find_login, login_cookie, session_cookie
from keystead.gateway.hygiene import COOKIE
from keystead.gateway.issuer.client import TokenRefused, TokensGranted
from keystead.gateway.issuer.id_token import SignedIn, verify_id_token
from keystead.gateway.refusals import (
    LOGIN_PATH,
    OWN_PAGE_POLICY,
    PAGE,
    SECURITY_HEADERS,
    onward_page,
    page,
)
from keystead.gateway.sessions.records import SessionTokens

ACTION: Final = "gateway.callback"
_PROTOCOL_CLAIMS: Final = frozenset({"iss", "aud", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "azp", "jti"})


class CallbackEndpoint:
    """Ends a sign-in."""

    path = "/bff/callback"
    methods = frozenset({b"GET"})

    async def answer(self, call: Call, cx: BffContext) -> Reply:
        """Check everything, begin a session, and go on."""
        parameters = call.parameters()
        browser = find_login(call.head.seen.get(COOKIE, b""))
        spent = await spend_login(cx, state=str(parameters.get("state", "")), browser=browser[0] if browser else None)
        if isinstance(spent, str):
            return _failed(call, cx, spent, "This sign-in was not begun in this browser, or is over.", "/")
        metadata = await cx.issuer.directory.metadata()
        named = parameters.get("iss")
        if named != metadata.issuer and (named or metadata.authorization_response_iss_parameter_supported):
            return _failed(call, cx, "callback.issuer", "The answer came from somebody else.", spent.return_to)
        if "error" in parameters or "code" not in parameters:
            return _failed(call, cx, _error_reason(parameters), "You have not been signed in.", spent.return_to)
        granted = await cx.issuer.redeem(
            str(parameters["code"]), spent.secrets.code_verifier, cx.redirect_uri, call.trace
        )
        if isinstance(granted, TokenRefused):
            reason = f"callback.code_refused.{granted.error}"
            return _failed(call, cx, reason, "The sign-in could not be completed.", spent.return_to)
        signed_in = await verify_id_token(
            granted,
            directory=cx.issuer.directory,
            client_id=cx.client_id,
            nonce=spent.secrets.nonce,
            now=cx.table.now(),
        )
        if isinstance(signed_in, Rejected):
            return _failed(call, cx, signed_in.reason, "The sign-in could not be believed.", spent.return_to)
        return await _begin_session(call, cx, spent, granted, signed_in)


async def _begin_session(
    call: Call, cx: BffContext, spent: Spent, granted: TokensGranted, signed_in: SignedIn
) -> Reply:
    claims = await _person(cx, granted, signed_in, call.trace)
    tokens = SessionTokens(
        granted.access_token.reveal(),
        cx.table.now() + granted.expires_in,
        granted.refresh_token.reveal(),
        granted.scope or cx.scope,
        claims,
    )
    sid = signed_in.claims.get("sid")
    handle = await cx.table.begin(tokens, sid=sid if isinstance(sid, str) else "", replaces=spent.replaces)
    if handle is None:
        return _failed(call, cx, "callback.signed_out", "You have signed out meanwhile.", spent.return_to)
    _note(call, cx, signed_in, granted)
    reply = onward_page(spent.return_to)
    cookies = [(b"set-cookie", session_cookie(handle))]
    if (browser := find_login(call.head.seen.get(COOKIE, b""))) is not None:
        # Other tabs that are still signing in need it; afterwards one cookie is enough.
        cookies.append((b"set-cookie", login_cookie(browser[0], browser[1] - 1, LIFETIME)))
    return Reply(reply.status, (*cookies, *reply.headers), reply.body)


async def _person(
    cx: BffContext, granted: TokensGranted, signed_in: SignedIn, trace: TraceContext
) -> dict[str, object]:
    """Return what the issuer says of the person: the ID token's claims, and userinfo's of the same subject."""
    claims = {name: value for name, value in signed_in.claims.items() if name not in _PROTOCOL_CLAIMS}
    told = await cx.issuer.userinfo(granted.access_token, trace)
    return {**told, **claims} if told.get("sub") == claims["sub"] else claims


def _failed(call: Call, cx: BffContext, reason: str, sentence: str, return_to: str) -> Reply:
    """Return a page that says so and offers another try. Nothing from outside is repeated on it."""
    check = Check(reason.partition(".")[2] or reason, False, sentence)
    cx.journal.record(Decision(ACTION, False, reason, call.trace, client_id=cx.client_id, checks=(check,)))
    again = html.escape(f"{LOGIN_PATH}?return_to={quote(return_to, safe='/')}", quote=True)
    body = page("Not signed in", f'{html.escape(sentence)} <a href="{again}">Try again</a>')
    return Reply(400, (PAGE, OWN_PAGE_POLICY, *NO_STORE, *SECURITY_HEADERS), body)


def _error_reason(parameters: Parameters) -> str:
    error = str(parameters.get("error", "no_code"))
    return f"callback.{error}" if error.isascii() and error.isidentifier() and len(error) <= 64 else "callback.error"


def _note(call: Call, cx: BffContext, signed_in: SignedIn, granted: TokensGranted) -> None:
    claims = signed_in.claims
    shown = Credential(
        "id_token",
        str(claims["iss"]),
        (cx.client_id,),
        str(claims["sub"]),
        client_id=cx.client_id,
        acr=str(claims.get("acr", "")),
        lifetime=claims["exp"] - claims["iat"],
        expires_at=claims["exp"],
    )
    issued = Credential("session_cookie", subject=str(claims["sub"]), client_id=cx.client_id)
    checks = (
        Check("state", True, "ours, of this browser, spent now"),
        Check("iss", True, "the issuer we asked"),
        Check("code", True, "redeemed with its verifier"),
        *signed_in.checks,
    )
    cx.journal.record(
        Decision(
            ACTION,
            True,
            "session.begun",
            call.trace,
            subject=str(claims["sub"]),
            client_id=cx.client_id,
            credential=shown,
            issued=issued,
            checks=checks,
            facts={"scope": granted.scope.split()},
        )
    )
