"""Authenticator apps: the codes themselves, enrolling one, signing in with one, recovery codes."""

from __future__ import annotations

import asyncio
import re
from base64 import b32decode

import pytest

from keystead.core.records.account import Account
from keystead.core.records.factor import Factor
from keystead.identity.factors.totp import STEP_SECONDS, code_at, provisioning_uri, step_of
from keystead.storage.ports import find, get
from tests.harness.browser import Browser, Page
from tests.issuer import Issuer
from tests.shop import PASSWORD, authorize_url, browser_for, offered, open_shop, sign_in

pytestmark = pytest.mark.spec("RFC 6238 section 5.2")
SEED = b"12345678901234567890"
VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
}


@pytest.mark.spec("RFC 6238 appendix B")
@pytest.mark.parametrize("at", VECTORS)
def test_the_vectors(at: int) -> None:
    assert code_at(SEED, at // STEP_SECONDS) == VECTORS[at][-6:]


def test_a_code_is_good_for_its_step_and_its_neighbours(issuer: Issuer) -> None:
    step = issuer.now // STEP_SECONDS
    for off, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        assert (step_of(SEED, code_at(SEED, step + off), issuer.now) is not None) is good
    for wrong in ("", "000000", "1234567", "٣٣٣٣٣٣", "\ud800"):
        assert step_of(SEED, wrong, issuer.now) is None


def test_the_uri_is_what_apps_read() -> None:
    uri = provisioning_uri(SEED, "Acme & Co", "alice@acme")
    assert uri.startswith("otpauth://totp/Acme%20%26%20Co:alice%40acme?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&")


class Person:
    """Alice at one browser, with the secret of her app once she has one."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer, self.browser = issuer, browser_for(issuer)
        self.secret = b""
        self.codes: list[str] = []

    async def password(self, browser: Browser | None = None) -> Page:
        """Type the password."""
        browser = browser or self.browser
        return await sign_in(browser, await browser.get(authorize_url(self.issuer)), "alice", PASSWORD)

    async def enrol(self) -> Page:
        """Add an app."""
        await self.password()
        page = await self.browser.get("account/factors")
        page = await self.browser.press(page, "factor-begin", follow=True, current=PASSWORD)
        found = re.search(r'id="totp-secret">([^<]+)<', page.text)
        assert found is not None, page.text
        self.secret = b32decode(found[1].replace(" ", ""))
        page = await self.browser.press(page, "otp-submit", follow=True, otp=self.code(), name="My telephone")
        self.codes = re.findall(r"<li><code>([^<]+)</code>", page.text)
        return page

    def code(self, *, off: int = 0) -> str:
        """Return what the app shows."""
        return code_at(self.secret, self.issuer.now // STEP_SECONDS + off)

    def later(self) -> None:
        """Let a minute pass, so that a new code is due."""
        self.issuer.now = type(self.issuer.now)(self.issuer.now + 2 * STEP_SECONDS)


@pytest.fixture
async def person(issuer: Issuer) -> Person:
    """Open a shop."""
    await open_shop(issuer)
    return Person(issuer)


async def test_an_app_is_added_and_asked_for_from_then_on(person: Person) -> None:
    page = await person.enrol()
    assert "My telephone" in page.text
    assert len(person.codes) == 10
    assert person.codes[0] not in (await person.browser.get("account/factors")).text
    person.later()
    elsewhere = browser_for(person.issuer)
    page = await person.password(elsewhere)
    assert page.has("otp-submit"), page.text
    page = await elsewhere.press(page, "otp-submit", follow=True, otp=person.code())
    assert page.has("consent-allow"), page.text
    page = await elsewhere.press(page, "consent-allow", follow=False)
    page = await elsewhere.get(page.location, follow=False)
    record = await offered(person.issuer, page.answer["code"])
    assert (record.acr, record.amr) == ("2", ("mfa", "otp", "pwd"))


async def test_halfway_is_nowhere(person: Person) -> None:
    await person.enrol()
    elsewhere = browser_for(person.issuer)
    await person.password(elsewhere)
    for path in ("account/sessions", "account/applications", "account/password", "account/factors", "signed-in"):
        page = await elsewhere.get(path)
        assert page.has("otp-submit"), path
    page = await elsewhere.get(authorize_url(person.issuer, prompt="none"), follow=False)
    assert page.answer["error"] == "login_required"
    assert not (await elsewhere.get("device")).has("device-continue")


async def test_a_code_is_good_once(person: Person) -> None:
    await person.enrol()
    person.later()
    code = person.code()
    first, second = browser_for(person.issuer), browser_for(person.issuer)
    pages = [await person.password(one) for one in (first, second)]
    answers = await asyncio.gather(
        first.press(pages[0], "otp-submit", follow=True, otp=code),
        second.press(pages[1], "otp-submit", follow=True, otp=code),
    )
    assert sorted(page.has("consent-allow") for page in answers) == [False, True]


async def test_a_recovery_code_lets_in_once(person: Person) -> None:
    await person.enrol()
    typed = person.codes[3].upper().replace("-", " ")
    for good in (True, False):
        browser = browser_for(person.issuer)
        page = await person.password(browser)
        page = await browser.press(page, "otp-submit", follow=True, otp=typed)
        assert page.has("consent-allow") is good
    stored = await person.issuer.store.read(find(Factor, "acme", person.issuer.now))
    assert sorted(len(factor.code_macs) for factor in stored) == [0, 9]
    assert all(person.secret not in factor.sealed for factor in stored)


@pytest.mark.attack("U4")
async def test_guessing_is_slowed_down(person: Person) -> None:
    await person.enrol()
    person.later()
    browser = browser_for(person.issuer)
    page = await person.password(browser)
    for _ in range(8):
        page = await browser.press(page, "otp-submit", follow=True, otp="000000")
    assert page.status == 429
    page = await browser.press(page, "otp-submit", follow=True, otp=person.code())
    assert page.status == 429, "counted before it is judged"


async def test_changes_need_the_password(person: Person) -> None:
    await person.enrol()
    page = await person.browser.get("account/factors")
    for button in ("factor-begin", "factor-codes"):
        refused = await person.browser.press(page, button, follow=True, current="wrong")
        assert "Nothing was changed" in refused.text
    factors = await person.issuer.store.read(find(Factor, "acme", person.issuer.now))
    app = next(factor for factor in factors if factor.type == "totp")
    token = next(form.fields["token"] for form in page.forms if "token" in form.fields)
    asked = {"token": token, "id": app.id, "answer": "remove", "current": "wrong"}
    await person.browser.post("account/factors", asked)
    assert len(await person.issuer.store.read(find(Factor, "acme", person.issuer.now))) == 2


async def test_the_last_app_takes_the_codes_along(person: Person) -> None:
    await person.enrol()
    page = await person.browser.get("account/factors")
    factors = await person.issuer.store.read(find(Factor, "acme", person.issuer.now))
    app = next(factor for factor in factors if factor.type == "totp")
    token = next(form.fields["token"] for form in page.forms if "token" in form.fields)
    asked = {"token": token, "id": app.id, "answer": "remove", "current": PASSWORD}
    await person.browser.post("account/factors", asked)
    assert await person.issuer.store.read(find(Factor, "acme", person.issuer.now)) == []
    account = await person.issuer.store.read(get(Account, "acme", "usr_alice", person.issuer.now))
    assert account is not None
    assert account.second_factors == ()
    assert (await person.password(browser_for(person.issuer))).has("consent-allow")


async def test_a_session_from_before_owes_the_factor(person: Person) -> None:
    before = browser_for(person.issuer)
    await person.password(before)
    await person.enrol()
    assert (await before.get(authorize_url(person.issuer))).has("otp-submit")


@pytest.mark.spec("RFC 9470 section 4")
async def test_an_essential_level_nobody_can_reach_is_refused(person: Person) -> None:
    url = authorize_url(person.issuer, claims='{"id_token":{"acr":{"essential":true,"value":"2"}}}')
    page = await sign_in(person.browser, await person.browser.get(url), "alice", PASSWORD)
    assert page.answer["error"] == "unmet_authentication_requirements"
