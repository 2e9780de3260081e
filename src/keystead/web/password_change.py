"""What the two pages that set a new password do alike: judge it, set it, sign in anew, tell the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from keystead.core.decisions import Check, Decision
from keystead.core.forms import Form, Word
from keystead.core.http import Headers, Reply, Request
from keystead.core.protocols import PasswordsBusy
from keystead.core.records.account import Account
from keystead.core.records.session import Evidence
from keystead.core.values import Secret
from keystead.identity.new_passwords import Change, change_password
from keystead.identity.password_rules import wrong_with_new_password
from keystead.identity.sessions import NewSession, SignedIn
from keystead.oauth.context import ServerContext
from keystead.oauth.guard import form_token, is_form_token, session_handle
from keystead.oauth.interactions import Handle
from keystead.oauth.situation import Person, Situation, read_browser
from keystead.web.rendering import render
from keystead.web.session_cookies import cookies_for
from keystead.web.sign_in_page import NOTHING, Remark, busy_page, waiting_seconds

PURPOSE: Final = "new-password"
_BRAKE: Final = "password_change"


class NewPasswordForm(Form, frozen=True, kw_only=True):
    """What both pages post. `current` is only asked for where the person did not type it just now."""

    interaction: Handle = ""
    token: Word = ""
    username: str = ""
    current: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class PasswordPage:
    """One of the two pages, for one visit."""

    request: Request
    cx: ServerContext
    situation: Situation
    person: Person
    path: str
    heading: str
    lead: str
    handle: str = ""
    asks_current: bool = False

    @property
    def account(self) -> Account:
        """Whose password it is."""
        return self.person.account

    def show(self, remark: Remark = NOTHING) -> Reply:
        """Return the page."""
        realm = self.situation.realm
        asked = self.situation.interaction
        facts = {
            "account": self.account,
            "realm_name": realm.display_name or realm.id,
            "path": self.path,
            "heading": self.heading,
            "lead": self.lead,
            "handle": self.handle,
            "token": form_token(session_handle(self.request, self.cx), PURPOSE),
            "asks_current": self.asks_current,
            "error": remark.text,
        }
        return render(
            "new_password.html",
            facts,
            base_url=self.cx.base_url,
            realm=realm.id,
            status=remark.status,
            form_target=asked.redirect_uri if asked is not None else "",
            headers=remark.headers,
        )

    def is_own(self, form: NewPasswordForm) -> bool:
        """Tell whether a form was made for this session."""
        return is_form_token(form.token, session_handle(self.request, self.cx), PURPOSE)


async def wrong_password_now(
    request: Request, account: Account, typed: str, cx: ServerContext
) -> Remark | PasswordsBusy | None:
    """Return None when somebody typed the password they have. Attempts are counted before they are judged."""
    wait = await cx.store.write(lambda: cx.brake.take(request.realm, _BRAKE, account.id, request.now))
    if wait:
        return waiting_seconds(wait)
    try:
        right = await cx.passwords.check(Secret(typed), account.password_hash)
    except PasswordsBusy as busy:
        return busy
    if not right:
        return Remark("The password you have now is another one. Nothing was changed.")
    await cx.store.write(lambda: cx.brake.forgive(request.realm, _BRAKE, account.id, request.now))
    return None


async def set_password(page: PasswordPage, form: NewPasswordForm) -> Headers | Reply:
    """Set what was typed, and return the cookies of the new session, or the page that says what to change."""
    account, cx = page.account, page.cx
    realm = page.situation.realm
    context = {account.username, account.name, account.email.partition("@")[0], realm.id, realm.display_name}
    wrong = await wrong_with_new_password(form.password, context, cx.breached)
    if wrong:
        return page.show(Remark(wrong))
    try:
        if await cx.passwords.check(Secret(form.password), account.password_hash):
            return page.show(Remark("That is the password you have; choose another."))
        password_hash = await cx.passwords.hash(Secret(form.password))
    except PasswordsBusy as busy:
        return busy_page(page.request, busy, cx)
    change = _change(page, password_hash)
    signed_in = await cx.store.write(lambda: change_password(realm, change))
    _record(page, signed_in)
    if signed_in is None:
        return page.show(Remark("The account was changed meanwhile. Try again."))
    return cookies_for(page.request, cx, signed_in, account.username)


def _change(page: PasswordPage, password_hash: str) -> Change:
    agent = next((value.decode("latin-1") for name, value in page.request.headers if name == b"user-agent"), "")
    return Change(
        checked=page.account,
        password_hash=password_hash,
        new_session=NewSession(
            account=page.account,
            evidence=Evidence("pwd", page.request.now),
            user_agent=agent,
            previous_digest=read_browser(page.request, page.cx).session_digest,
        ),
    )


def _record(page: PasswordPage, signed_in: SignedIn | None) -> None:
    changed = signed_in is not None
    page.cx.journal.record(
        Decision(
            action="account.new_password",
            allowed=changed,
            reason="password.changed" if changed else "password.account_changed",
            trace=page.request.trace,
            realm=page.situation.realm.id,
            subject=page.account.id,
            checks=(Check("password", changed, page.account.new_password_due or "the person wants another"),),
        )
    )
