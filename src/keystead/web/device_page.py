"""How the device page looks: where a code is typed, and where the person judges who asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from keystead.core.cookies import cookie_name, set_cookie
from keystead.core.http import Headers, Reply, Request
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.values import new_handle
from keystead.identity.throttle import Wait
from keystead.oauth.authorize import BROWSER_PREFIX
from keystead.oauth.context import ServerContext
from keystead.oauth.guard import browser_handle, form_token
from keystead.oauth.situation import Browser, Situation
from keystead.web.device_words import ago_in_words, program_in_words
from keystead.web.rendering import render
from keystead.web.sign_in_page import NOTHING, Remark, waiting

FORM_PURPOSE: Final = "device"
NO_CODE: Final = Remark("Enter the code that your device shows.")
UNKNOWN: Final = Remark(
    "That code is not known here, or it has run out. Look at your device again, or let it begin anew."
)
DENIED: Final = Remark("The device was not connected, and its code is no longer good.")


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to the page."""

    request: Request
    cx: ServerContext
    situation: Situation
    browser: Browser


def too_early(wait: Wait) -> Remark:
    """Return the remark that too many wrong codes came from here."""
    return waiting(wait)


def enter_page(visit: Visit, user_code: str, remark: Remark = NOTHING) -> Reply:
    """Return the page with the field for the code, filled in when the person came by a link."""
    return _page(visit, {"user_code": user_code, "error": remark.text, "waiting": None}, remark)


def confirm_page(visit: Visit, asked: AwaitedDecision, user_code: str) -> Reply:
    """Return the page that shows who asked, from where and when."""
    client = visit.situation.client
    facts: dict[str, Any] = {
        "user_code": user_code,
        "error": "",
        "waiting": asked,
        "client_name": (client.client_name or client.id) if client is not None else asked.client_id,
        "self_registered": client is not None and client.self_registered,
        "here_too": asked.asked_from == visit.request.client_address,
        "program": program_in_words(asked.asked_with),
        "ago": ago_in_words(visit.request.now - asked.begun_at),
    }
    return _page(visit, facts, NOTHING)


def _page(visit: Visit, facts: dict[str, Any], remark: Remark) -> Reply:
    token, headers = _form_token(visit)
    realm = visit.situation.realm
    return render(
        "device.html",
        {**facts, "token": token, "realm_name": realm.display_name or realm.id},
        base_url=visit.cx.base_url,
        realm=visit.request.realm,
        status=remark.status,
        headers=(*remark.headers, *headers),
    )


def _form_token(visit: Visit) -> tuple[str, Headers]:
    """Return what binds the form to this browser, and the cookie if it has none yet."""
    cookie = browser_handle(visit.request, visit.cx)
    if cookie:
        return form_token(cookie, FORM_PURPOSE), ()
    cookie = BROWSER_PREFIX + new_handle()
    name = cookie_name("browser", visit.request.realm, secure=visit.cx.secure)
    return form_token(cookie, FORM_PURPOSE), (set_cookie(name, cookie),)
