"""The end-session endpoint: signing out, asked for by an application or by the person."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from keystead.core.cookies import clear_cookie, cookie_name
from keystead.core.decisions import Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import parse_parameters, read_body, read_form
from keystead.core.http import Headers, Reply, Request
from keystead.core.logout import Ended
from keystead.core.pages import Farewell, Link, LogoutQuestion, Problem
from keystead.core.redirects import see_other
from keystead.core.spec import OIDC_FRONTCHANNEL, OIDC_RP_LOGOUT, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import form_token, is_form_token, refuse_foreign_post, session_handle
from keystead.oauth.logout_request import LogoutForm, Proven, hint_is_of, prove_logout
from keystead.oauth.session_state import forget_state_cookie
from keystead.oauth.situation import Person


class LogoutEndpoint(EndpointPlugin):
    """Ends the browser's session and what it bought; asks first unless an ID token of this very session proves it.

    Shape: GET or POST; a page, or 303 to a `post_logout_redirect_uri` the client registered, with `state`.
    Does not: redirect anywhere else, or believe a hint of another person.
    Spec: OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3.
    """

    path: ClassVar[str] = "logout"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    page: ClassVar[bool] = True
    specs: ClassVar[tuple[Section, ...]] = (OIDC_RP_LOGOUT["2"], OIDC_RP_LOGOUT["3"], OIDC_FRONTCHANNEL["3"])

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where to send people who want to sign out."""
        return {
            "end_session_endpoint": f"{issuer}/logout",
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "frontchannel_logout_supported": True,
            "frontchannel_logout_session_supported": True,
        }

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one logout request, or the answer to our question."""
        try:
            parameters = read_body(request) if request.method == "POST" else parse_parameters(request.query)
            proven = await prove_logout(request, read_form(parameters, LogoutForm), cx)
        except InvalidRequest as error:
            return _refuse(request, error, cx)
        if proven.form.answer and request.method == "POST":
            return await _answered(request, proven, cx)
        if proven.person is None:
            return _goodbye(request, proven, cx, ended=False)
        if hint_is_of(proven.person, proven.hint):
            return await _end(request, proven, proven.person, cx)
        return _ask(request, proven, proven.person, cx)


def _ask(request: Request, proven: Proven, person: Person, cx: ServerContext) -> Reply:
    form = proven.form
    fields = [("token", form_token(session_handle(request, cx), "logout"))]
    fields += [
        (name, value)
        for name, value in (
            ("client_id", proven.client.id if proven.client else ""),
            ("post_logout_redirect_uri", proven.return_to),
            ("state", form.state or ""),
        )
        if value
    ]
    return cx.pages.confirm_logout(
        LogoutQuestion(
            realm=request.realm,
            realm_name=proven.realm_name,
            person=person.account.name or person.account.username,
            client_name=(proven.client.client_name or proven.client.id) if proven.client else "",
            action=f"{cx.issuer(request.realm)}/logout",
            fields=tuple(fields),
            form_target=proven.return_to,
        )
    )


async def _answered(request: Request, proven: Proven, cx: ServerContext) -> Reply:
    """Do what the person answered on our page."""
    foreign = refuse_foreign_post(request, cx)
    if foreign is not None:
        return foreign
    if proven.person is None:
        return _goodbye(request, proven, cx, ended=False)
    if not is_form_token(proven.form.token, session_handle(request, cx), "logout"):
        return _ask(request, proven, proven.person, cx)
    if proven.form.answer != "yes":
        return see_other(f"{cx.issuer(request.realm)}/signed-in")
    return await _end(request, proven, proven.person, cx)


async def _end(request: Request, proven: Proven, person: Person, cx: ServerContext) -> Reply:
    ended = await cx.store.write(lambda: cx.end_session(request.realm, person.session.id, "logout", request.now))
    cx.journal.record(
        Decision(
            action="logout",
            allowed=True,
            reason="logout.ended",
            trace=request.trace,
            realm=request.realm,
            subject=person.account.id,
            client_id=proven.client.id if proven.client else "",
            checks=proven.checks,
            facts={"sid": person.session.id},
        )
    )
    return _goodbye(request, proven, cx, ended=True, frames=frontchannel_frames(ended, cx) if ended else ())


def _goodbye(
    request: Request, proven: Proven, cx: ServerContext, *, ended: bool, frames: tuple[str, ...] = ()
) -> Reply:
    """Send the browser back to the application, or say goodbye here. Nothing proven: a link instead of a redirect.

    Where applications hear of the logout in frames, they are on the page, and the browser goes on when they are loaded.
    Only a cookie that was shown is taken away: a form another site posts comes without the Lax cookie, and must not
    make the browser forget it.
    """
    shown = session_handle(request, cx)
    forget: Headers = ()
    if shown:
        session_cookie = cookie_name("session", request.realm, secure=cx.secure)
        forget = (clear_cookie(session_cookie), forget_state_cookie(request.realm, cx))
    location = _return_address(proven)
    goes_on = bool(location) and (ended or proven.hint is not None)
    if goes_on and not frames:
        return see_other(location, forget)
    name = (proven.client.client_name or proven.client.id) if proven.client else ""
    farewell = Farewell(
        realm=request.realm,
        realm_name=proven.realm_name,
        link=Link(location, f"Back to {name}") if location else None,
        frames=frames,
        goes_on=goes_on,
    )
    return _with(cx.pages.logged_out(farewell), forget)


def _return_address(proven: Proven) -> str:
    """Return where to go afterwards, with the `state` the application sent; empty for nowhere."""
    if not proven.return_to or proven.form.state is None:
        return proven.return_to
    joint = "&" if "?" in proven.return_to else "?"
    return f"{proven.return_to}{joint}{urlencode({'state': proven.form.state})}"


def frontchannel_frames(ended: Ended, cx: ServerContext) -> tuple[str, ...]:
    """Return the addresses that tell applications in the browser that a session has ended.

    Always with `iss` and `sid`: an application that is told whose logout this is cannot be fooled by any other frame.
    Spec: OpenID Connect Front-Channel Logout 1.0 sections 2 and 3.
    """
    told = urlencode({"iss": cx.issuer(ended.session.realm), "sid": ended.session.id})
    uris = (client.frontchannel_logout_uri for client in ended.clients)
    return tuple(f"{uri}{'&' if '?' in uri else '?'}{told}" for uri in uris if uri)


def _with(reply: Reply, headers: tuple[tuple[bytes, bytes], ...]) -> Reply:
    return Reply(reply.status, (*reply.headers, *headers), reply.body)


def _refuse(request: Request, error: InvalidRequest, cx: ServerContext) -> Reply:
    cx.journal.record(
        Decision(action="logout", allowed=False, reason=error.reason, trace=request.trace, realm=request.realm)
    )
    return cx.pages.problem(
        Problem(
            realm=request.realm,
            title="This sign-out link does not work",
            message=error.description,
            advice=f"You can sign out at {cx.issuer(request.realm)}/logout.",
            code=error.code,
            reference=request.trace.trace_id,
        )
    )
