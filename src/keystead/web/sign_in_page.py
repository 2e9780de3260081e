"""How the sign-in page looks: a form, a choice of account, or the form again with what was wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from keystead.core.cookies import cookie_name, set_cookie
from keystead.core.http import Headers, Reply, Request
from keystead.core.pages import Problem
from keystead.core.protocols import PasswordsBusy
from keystead.core.redirects import see_other
from keystead.core.values import new_handle
from keystead.identity.throttle import Wait
from keystead.oauth.authorize import BROWSER_PREFIX
from keystead.oauth.context import ServerContext
from keystead.oauth.guard import browser_handle, form_token
from keystead.oauth.situation import Situation
from keystead.web.client_words import client_facts
from keystead.web.rendering import render
from keystead.web.returning import come_back

FORM_PURPOSE: Final = "sign-in"
_CONSOLE: Final = re.compile(r"/(?:[0-9A-Z]{26}(?:/[a-z-]{1,30})?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to the sign-in page. Without a handle it is for no application; `switch`: another person wants in.

    `console` is where in the console it goes on, empty for nowhere there.
    """

    request: Request
    cx: ServerContext
    situation: Situation
    handle: str
    switch: bool = False
    console: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """What the page has to say about the attempt before."""

    text: str
    status: int = 200
    headers: Headers = ()


NOTHING: Final = Remark("")
WRONG: Final = Remark("The user name or password is not right.")
EMPTY: Final = Remark("Enter your user name and your password.")


def waiting(wait: Wait) -> Remark:
    """Return the remark that it is too early to try again."""
    return waiting_seconds(wait.seconds)


def waiting_seconds(seconds: int) -> Remark:
    """Return the remark that it is too early, and for how long."""
    amount = f"{seconds} second{'s' * (seconds != 1)}" if seconds < 90 else f"{-(-seconds // 60)} minutes"
    headers = ((b"retry-after", str(seconds).encode()),)
    return Remark(f"Too many attempts. Wait {amount}, then try again.", 429, headers)


def console_path(asked: str) -> str:
    """Return what a path of the console says after the realm, or nothing: nobody is sent anywhere else."""
    return asked if _CONSOLE.fullmatch(asked) else ""


def go_on(visit: Visit, headers: Headers = ()) -> Reply:
    """Send a person who is signed in back to what they came for."""
    if visit.console and not visit.handle:
        where = f"{visit.cx.base_url}/admin/authz/{visit.request.realm}{visit.console}"
        return see_other(where.removesuffix("/"), headers)
    return come_back(visit.request, visit.handle, visit.cx, headers)


def sign_in_page(visit: Visit, username: str, remark: Remark = NOTHING) -> Reply:
    """Return the page, with the user name filled in."""
    asked, person = visit.situation.interaction, visit.situation.person
    client = visit.situation.client if asked is not None else None
    token, headers = _form_token(visit)
    chooses = asked is not None and "select_account" in asked.prompt and remark is NOTHING
    facts: dict[str, Any] = {
        "client": client,
        **client_facts(client),
        "realm_name": visit.situation.realm.display_name or visit.situation.realm.id,
        "person": None if visit.switch else person,
        "chooses": chooses and person is not None and not visit.switch,
        "handle": visit.handle,
        "token": token,
        "switch": visit.switch,
        "console": visit.console,
        "sign_up": visit.situation.realm.sign_up == "open" and bool(visit.handle),
        "username": username,
        "error": remark.text,
    }
    return render(
        "sign_in.html",
        facts,
        base_url=visit.cx.base_url,
        realm=visit.request.realm,
        status=remark.status,
        form_target=asked.redirect_uri if asked is not None else "",
        headers=(*remark.headers, *headers),
    )


def _form_token(visit: Visit) -> tuple[str, Headers]:
    """Return what binds a form without an interaction to this browser, and the cookie if it has none yet."""
    if visit.handle:
        return "", ()
    cookie = browser_handle(visit.request, visit.cx)
    if cookie:
        return form_token(cookie, FORM_PURPOSE), ()
    cookie = BROWSER_PREFIX + new_handle()
    name = cookie_name("browser", visit.request.realm, secure=visit.cx.secure)
    return form_token(cookie, FORM_PURPOSE), (set_cookie(name, cookie),)


def busy_page(request: Request, busy: PasswordsBusy, cx: ServerContext) -> Reply:
    """Return the page for a full queue of passwords."""
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


def unreadable_page(request: Request, why: str, cx: ServerContext) -> Reply:
    """Return the page for a form that breaks the rules of forms."""
    return cx.pages.problem(
        Problem(
            realm=request.realm,
            title="This form could not be read",
            message=why,
            advice="Go back and try again.",
            reference=request.trace.trace_id,
        )
    )
