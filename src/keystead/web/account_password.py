"""The account page where a person changes their password, which they have to know."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.protocols import PasswordsBusy
from keystead.core.redirects import see_other
from keystead.core.spec import OIDC_CORE, Section
from keystead.oauth.authorize import finished_elsewhere
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import refuse_foreign_post
from keystead.web.account_visit import account_visit
from keystead.web.password_change import NewPasswordForm, PasswordPage, set_password, wrong_password_now
from keystead.web.sign_in_page import busy_page, unreadable_page

_LEAD = "Whoever signed in with the old one is signed out."


class AccountPasswordEndpoint(EndpointPlugin):
    """Changes the password of whoever is signed in and knows the one they have.

    Shape: GET shows the form; POST answers 303 to the list of sessions, or the form again (200 what to change, 429
    wait, 503 busy).
    Spec: OWASP ASVS 6.2.2, 6.2.3.
    """

    path: ClassVar[str] = "account/password"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    specs: ClassVar[tuple[Section, ...]] = (OIDC_CORE["3.1.2.3"],)
    page: ClassVar[bool] = True
    maximum_body: ClassVar[int] = 16_384

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit or one post."""
        visit = await account_visit(request, cx)
        if isinstance(visit, Reply):
            return visit
        page = PasswordPage(
            request, cx, visit.situation, visit.person, self.path, "Change your password", _LEAD, asks_current=True
        )
        if request.method == "GET":
            return page.show()
        foreign = refuse_foreign_post(request, cx)
        if foreign is not None:
            return foreign
        try:
            form = read_form(read_body(request), NewPasswordForm)
        except InvalidRequest as error:
            return unreadable_page(request, error.description, cx)
        if not page.is_own(form):
            return finished_elsewhere(request, cx)
        refused = await _require_current(page, form)
        if refused is not None:
            return refused
        outcome = await set_password(page, form)
        return (
            outcome
            if isinstance(outcome, Reply)
            else see_other(f"{cx.issuer(request.realm)}/account/sessions", outcome)
        )


async def _require_current(page: PasswordPage, form: NewPasswordForm) -> Reply | None:
    """Return None when the current password is right."""
    wrong = await wrong_password_now(page.request, page.account, form.current, page.cx)
    if wrong is None:
        return None
    if isinstance(wrong, PasswordsBusy):
        return busy_page(page.request, wrong, page.cx)
    _record_refusal(page, "password.throttled" if wrong.status == 429 else "password.wrong_current")
    return page.show(wrong)


def _record_refusal(page: PasswordPage, reason: str) -> None:
    page.cx.journal.record(
        Decision(
            action="account.new_password",
            allowed=False,
            reason=reason,
            trace=page.request.trace,
            realm=page.situation.realm.id,
            subject=page.account.id,
            checks=(Check("current_password", False, reason),),
        )
    )
