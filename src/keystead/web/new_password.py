"""The page where a person has to choose a new password before anything else: theirs is one that attackers know."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, parse_parameters, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.spec import OIDC_CORE, Section
from keystead.oauth.authorize import finished_elsewhere
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import refuse_foreign_post
from keystead.oauth.interactions import Handle
from keystead.oauth.still_registered import may_still_be_answered
from keystead.web.password_change import NewPasswordForm, PasswordPage, set_password
from keystead.web.returning import come_back, look_up
from keystead.web.sign_in_page import unreadable_page

_LEAD = "Yours is on lists of known passwords that attackers try first. It let you in for the last time."


class NewPasswordQuery(Form, frozen=True, kw_only=True):
    """Which interaction the page is for."""

    interaction: Handle = ""


class NewPasswordEndpoint(EndpointPlugin):
    """Lets a person who signed in with a breached password choose another, and go on.

    Shape: GET shows the form; POST answers 303 to the dispatcher, or the form again with what to change.
    Does not: ask for the old password: the sign-in that led here did.
    Spec: NIST SP 800-63B section 3.1.1.2, OWASP ASVS 6.2.10.
    """

    path: ClassVar[str] = "new-password"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    specs: ClassVar[tuple[Section, ...]] = (OIDC_CORE["3.1.2.3"],)
    page: ClassVar[bool] = True
    maximum_body: ClassVar[int] = 16_384

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit or one post."""
        foreign = refuse_foreign_post(request, cx) if request.method == "POST" else None
        if foreign is not None:
            return foreign
        try:
            form = _read(request)
        except InvalidRequest as error:
            return unreadable_page(request, error.description, cx)
        situation = await look_up(request, form.interaction, cx)
        if situation is None or situation.person is None or not situation.person.account.new_password_due:
            return finished_elsewhere(request, cx)
        if situation.interaction and not may_still_be_answered(situation.interaction, situation.client):
            return finished_elsewhere(request, cx)
        page = PasswordPage(
            request, cx, situation, situation.person, self.path, "Choose a new password", _LEAD, form.interaction
        )
        if request.method == "GET":
            return page.show()
        if not page.is_own(form):
            return finished_elsewhere(request, cx)
        outcome = await set_password(page, form)
        return outcome if isinstance(outcome, Reply) else come_back(request, form.interaction, cx, outcome)


def _read(request: Request) -> NewPasswordForm:
    if request.method == "POST":
        return read_form(read_body(request), NewPasswordForm)
    return NewPasswordForm(interaction=read_form(parse_parameters(request.query), NewPasswordQuery).interaction)
