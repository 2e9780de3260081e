"""The sign-up page: a person makes an account, is signed in by that, and goes on where they came from."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Word, parse_parameters, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.networks import network_of
from keystead.core.protocols import PasswordsBusy
from keystead.core.records.account import Account
from keystead.core.records.session import Evidence
from keystead.core.spec import OIDC_PROMPT_CREATE, Section
from keystead.core.values import Secret
from keystead.identity.new_accounts import Wished, context_of, make_account, what_is_wrong
from keystead.identity.password_rules import wrong_with_new_password, wrong_with_password
from keystead.identity.sessions import NewSession, SignedIn, sign_in
from keystead.oauth.authorize import finished_elsewhere
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import refuse_foreign_post
from keystead.oauth.interactions import Handle, change_interaction
from keystead.oauth.situation import read_browser
from keystead.oauth.still_registered import may_still_be_answered
from keystead.storage.ports import Write
from keystead.web.cancelling import WAIT, cancel
from keystead.web.client_words import client_facts
from keystead.web.rendering import render
from keystead.web.returning import come_back, look_up
from keystead.web.session_cookies import session_cookies
from keystead.web.sign_in_page import NOTHING, Remark, Visit, busy_page, unreadable_page, waiting_seconds

_TAKEN = "Somebody has this user name already; choose another."


class SignUpQuery(Form, frozen=True, kw_only=True):
    """Which interaction the page is for."""

    interaction: Handle = ""


class SignUpForm(Form, frozen=True, kw_only=True):
    """What the page posts. `choice` is `cancel` when that button was pressed."""

    interaction: Handle = ""
    choice: Word = ""
    username: str = ""
    name: str = ""
    email: str = ""
    password: str = ""


class SignUpEndpoint(EndpointPlugin):
    """Makes an account, where the realm is open to anybody; the new person returns to the dispatcher signed in.

    Shape: GET shows the form; POST answers 303, or the form again (200 with what to change, 429 wait, 503 busy).
    Does not: verify the e-mail address, or hide that a user name is taken: whoever chooses one has to learn it. How
    many may be tried from one address is bounded.
    Spec: Initiating User Registration via OpenID Connect 1.0 section 4.1.
    """

    path: ClassVar[str] = "sign-up"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    specs: ClassVar[tuple[Section, ...]] = (OIDC_PROMPT_CREATE["4.1"],)
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
        situation = await look_up(request, form.interaction, cx) if form.interaction else None
        if situation is None or situation.interaction is None or situation.realm.sign_up != "open":
            return finished_elsewhere(request, cx)
        if not may_still_be_answered(situation.interaction, situation.client):
            return finished_elsewhere(request, cx)
        visit = Visit(request, cx, situation, form.interaction)
        if request.method == "GET":
            return _page(visit, form)
        if form.choice == "cancel":
            if not await cancel(request, situation.interaction, cx, anonymous=situation.person is None):
                return _page(visit, form, waiting_seconds(WAIT))
            return come_back(request, form.interaction, cx)
        return await _make(visit, form)


def _read(request: Request) -> SignUpForm:
    if request.method == "POST":
        return read_form(read_body(request), SignUpForm)
    return SignUpForm(interaction=read_form(parse_parameters(request.query), SignUpQuery).interaction)


async def _make(visit: Visit, form: SignUpForm) -> Reply:
    request, cx, realm = visit.request, visit.cx, visit.situation.realm
    wished = Wished(username=form.username, name=form.name, email=form.email, password=form.password)
    wrong = what_is_wrong(wished) or wrong_with_password(wished.password, context_of(wished, realm))
    if wrong:
        return _page(visit, form, Remark(wrong))
    network = network_of(request.client_address)
    wait = await cx.store.write(lambda: cx.brake.take(realm.id, "sign_up", network, request.now))
    if wait:
        _record(visit, None, "sign_up.throttled")
        return _page(visit, form, waiting_seconds(wait))
    wrong = await wrong_with_new_password(wished.password, context_of(wished, realm), cx.breached)
    if wrong:
        _record(visit, None, "sign_up.known_password")
        return _page(visit, form, Remark(wrong))
    try:
        password_hash = await cx.passwords.hash(Secret(form.password))
    except PasswordsBusy as busy:
        return busy_page(request, busy, cx)
    made = await cx.store.write(lambda: _settle(visit, wished, password_hash))
    if made is None:
        _record(visit, None, "sign_up.name_taken")
        return _page(visit, form, Remark(_TAKEN))
    account, signed_in = made
    _record(visit, account, "sign_up.account_made")
    return come_back(request, visit.handle, cx, session_cookies(visit, signed_in, account.username))


def _settle(visit: Visit, wished: Wished, password_hash: str) -> Write[tuple[Account, SignedIn] | None]:
    """Make account and session, and note both in the interaction, in one write."""
    request, situation = visit.request, visit.situation
    if situation.interaction is None:
        return None
    account = yield from make_account(request.realm, wished, password_hash, request.now)
    if account is None:
        return None
    agent = next((value.decode("latin-1") for name, value in request.headers if name == b"user-agent"), "")
    signed_in = yield from sign_in(
        situation.realm,
        NewSession(
            account=account,
            evidence=Evidence("pwd", request.now),
            user_agent=agent,
            previous_digest=read_browser(request, visit.cx).session_digest,
        ),
    )
    changed = msgspec.structs.replace(situation.interaction, signed_in_at=request.now)
    yield from change_interaction(changed, request.now)
    return account, signed_in


def _page(visit: Visit, form: SignUpForm, remark: Remark = NOTHING) -> Reply:
    asked, client, realm = visit.situation.interaction, visit.situation.client, visit.situation.realm
    facts = {
        "client": client,
        **client_facts(client),
        "realm_name": realm.display_name or realm.id,
        "handle": visit.handle,
        "username": form.username or (asked.login_hint if asked is not None else ""),
        "name": form.name,
        "email": form.email,
        "error": remark.text,
    }
    return render(
        "sign_up.html",
        facts,
        base_url=visit.cx.base_url,
        realm=visit.request.realm,
        status=remark.status,
        form_target=asked.redirect_uri if asked is not None else "",
        headers=remark.headers,
    )


def _record(visit: Visit, account: Account | None, reason: str) -> None:
    asked = visit.situation.interaction
    visit.cx.journal.record(
        Decision(
            action="account.sign_up",
            allowed=account is not None,
            reason=reason,
            trace=visit.request.trace,
            realm=visit.request.realm,
            subject=account.id if account is not None else "",
            client_id=asked.client_id if asked is not None else "",
            checks=(Check("sign_up", account is not None, reason),),
        )
    )
