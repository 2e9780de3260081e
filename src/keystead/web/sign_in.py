"""The sign-in page."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.cookies import cookie_name, read_cookie
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Word, parse_parameters, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.protocols import PasswordsBusy
from keystead.core.spec import OIDC_CORE, Section
from keystead.core.values import Secret
from keystead.identity.known_browsers import known_browser
from keystead.identity.throttle import Wait
from keystead.oauth.authorize import finished_elsewhere
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import browser_handle, is_form_token, refuse_foreign_post
from keystead.oauth.interactions import Handle
from keystead.oauth.situation import read_browser
from keystead.web.cancelling import WAIT, cancel
from keystead.web.returning import come_back, look_up, mark
from keystead.web.session_cookies import session_cookies
from keystead.web.sign_in_attempt import Attempt, Entered, Wrong, try_password
from keystead.web.sign_in_page import (
    EMPTY,
    FORM_PURPOSE,
    WRONG,
    Visit,
    busy_page,
    console_path,
    go_on,
    sign_in_page,
    unreadable_page,
    waiting,
    waiting_seconds,
)


class SignInQuery(Form, frozen=True, kw_only=True):
    """Which interaction the page is for (none: only to sign in), and whether another person wants to.

    `console` is the page of the console to go to afterwards: what its path says after the realm.
    """

    interaction: Handle = ""
    switch: Word = ""
    console: Word = ""


class SignInForm(Form, frozen=True, kw_only=True):
    """What the page posts. `choice` is `cancel` or `continue` when another button than sign-in was pressed."""

    interaction: Handle = ""
    token: Word = ""
    choice: Word = ""
    switch: Word = ""
    console: Word = ""
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
    page: ClassVar[bool] = True
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
    visit = Visit(request, cx, situation, query.interaction, bool(query.switch), console_path(query.console))
    asked, person = situation.interaction, situation.person
    if asked is None:
        if person is not None and not visit.switch:
            return go_on(visit)
        return sign_in_page(visit, "")
    if person is not None and not visit.switch and not asked.required_subject:
        return sign_in_page(visit, person.account.username)
    return sign_in_page(visit, asked.login_hint)


async def _post(request: Request, cx: ServerContext) -> Reply:
    foreign = refuse_foreign_post(request, cx)
    if foreign is not None:
        return foreign
    try:
        form = read_form(read_body(request), SignInForm)
    except InvalidRequest as error:
        return unreadable_page(request, error.description, cx)
    situation = await look_up(request, form.interaction, cx)
    if situation is None:
        return finished_elsewhere(request, cx)
    if not form.interaction and not is_form_token(form.token, browser_handle(request, cx), FORM_PURPOSE):
        return finished_elsewhere(request, cx)
    visit = Visit(request, cx, situation, form.interaction, bool(form.switch), console_path(form.console))
    if form.choice:
        return await _choose(visit, form.choice)
    if not form.username or not form.password:
        return sign_in_page(visit, form.username, EMPTY)
    return await _attempt(visit, form)


async def _choose(visit: Visit, choice: str) -> Reply:
    """Cancel, or go on as the person who is signed in already. Anything else changes nothing."""
    asked, person, now = visit.situation.interaction, visit.situation.person, visit.request.now
    if asked is not None and choice == "cancel":
        if not await cancel(visit.request, asked, visit.cx, anonymous=person is None):
            return sign_in_page(visit, "", waiting_seconds(WAIT))
    elif asked is not None and choice == "continue" and person is not None:
        await mark(visit.cx, asked, now, chosen_subject=person.account.id)
    return come_back(visit.request, visit.handle, visit.cx)


async def _attempt(visit: Visit, form: SignInForm) -> Reply:
    request, cx = visit.request, visit.cx
    known = read_cookie(request.headers, cookie_name("known", request.realm, secure=cx.secure))
    entered = Entered(
        username=form.username,
        password=Secret(form.password),
        address=request.client_address,
        known_browser=known_browser(cx.sealer, request.realm, form.username, known),
        user_agent=next((value.decode("latin-1") for name, value in request.headers if name == b"user-agent"), ""),
        previous_digest=read_browser(request, cx).session_digest,
    )
    try:
        outcome = await try_password(Attempt(request, visit.situation, entered), cx)
    except PasswordsBusy as busy:
        return busy_page(request, busy, cx)
    if isinstance(outcome, Wait):
        return sign_in_page(visit, form.username, waiting(outcome))
    if isinstance(outcome, Wrong):
        return sign_in_page(visit, form.username, WRONG)
    return go_on(visit, session_cookies(visit, outcome, form.username))
