"""What the account pages do alike: find out who is there, and whether a form is theirs."""

from __future__ import annotations

from dataclasses import dataclass

from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Line, Word, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.pages import Problem
from keystead.core.redirects import see_other
from keystead.oauth.context import ServerContext
from keystead.oauth.guard import form_token, is_form_token, refuse_foreign_post, session_handle
from keystead.oauth.situation import Person, Situation, gather, place_of, read_browser

_PURPOSE = "account"


class AccountForm(Form, frozen=True, kw_only=True):
    """What the forms of the account pages post: what to do, to which thing."""

    token: Word = ""
    answer: Word = ""
    id: Line = ""


@dataclass(frozen=True, slots=True)
class AccountVisit:
    """One visit of somebody who is signed in."""

    request: Request
    situation: Situation
    person: Person
    token: str

    @property
    def realm_name(self) -> str:
        """What people call the realm."""
        return self.situation.realm.display_name or self.situation.realm.id


async def account_visit(request: Request, cx: ServerContext) -> AccountVisit | Reply:
    """Return the visit, or where to go first."""
    browser = read_browser(request, cx)
    situation = await cx.store.read(gather(place_of(request, cx), "", browser.session_digest, request.now))
    if situation.halfway is not None:
        return see_other(f"{cx.issuer(request.realm)}/second-factor")
    if situation.person is None:
        return see_other(f"{cx.issuer(request.realm)}/sign-in")
    if situation.person.account.new_password_due:
        return see_other(f"{cx.issuer(request.realm)}/new-password")
    return AccountVisit(request, situation, situation.person, form_token(session_handle(request, cx), _PURPOSE))


async def posted_form(request: Request, cx: ServerContext) -> AccountForm | Reply:
    """Return the form of a post that came from our own page at this browser, or the refusal."""
    foreign = refuse_foreign_post(request, cx)
    if foreign is not None:
        return foreign
    try:
        form = read_form(read_body(request), AccountForm)
    except InvalidRequest as error:
        return _stale(request, error.description, cx)
    if not is_form_token(form.token, session_handle(request, cx), _PURPOSE):
        return _stale(request, "It was made for another sign-in.", cx)
    return form


def _stale(request: Request, why: str, cx: ServerContext) -> Reply:
    return cx.pages.problem(
        Problem(
            realm=request.realm,
            title="Nothing was changed",
            message=f"This form cannot be used any more. {why}",
            advice="Go back, load the page again, and try once more.",
            code="form.stale",
            status=403,
            reference=request.trace.trace_id,
        )
    )
