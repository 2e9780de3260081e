"""Who is there, and may they look: the same questions before every page."""

from __future__ import annotations

from urllib.parse import quote

from keystead.authz.served import UnknownStore
from keystead.core.http import Reply, Request
from keystead.core.pages import Link, Problem
from keystead.core.records.authorization import AuthorizationStore
from keystead.core.redirects import see_other
from keystead.oauth.authorization_api import EDITOR, VIEWER
from keystead.oauth.guard import form_token, is_form_token, refuse_foreign_post, session_handle
from keystead.oauth.situation import gather, place_of, read_browser
from keystead.web.console.page import ConsoleVisit, Desk

FORM_PURPOSE = "console"


async def console_visit(request: Request, desk: Desk) -> ConsoleVisit | Reply:
    """Return the visit, or where to go first: to the realm's sign-in, or nowhere without the role."""
    cx = desk.cx
    browser = read_browser(request, cx)
    situation = await cx.store.read(gather(place_of(request, cx), "", browser.session_digest, request.now))
    if situation.person is None:
        return see_other(f"{cx.issuer(request.realm)}/sign-in?console={quote(_rest_of(request), safe='/')}")
    if not {VIEWER, EDITOR} & set(situation.person.account.roles):
        return _refused(request, desk, f"This part of the console is for people with the role {VIEWER} or {EDITOR}.")
    token = form_token(session_handle(request, cx), FORM_PURPOSE)
    return ConsoleVisit(request, desk, situation, situation.person, token)


async def visited_store(visit: ConsoleVisit, id: str) -> AuthorizationStore | Reply:
    """Return the store, or the page that says that this realm has none of that name."""
    try:
        return await visit.desk.stores.find(visit.realm, id)
    except UnknownStore:
        return visit.desk.cx.pages.problem(
            Problem(
                realm=visit.realm,
                title="There is no such store",
                message="It was removed, or it belongs to another realm.",
                code="store_id_not_found",
                status=404,
                reference=visit.request.trace.trace_id,
                link=Link(visit.here, "All stores of this realm"),
            )
        )


def refuse_post(visit: ConsoleVisit, token: str) -> Reply | None:
    """Return the refusal of a form that is not ours, was made for another sign-in, or wants what only editors may."""
    request, desk = visit.request, visit.desk
    foreign = refuse_foreign_post(request, desk.cx)
    if foreign is not None:
        return foreign
    if not is_form_token(token, session_handle(request, desk.cx), FORM_PURPOSE):
        return _refused(request, desk, "This form was made for another sign-in. Load the page again.", "form.stale")
    if not visit.edits:
        return _refused(request, desk, f"Only people with the role {EDITOR} change tuples.")
    return None


def _refused(request: Request, desk: Desk, why: str, code: str = "access_denied") -> Reply:
    return desk.cx.pages.problem(
        Problem(
            realm=request.realm,
            title="Not for you, as it is",
            message=why,
            advice="Nothing was changed. Whoever runs this realm can give you the role.",
            code=code,
            status=403,
            reference=request.trace.trace_id,
        )
    )


def _rest_of(request: Request) -> str:
    """Return what the path says after the realm: where to come back to. It begins with a slash."""
    return "/" + request.path.partition(f"/admin/authz/{request.realm}")[2].strip("/")
