"""The end-session endpoint: signing out, asked for by an application or by the person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from keystead.core.cookies import clear_cookie, cookie_name
from keystead.core.decisions import Check, Decision, Denied
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Line, Token, Word, parse_parameters, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.pages import Farewell, Link, LogoutQuestion, Problem
from keystead.core.records.client import Client
from keystead.core.redirects import see_other
from keystead.core.spec import OIDC_RP_LOGOUT, Section
from keystead.oauth.checks.id_token_hint import read_id_token_hint
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import form_token, is_form_token, refuse_foreign_post, session_handle
from keystead.oauth.situation import Person, gather, place_of, read_browser


class LogoutForm(Form, frozen=True, kw_only=True):
    """The parameters of a logout request; `answer` and `token` only from our own page."""

    id_token_hint: Token = ""
    logout_hint: Line = ""
    client_id: Word = ""
    post_logout_redirect_uri: Line = ""
    state: Line | None = None
    answer: Word = ""
    token: Word = ""


@dataclass(frozen=True, slots=True)
class Proven:
    """A logout request that was checked: who may be told, where to go afterwards, and whom the hint names."""

    form: LogoutForm
    client: Client | None
    person: Person | None
    hint: dict[str, Any] | None
    return_to: str
    realm_name: str
    checks: tuple[Check, ...]


class LogoutEndpoint(EndpointPlugin):
    """Ends the browser's session and what it bought; asks first unless an ID token of this very session proves it.

    Shape: GET or POST; a page, or 303 to a `post_logout_redirect_uri` the client registered, with `state`.
    Does not: redirect anywhere else, or believe a hint of another person.
    Spec: OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3.
    """

    path: ClassVar[str] = "logout"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    page: ClassVar[bool] = True
    specs: ClassVar[tuple[Section, ...]] = (OIDC_RP_LOGOUT["2"], OIDC_RP_LOGOUT["3"])

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where to send people who want to sign out."""
        return {"end_session_endpoint": f"{issuer}/logout"}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one logout request, or the answer to our question."""
        try:
            parameters = read_body(request) if request.method == "POST" else parse_parameters(request.query)
            proven = await _prove(request, read_form(parameters, LogoutForm), cx)
        except InvalidRequest as error:
            return _refuse(request, error, cx)
        if proven.form.answer and request.method == "POST":
            return await _answered(request, proven, cx)
        if proven.person is None:
            return _goodbye(request, proven, cx, ended=False)
        if _hint_is_of(proven.person, proven.hint):
            return await _end(request, proven, proven.person, cx)
        return _ask(request, proven, proven.person, cx)


async def _prove(request: Request, form: LogoutForm, cx: ServerContext) -> Proven:
    """Check everything a logout request claims. Raises: InvalidRequest."""
    issuer = cx.issuer(request.realm)
    hint = await _read_hint(request, form, cx)
    client_id = form.client_id
    if hint is not None:
        audience = hint.get("aud")
        named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
        if client_id and client_id not in named:
            raise InvalidRequest("The id_token_hint was issued to another client.", reason="logout.hint_client")
        client_id = client_id or (named[0] if len(named) == 1 and isinstance(named[0], str) else "")
    session_digest = read_browser(request, cx).session_digest
    situation = await cx.store.read(gather(place_of(request, cx), client_id, session_digest, request.now))
    client = situation.client if situation.client is not None and situation.client.enabled else None
    if client_id and client is None:
        raise InvalidRequest("This application is not known here.", reason="logout.client_unknown")
    target = form.post_logout_redirect_uri
    if target and (client is None or target not in client.post_logout_redirect_uris):
        raise InvalidRequest(
            "The post_logout_redirect_uri is not one that the application registered.",
            reason="logout.redirect_uri_not_registered",
        )
    checks = (
        Check("id_token_hint", hint is not None, f"an ID token of {issuer}" if hint else "none was sent"),
        Check("post_logout_redirect_uri", True, "registered, character by character" if target else "none was sent"),
    )
    return Proven(form, client, situation.person, hint, target, situation.realm.display_name, checks)


async def _read_hint(request: Request, form: LogoutForm, cx: ServerContext) -> dict[str, Any] | None:
    if not form.id_token_hint:
        return None
    keys = await cx.keys.key_set(request.realm, request.now)
    claims = read_id_token_hint(form.id_token_hint, keys, cx.issuer(request.realm))
    if isinstance(claims, Denied):
        raise InvalidRequest("The id_token_hint is not an ID token issued here.", reason=claims.reason)
    return claims


def _hint_is_of(person: Person, hint: dict[str, Any] | None) -> bool:
    """Return whether the hint proves that the client means this very session."""
    return hint is not None and hint.get("sub") == person.account.id and hint.get("sid") == person.session.id


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
    await cx.store.write(lambda: cx.end_session(request.realm, person.session.id, "logout", request.now))
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
    return _goodbye(request, proven, cx, ended=True)


def _goodbye(request: Request, proven: Proven, cx: ServerContext, *, ended: bool) -> Reply:
    """Send the browser back to the application, or say goodbye here. Nothing proven: a link instead of a redirect.

    Only a cookie that was shown is taken away: a form another site posts comes without the Lax cookie, and must not
    make the browser forget it.
    """
    shown = session_handle(request, cx)
    forget = (clear_cookie(cookie_name("session", request.realm, secure=cx.secure)),) if shown else ()
    if not proven.return_to:
        return _with(cx.pages.logged_out(Farewell(realm=request.realm, realm_name=proven.realm_name)), forget)
    state = "" if proven.form.state is None else urlencode({"state": proven.form.state})
    joint = "" if not state else "&" if "?" in proven.return_to else "?"
    location = f"{proven.return_to}{joint}{state}"
    if ended or proven.hint is not None:
        return see_other(location, forget)
    name = (proven.client.client_name or proven.client.id) if proven.client else ""
    farewell = Farewell(realm=request.realm, realm_name=proven.realm_name, link=Link(location, f"Back to {name}"))
    return _with(cx.pages.logged_out(farewell), forget)


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
