"""Passwords that attackers know: refused when chosen, changed when signed in with."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from keystead.core.records.account import Account
from keystead.core.records.realm import Realm
from keystead.core.records.session import Session
from keystead.core.values import Secret
from keystead.identity.breached.building import Wanted, build
from keystead.identity.breached.known import KnownPasswords
from keystead.identity.breached.reading import open_breached
from keystead.storage.ports import find, get
from tests.harness.browser import Browser, Page
from tests.issuer import Issuer
from tests.shop import authorize_url, browser_for, open_shop, password_hash, sign_in

pytestmark = pytest.mark.spec("NIST SP 800-63B section 3.1.1.2")
KNOWN = "all the king's horses"
FRESH = "a lantern by the water"


@pytest.fixture
async def shop(issuer: Issuer, tmp_path: Path) -> Issuer:
    """Open a shop whose operator has a list, on which alice's password stands."""
    words = tmp_path / "words.txt"
    words.write_text(f"{KNOWN}\nanother one that is long\n")
    build([words], tmp_path / "own.breached", Wanted(), lambda what, done, of: None)
    await open_shop(issuer)
    issuer.use(breached=KnownPasswords(open_breached(tmp_path / "own.breached")))
    await issuer.change(Account, "usr_alice", password_hash=password_hash(KNOWN))
    return issuer


async def account(shop: Issuer) -> Account:
    """Return alice as stored."""
    stored = await shop.store.read(get(Account, "acme", "usr_alice", shop.now))
    assert stored is not None
    return stored


async def at_the_new_password(shop: Issuer, browser: Browser, **changes: str) -> Page:
    """Sign alice in with what attackers know."""
    return await sign_in(browser, await browser.get(authorize_url(shop, **changes)), "alice", KNOWN)


async def test_a_new_account_cannot_have_one(shop: Issuer) -> None:
    await shop.change(Realm, "acme", sign_up="open")
    browser = browser_for(shop)
    page = await browser.get(authorize_url(shop, prompt="create"))
    page = await browser.press(page, "signup-submit", follow=True, username="dora", password=KNOWN)
    assert "lists of known passwords" in page.text
    assert shop.journal.reason == "sign_up.known_password"


async def test_who_signs_in_with_one_chooses_another_and_goes_on(shop: Issuer) -> None:
    browser = browser_for(shop)
    page = await at_the_new_password(shop, browser)
    assert page.has("password-submit"), page.text
    page = await browser.press(page, "password-submit", follow=True, password=FRESH)
    assert page.has("consent-allow"), page.text
    assert (await account(shop)).new_password_due == ""
    again = browser_for(shop)
    page = await sign_in(again, await again.get(authorize_url(shop)), "alice", FRESH)
    assert page.has("consent-allow")
    wrong = browser_for(shop)
    assert not (await at_the_new_password(shop, wrong)).has("password-submit")


@pytest.mark.parametrize("password", ["too short", KNOWN, "a" * 20, "alice liddell alice"])
async def test_what_cannot_be_chosen_is_said(shop: Issuer, password: str) -> None:
    browser = browser_for(shop)
    page = await at_the_new_password(shop, browser)
    page = await browser.press(page, "password-submit", follow=True, password=password)
    assert page.has("password-submit")
    assert 'role="alert"' in page.text
    assert (await account(shop)).new_password_due == "password.breached"


async def test_nothing_goes_on_before_it_is_changed(shop: Issuer) -> None:
    browser = browser_for(shop)
    await at_the_new_password(shop, browser)
    assert (await browser.get(authorize_url(shop))).has("password-submit")
    page = await browser.get(authorize_url(shop, prompt="none"), follow=False)
    assert page.answer["error"] == "interaction_required"
    assert (await browser.get("account/sessions")).has("password-submit")


async def test_a_change_ends_every_other_session(shop: Issuer) -> None:
    elsewhere, browser = browser_for(shop), browser_for(shop)
    await at_the_new_password(shop, elsewhere)
    page = await at_the_new_password(shop, browser)
    await browser.press(page, "password-submit", follow=True, password=FRESH)
    sessions = await shop.store.read(find(Session, "acme", shop.now, index="subject", value="usr_alice"))
    assert len([session for session in sessions if session.ended_at is None]) == 1
    assert (await elsewhere.get(authorize_url(shop))).has("login-submit")


async def test_the_page_is_nobodys_who_need_not_change(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await sign_in(browser, await browser.get(authorize_url(issuer)), "alice", "correct horse battery staple")
    assert not (await browser.get("new-password")).has("password-submit")


@pytest.mark.spec("OWASP ASVS 6.2.3")
async def test_a_change_needs_the_current_password(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await sign_in(browser, await browser.get(authorize_url(issuer)), "alice", "correct horse battery staple")
    page = await browser.get("account/password")
    page = await browser.press(page, "password-submit", follow=True, current="wrong", password=FRESH)
    assert "another one" in page.text
    page = await browser.press(
        page, "password-submit", follow=True, current="correct horse battery staple", password=FRESH
    )
    assert "Where you are signed in" in page.text
    assert issuer.journal.reason == "password.changed"


@pytest.mark.attack("U4")
async def test_guessing_the_current_password_is_slowed_down(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await sign_in(browser, await browser.get(authorize_url(issuer)), "alice", "correct horse battery staple")
    page = await browser.get("account/password")
    for _ in range(8):
        page = await browser.press(page, "password-submit", follow=True, current="wrong", password=FRESH)
    assert page.status == 429


def test_every_password_of_a_list_is_found_and_hardly_another(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("".join(f"word {number}\n" for number in range(3_000)))
    layout = build([words], tmp_path / "own", Wanted(certainty_bits=20), lambda what, done, of: None)
    assert layout.count == 3_000
    file = open_breached(tmp_path / "own")
    assert all(file.holds(Secret(f"word {number}")) for number in range(3_000))
    assert sum(file.holds(Secret(f"other {number}")) for number in range(3_000)) == 0


def test_lists_of_hashes_are_read_with_their_counts(tmp_path: Path) -> None:
    rows = {word: hashlib.sha1(word.encode()).hexdigest() for word in ("often", "seldom")}
    listed = tmp_path / "hashes.txt"
    listed.write_text(f"{rows['often'].upper()}:10\r\n{rows['seldom']}:2\r\n")
    build([listed], tmp_path / "own", Wanted(at_least=5), lambda what, done, of: None)
    file = open_breached(tmp_path / "own")
    assert file.holds(Secret("often"))
    assert not file.holds(Secret("seldom"))


def test_an_empty_list_knows_nothing(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("")
    build([tmp_path / "none"], tmp_path / "own", Wanted(), lambda what, done, of: None)
    assert not open_breached(tmp_path / "own").holds(Secret("anything"))
