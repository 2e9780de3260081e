"""The page that asks for the second factor, after the password and before anybody counts as signed in."""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Word, parse_parameters, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.records.factor import RECOVERY_CODES, Factor
from keystead.core.records.session import Evidence
from keystead.core.redirects import see_other
from keystead.core.spec import RFC8176, Section
from keystead.identity.factors.enrolled import prove
from keystead.identity.sessions import NewSession, SignedIn, sign_in
from keystead.oauth.authorize import finished_elsewhere
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import form_token, is_form_token, refuse_foreign_post, session_handle
from keystead.oauth.interactions import Handle
from keystead.oauth.situation import Person, read_browser
from keystead.oauth.still_registered import may_still_be_answered
from keystead.storage.ports import Write
from keystead.web.cancelling import WAIT, cancel
from keystead.web.client_words import client_facts
from keystead.web.rendering import render
from keystead.web.returning import come_back, look_up
from keystead.web.session_cookies import cookies_for
from keystead.web.sign_in_page import NOTHING, Remark, Visit, unreadable_page, waiting_seconds

_PURPOSE: Final = "second-factor"
_BRAKE: Final = "second_factor"
_WRONG: Final = Remark("That code is not right, or was used before. Wait for the next one.")


class SecondFactorQuery(Form, frozen=True, kw_only=True):
    """Which interaction the page is for; none: only to sign in."""

    interaction: Handle = ""


class SecondFactorForm(Form, frozen=True, kw_only=True):
    """What the page posts. `choice` is `cancel` when that button was pressed."""

    interaction: Handle = ""
    token: Word = ""
    choice: Word = ""
    otp: str = ""


class SecondFactorEndpoint(EndpointPlugin):
    """Asks for the code of an authenticator app, or a recovery code; a right one completes the sign-in.

    Shape: GET shows the form; POST answers 303 to the dispatcher, or the form again (200 wrong, 429 wait).
    Does not: say whose account it is to anybody who did not just prove the password.
    Spec: RFC 6238 section 5.2, NIST SP 800-63B sections 3.1.2 and 3.1.4.
    """

    path: ClassVar[str] = "second-factor"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    specs: ClassVar[tuple[Section, ...]] = (RFC8176["2"],)
    page: ClassVar[bool] = True
    maximum_body: ClassVar[int] = 4_096

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
        if situation is None or (situation.halfway is None and form.interaction):
            return finished_elsewhere(request, cx)
        if situation.interaction and not may_still_be_answered(situation.interaction, situation.client):
            return finished_elsewhere(request, cx)
        if situation.halfway is None:
            return see_other(f"{cx.issuer(request.realm)}/signed-in")
        visit = Visit(request, cx, situation, form.interaction)
        if request.method == "GET":
            return _page(visit, situation.halfway)
        if not is_form_token(form.token, session_handle(request, cx), _PURPOSE):
            return finished_elsewhere(request, cx)
        if form.choice == "cancel" and situation.interaction is not None:
            if not await cancel(request, situation.interaction, cx, anonymous=False):
                return _page(visit, situation.halfway, waiting_seconds(WAIT))
            return come_back(request, form.interaction, cx)
        return await _attempt(visit, situation.halfway, form)


def _read(request: Request) -> SecondFactorForm:
    if request.method == "POST":
        return read_form(read_body(request), SecondFactorForm)
    return SecondFactorForm(interaction=read_form(parse_parameters(request.query), SecondFactorQuery).interaction)


async def _attempt(visit: Visit, person: Person, form: SecondFactorForm) -> Reply:
    """Count the attempt, then judge it; believing a code, spending it and completing the session are one write."""
    request, cx, account = visit.request, visit.cx, person.account
    wait = await cx.store.write(lambda: cx.brake.take(request.realm, _BRAKE, account.id, request.now))
    if wait:
        _record(visit, person, None, "second_factor.throttled")
        return _page(visit, person, waiting_seconds(wait))
    done = await cx.store.write(lambda: _let_in(visit, person, form.otp))
    if done is None:
        _record(visit, person, None, "second_factor.wrong")
        return _page(visit, person, _WRONG)
    factor, signed_in = done
    _record(visit, person, factor, f"second_factor.{factor.type}")
    return come_back(request, form.interaction, cx, cookies_for(request, cx, signed_in, account.username))


def _let_in(visit: Visit, person: Person, typed: str) -> Write[tuple[Factor, SignedIn] | None]:
    request, cx, situation = visit.request, visit.cx, visit.situation
    factor = yield from prove(cx.sealer, person.account, typed, request.now)
    if factor is None:
        return None
    yield from cx.brake.forgive(request.realm, _BRAKE, person.account.id, request.now)
    signed_in = yield from sign_in(
        situation.realm,
        NewSession(
            account=person.account,
            evidence=Evidence("otp", request.now),
            user_agent=person.session.user_agent,
            previous_digest=read_browser(request, cx).session_digest,
        ),
    )
    return factor, signed_in


def _page(visit: Visit, person: Person, remark: Remark = NOTHING) -> Reply:
    asked, client, realm = visit.situation.interaction, visit.situation.client, visit.situation.realm
    facts = {
        "client": client if asked is not None else None,
        **client_facts(client if asked is not None else None),
        "realm_name": realm.display_name or realm.id,
        "account": person.account,
        "handle": visit.handle,
        "token": form_token(session_handle(visit.request, visit.cx), _PURPOSE),
        "error": remark.text,
    }
    return render(
        "second_factor.html",
        facts,
        base_url=visit.cx.base_url,
        realm=realm.id,
        status=remark.status,
        form_target=asked.redirect_uri if asked is not None else "",
        headers=remark.headers,
    )


def _record(visit: Visit, person: Person, factor: Factor | None, reason: str) -> None:
    asked = visit.situation.interaction
    facts = {"codes_left": str(len(factor.code_macs))} if factor is not None and factor.type == RECOVERY_CODES else {}
    visit.cx.journal.record(
        Decision(
            action="session.second_factor",
            allowed=factor is not None,
            reason=reason,
            trace=visit.request.trace,
            realm=visit.request.realm,
            subject=person.account.id,
            client_id=asked.client_id if asked is not None else "",
            checks=(Check("second_factor", factor is not None, reason),),
            facts=facts,
        )
    )
