"""The sign-in page."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from keystead.core.cookies import cookie_name, read_cookie, set_cookie
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Word, parse_parameters, read_body, read_form
from keystead.core.http import Headers, Reply, Request
from keystead.core.pages import Problem
from keystead.core.protocols import PasswordsBusy
from keystead.core.redirects import see_other
from keystead.core.spec import OIDC_CORE, Section
from keystead.core.values import Secret, new_handle
from keystead.identity.known_browsers import KNOWN_BROWSER_LIFETIME, know_browser, known_browser
from keystead.identity.throttle import Wait
from keystead.oauth.authorize import BROWSER_PREFIX, finished_elsewhere
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import browser_handle, form_token, is_form_token, refuse_foreign_post
from keystead.oauth.situation import Situation, read_browser
from keystead.web.rendering import render
from keystead.web.returning import come_back, look_up, mark
from keystead.web.sign_in_attempt import Attempt, Entered, Wrong, try_password

_WRONG: Final = "The user name or password is not right."
_EMPTY: Final = "Enter your user name and your password."


class SignInQuery(Form, frozen=True, kw_only=True):
    """Which interaction the page is for (none: only to sign in), and whether another person wants to."""

    interaction: Word = ""
    switch: Word = ""


class SignInForm(Form, frozen=True, kw_only=True):
    """What the page posts. `choice` is `cancel` or `continue` when another button than sign-in was pressed."""

    interaction: Word = ""
    token: Word = ""
    choice: Word = ""
    username: str = ""
    password: str = ""


class SignInEndpoint(EndpointPlugin):
    """Asks for user name and password; a right answer makes a session and returns to the dispatcher.

    Shape: GET shows the page; POST answers 303, or the page again (200 wrong, 429 wait, 503 busy).
    Does not: tell an unknown name from a wrong password, by words, status or time.
    Spec: OpenID Connect Core section 3.1.2.3.
    """

    path: ClassVar[str] = "sign-in"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    specs: ClassVar[tuple[Section, ...]] = (OIDC_CORE["3.1.2.3"],)
    maximum_body: ClassVar[int] = 16_384

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit or one post."""
        return await (_post(request, cx) if request.method == "POST" else _show(request, cx))


async def _show(request: Request, cx: ServerContext) -> Reply:
    try:
        query = read_form(parse_parameters(request.query), SignInQuery)
    except InvalidRequest:
        return finished_elsewhere(request, cx)
    situation = await look_up(request, query.interaction, cx)
    if situation is None:
        return finished_elsewhere(request, cx)
    asked, person = situation.interaction, situation.person
    if asked is None and person is not None and not query.switch:
        return see_other(f"{cx.issuer(request.realm)}/signed-in")
    username = asked.login_hint if asked is not None else ""
    if person is not None and not query.switch and asked is not None and not asked.required_subject:
        username = person.account.username
    return _page(request, situation, cx, handle=query.interaction, username=username, switch=bool(query.switch))


async def _post(request: Request, cx: ServerContext) -> Reply:
    foreign = refuse_foreign_post(request, cx)
    if foreign is not None:
        return foreign
    try:
        form = read_form(read_body(request), SignInForm)
    except InvalidRequest as error:
        return _unreadable(request, error, cx)
    situation = await look_up(request, form.interaction, cx)
    if situation is None:
        return finished_elsewhere(request, cx)
    if not form.interaction and not is_form_token(form.token, browser_handle(request, cx), "sign-in"):
        return finished_elsewhere(request, cx)
    if form.choice and situation.interaction is not None:
        return await _choose(request, form, situation, cx)
    if not form.username or not form.password:
        return _page(request, situation, cx, handle=form.interaction, username=form.username, error=_EMPTY)
    return await _attempt(request, form, situation, cx)


async def _choose(request: Request, form: SignInForm, situation: Situation, cx: ServerContext) -> Reply:
    """Cancel, or go on as the person who is signed in already."""
    if situation.interaction is None:
        raise RuntimeError("a choice needs an interaction to be written down in")
    if form.choice == "cancel":
        await mark(cx, situation.interaction, request.now, denied=True)
    elif form.choice == "continue" and situation.person is not None:
        await mark(cx, situation.interaction, request.now, chosen_subject=situation.person.account.id)
    return come_back(request, form.interaction, cx)


async def _attempt(request: Request, form: SignInForm, situation: Situation, cx: ServerContext) -> Reply:
    known = read_cookie(request.headers, cookie_name("known", request.realm, secure=cx.secure))
    entered = Entered(
        username=form.username,
        password=Secret(form.password),
        address=request.client_address,
        known_browser=known_browser(cx.sealer, request.realm, form.username, known),
        user_agent=(request.header(b"user-agent") or b"").decode("latin-1"),
        previous_digest=read_browser(request, cx).session_digest,
    )
    try:
        outcome = await try_password(Attempt(request, situation, entered), cx)
    except PasswordsBusy as busy:
        return _busy(request, busy, cx)
    if isinstance(outcome, Wait):
        return _page(
            request,
            situation,
            cx,
            handle=form.interaction,
            username=form.username,
            error=_wait_text(outcome.seconds),
            status=429,
            headers=((b"retry-after", str(outcome.seconds).encode()),),
        )
    if isinstance(outcome, Wrong):
        return _page(request, situation, cx, handle=form.interaction, username=form.username, error=_WRONG)
    headers = (
        set_cookie(cookie_name("session", request.realm, secure=cx.secure), outcome.handle),
        set_cookie(
            cookie_name("known", request.realm, secure=cx.secure),
            know_browser(cx.sealer, request.realm, form.username),
            KNOWN_BROWSER_LIFETIME,
        ),
    )
    return come_back(request, form.interaction, cx, headers)


def _page(
    request: Request,
    situation: Situation,
    cx: ServerContext,
    *,
    handle: str,
    username: str = "",
    error: str = "",
    status: int = 200,
    switch: bool = False,
    headers: Headers = (),
) -> Reply:
    asked, person = situation.interaction, situation.person
    client = situation.client if asked is not None else None
    token = ""
    if not handle:
        cookie = browser_handle(request, cx)
        if not cookie:
            cookie = BROWSER_PREFIX + new_handle()
            headers = (*headers, set_cookie(cookie_name("browser", request.realm, secure=cx.secure), cookie))
        token = form_token(cookie, "sign-in")
    chooses = asked is not None and "select_account" in asked.prompt and not switch and not error
    facts: dict[str, Any] = {
        "client": client,
        "realm_name": situation.realm.display_name or situation.realm.id,
        "person": person if not switch else None,
        "chooses": chooses and person is not None,
        "handle": handle,
        "token": token,
        "username": username,
        "error": error,
    }
    return render(
        "sign_in.html",
        facts,
        base_url=cx.base_url,
        realm=request.realm,
        status=status,
        form_target=asked.redirect_uri if asked is not None else "",
        headers=headers,
    )


def _wait_text(seconds: int) -> str:
    amount = f"{seconds} second{'s' * (seconds != 1)}" if seconds < 90 else f"{-(-seconds // 60)} minutes"
    return f"Too many attempts. Wait {amount}, then try again."


def _unreadable(request: Request, error: InvalidRequest, cx: ServerContext) -> Reply:
    return cx.pages.problem(
        Problem(
            realm=request.realm,
            title="This form could not be read",
            message=error.description,
            advice="Go back and try again.",
            reference=request.trace.trace_id,
        )
    )


def _busy(request: Request, busy: PasswordsBusy, cx: ServerContext) -> Reply:
    return cx.pages.problem(
        Problem(
            realm=request.realm,
            title="Many people are signing in right now",
            message="Your password was not checked.",
            advice="Wait a moment, then go back and try again.",
            code="temporarily_unavailable",
            status=503,
            retry_after=busy.retry_after,
            reference=request.trace.trace_id,
        )
    )
