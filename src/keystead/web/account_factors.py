"""The account page of second factors: what there is, adding an authenticator app, recovery codes, taking away."""

from __future__ import annotations

import base64
from typing import ClassVar, Final

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Line, Word, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.protocols import PasswordsBusy
from keystead.core.records.factor import RECOVERY_CODES, TOTP, Factor
from keystead.core.records.session import Evidence
from keystead.core.redirects import see_other
from keystead.core.spec import RFC8176, Section
from keystead.identity.factors.enrolled import NewFactor, enrol, factors_of, prove, withdraw
from keystead.identity.factors.recovery import mac_of, new_codes
from keystead.identity.factors.totp import new_secret, provisioning_uri, readable, step_of
from keystead.identity.sessions import NewSession, SignedIn, sign_in
from keystead.oauth.authorize import finished_elsewhere
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.guard import form_token, is_form_token, refuse_foreign_post, session_handle
from keystead.oauth.situation import read_browser
from keystead.storage.ports import Write
from keystead.web.account_visit import AccountVisit, account_visit
from keystead.web.device_qr import draw
from keystead.web.password_change import wrong_password_now
from keystead.web.rendering import render
from keystead.web.session_cookies import cookies_for
from keystead.web.sign_in_page import NOTHING, Remark, busy_page, unreadable_page
from keystead.web.time_words import day_in_words

_PURPOSE: Final = "account-factors"
_SETUP: Final = "totp_setup"
_SETUP_SECONDS: Final = 900


class FactorsForm(Form, frozen=True, kw_only=True):
    """What the page posts. `answer`: `begin` (show a new secret), `add`, `codes` or `remove`."""

    token: Word = ""
    answer: Word = ""
    id: Line = ""
    setup: str = ""
    name: Line = ""
    otp: str = ""
    current: str = ""


class AccountFactorsEndpoint(EndpointPlugin):
    """Lists a person's second factors, adds authenticator apps, makes recovery codes, takes factors away.

    Every change needs the password again. The first app ends every other session that was made without it, because
    from then on the password alone signs nobody in.
    Shape: GET lists; POST answers a page (a secret or codes are shown once) or 303.
    Spec: RFC 6238, NIST SP 800-63B section 4.1, OWASP ASVS 6.4.1, 6.5.6, 7.5.1.
    """

    path: ClassVar[str] = "account/factors"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    specs: ClassVar[tuple[Section, ...]] = (RFC8176["2"],)
    page: ClassVar[bool] = True
    maximum_body: ClassVar[int] = 8_192

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one visit or one post."""
        visit = await account_visit(request, cx)
        if isinstance(visit, Reply):
            return visit
        desk = Desk(visit, cx)
        if request.method == "GET":
            return await desk.list()
        foreign = refuse_foreign_post(request, cx)
        if foreign is not None:
            return foreign
        try:
            form = read_form(read_body(request), FactorsForm)
        except InvalidRequest as error:
            return unreadable_page(request, error.description, cx)
        if not is_form_token(form.token, session_handle(request, cx), _PURPOSE):
            return finished_elsewhere(request, cx)
        return await desk.act(form)


class Desk:
    """One visit to the page."""

    def __init__(self, visit: AccountVisit, cx: ServerContext) -> None:
        self.visit, self.cx = visit, cx
        self.request, self.account, self.realm = visit.request, visit.person.account, visit.situation.realm

    async def list(self, remark: Remark = NOTHING, codes: tuple[str, ...] = ()) -> Reply:
        """Show what there is, and the recovery codes that were just made."""
        now = self.request.now
        factors = await self.cx.store.read(factors_of(self.realm.id, self.account.id, now))
        apps = [factor for factor in factors if factor.type == TOTP]
        left = next((len(factor.code_macs) for factor in factors if factor.type == RECOVERY_CODES), 0)
        shown = [
            {
                "id": factor.id,
                "name": factor.name or "Authenticator app",
                "since": day_in_words(factor.created_at, now),
                "last_used": day_in_words(factor.last_used_at, now) if factor.last_used_at else "",
            }
            for factor in apps
        ]
        return self._page({"apps": shown, "codes_left": left, "codes": codes, "setup": None}, remark)

    async def act(self, form: FactorsForm) -> Reply:
        """Do what a form says, once the password was right."""
        refused = await self._require_password(form)
        if refused is not None:
            return refused
        if form.answer == "begin":
            return self._show_secret(new_secret())
        if form.answer == "add":
            return await self._add(form)
        if form.answer == "codes" and self.account.second_factors:
            return await self._make_codes()
        if form.answer == "remove":
            return await self._remove(form)
        return await self.list()

    async def _require_password(self, form: FactorsForm) -> Reply | None:
        """Every change is asked for with the password, but for the code that ends an enrolment: its setup was."""
        if form.answer == "add":
            return None
        wrong = await wrong_password_now(self.request, self.account, form.current, self.cx)
        if wrong is None:
            return None
        if isinstance(wrong, PasswordsBusy):
            return busy_page(self.request, wrong, self.cx)
        self._record("factor.throttled" if wrong.status == 429 else "factor.wrong_password", allowed=False)
        return await self.list(wrong)

    def _show_secret(self, secret: bytes, remark: Remark = NOTHING, begun: int = 0) -> Reply:
        """Show the secret as QR code and text; the page carries it back, sealed for this session."""
        uri = provisioning_uri(secret, self.visit.realm_name, self.account.username)
        begun = begun or self.request.now
        sealed = self.cx.sealer.seal(self.realm.id, _SETUP, self._seal_id(), begun.to_bytes(8, "big") + secret)
        setup = {
            "sealed": base64.urlsafe_b64encode(sealed).decode(),
            "picture": "data:image/svg+xml;base64," + base64.b64encode(draw(uri)).decode(),
            "secret": readable(secret),
        }
        return self._page({"apps": (), "codes_left": 0, "codes": (), "setup": setup}, remark)

    def _seal_id(self) -> str:
        return f"{self.account.id}/{self.visit.person.session.id}"

    def _unsealed(self, form: FactorsForm) -> tuple[bytes, int] | None:
        try:
            sealed = base64.urlsafe_b64decode(form.setup.encode())
        except ValueError:
            return None
        opened = self.cx.sealer.open(self.realm.id, _SETUP, self._seal_id(), sealed)
        if opened is None:
            return None
        begun = int.from_bytes(opened[:8], "big")
        return (opened[8:], begun) if begun + _SETUP_SECONDS > self.request.now else None

    async def _add(self, form: FactorsForm) -> Reply:
        found = self._unsealed(form)
        if found is None:
            return await self.list(Remark("That took too long. Begin again."))
        secret, begun = found
        if step_of(secret, "".join(form.otp.split()), self.request.now) is None:
            return self._show_secret(secret, Remark("That code is not right. Enter the one the app shows now."), begun)
        name = form.name.strip()[:64]
        done = await self.cx.store.write(lambda: self._enrol(secret, name, form.otp))
        if done is None:
            return await self.list(Remark("You have too many factors, or the code was used before. Begin again."))
        codes, signed_in = done
        self._record("factor.added")
        page = await self.list(codes=codes)
        cookies = cookies_for(self.request, self.cx, signed_in, self.account.username)
        return Reply(page.status, (*page.headers, *cookies), page.body)

    def _enrol(self, secret: bytes, name: str, typed: str) -> Write[tuple[tuple[str, ...], SignedIn] | None]:
        """Add the app, spend the code, complete this session with it, and make codes if these are the first."""
        cx, account, now = self.cx, self.account, self.request.now
        first = not account.second_factors
        if (yield from enrol(cx.sealer, account, NewFactor(type=TOTP, name=name, secret=secret), now)) is None:
            return None
        if (yield from prove(cx.sealer, account, typed, now)) is None:
            return None
        codes = new_codes() if first else ()
        if codes:
            yield from enrol(cx.sealer, account, self._new_codes(codes), now)
        new = NewSession(
            account=account,
            evidence=Evidence("otp", now),
            user_agent=self.visit.person.session.user_agent,
            previous_digest=read_browser(self.request, cx).session_digest,
        )
        return codes, (yield from sign_in(self.realm, new))

    def _new_codes(self, codes: tuple[str, ...]) -> NewFactor:
        macs = tuple(mac_of(self.cx.sealer, self.realm.id, self.account.id, code) for code in codes)
        return NewFactor(type=RECOVERY_CODES, code_macs=macs)

    async def _make_codes(self) -> Reply:
        codes = new_codes()
        await self.cx.store.write(lambda: enrol(self.cx.sealer, self.account, self._new_codes(codes), self.request.now))
        self._record("factor.recovery_codes_made")
        return await self.list(codes=codes)

    async def _remove(self, form: FactorsForm) -> Reply:
        gone: Factor | None = await self.cx.store.write(lambda: withdraw(self.account, form.id, self.request.now))
        if gone is not None:
            self._record("factor.removed")
        return see_other(f"{self.cx.issuer(self.request.realm)}/{AccountFactorsEndpoint.path}")

    def _page(self, facts: dict[str, object], remark: Remark) -> Reply:
        return render(
            "factors.html",
            {
                "account": self.account,
                "realm_name": self.visit.realm_name,
                "token": form_token(session_handle(self.request, self.cx), _PURPOSE),
                "error": remark.text,
                **facts,
            },
            base_url=self.cx.base_url,
            realm=self.realm.id,
            status=remark.status,
            headers=remark.headers,
        )

    def _record(self, reason: str, *, allowed: bool = True) -> None:
        self.cx.journal.record(
            Decision(
                action="account.factor",
                allowed=allowed,
                reason=reason,
                trace=self.request.trace,
                realm=self.realm.id,
                subject=self.account.id,
                checks=(Check("password", allowed, reason),),
            )
        )
