"""What a person allowed is remembered, listed, and can be taken back; so can sessions."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from keystead.core.records.client import Client
from keystead.core.records.consent import Consent, consent_id
from keystead.core.records.realm import Realm
from keystead.core.values import EpochSeconds
from keystead.identity.allowed import allowed_applications
from keystead.storage.ports import get
from keystead.web.time_words import browser_in_words, day_in_words
from tests.browser import Browser, Page
from tests.issuer import SECRET, Issuer
from tests.shop import authorize_url, browser_for, open_shop, reach_code

pytestmark = pytest.mark.spec("OpenID Connect Core 1.0 section 17.2")


async def connected(
    issuer: Issuer, scope: str = "openid offline_access catalog:read"
) -> tuple[Browser, dict[str, str]]:
    """Alice's browser, and the tokens of an application she allowed something."""
    await open_shop(issuer)
    browser = browser_for(issuer)
    code = (await reach_code(browser, authorize_url(issuer, scope=scope))).answer["code"]
    return browser, (await issuer.redeem(code, client="shop")).json


async def applications(issuer: Issuer, browser: Browser, **query: str) -> Page:
    """The page."""
    return await browser.get(f"{issuer.url}/account/applications?{urlencode(query)}")


async def active(issuer: Issuer, token: str) -> bool:
    """Whether a token is still good."""
    told = await issuer.post("introspect", {"token": token}, basic=("shop", SECRET))
    return bool(told.json["active"])


async def test_an_application_is_listed_in_words_and_removed_after_asking(issuer: Issuer) -> None:
    browser, tokens = await connected(issuer)
    page = await applications(issuer, browser)
    for words in (
        "Corner Shop",
        "Look at what is for sale",
        "Stay connected after you sign out",
        "Has access",
        "today",
    ):
        assert words in page.text
    asking = await applications(issuer, browser, application="shop")
    assert await active(issuer, tokens["access_token"]), "looking removes nothing"
    kept = await browser.press(asking, "application-keep")
    assert "Corner Shop" in kept.text
    assert await active(issuer, tokens["access_token"])
    gone = await browser.press(await applications(issuer, browser, application="shop"), "application-remove")
    assert "The access was removed" in gone.text
    assert "Corner Shop" not in gone.text
    assert not await active(issuer, tokens["access_token"])
    refused = await issuer.token("refresh_token", client="shop", refresh_token=tokens["refresh_token"])
    assert refused.error == "invalid_grant"
    assert (await browser.get(authorize_url(issuer, prompt="none"))).answer["error"] == "consent_required"


async def test_a_code_that_is_under_way_is_worth_nothing_after_the_removal(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    code = (await reach_code(browser, authorize_url(issuer))).answer["code"]
    await browser.press(await applications(issuer, browser, application="shop"), "application-remove")
    assert (await issuer.redeem(code, client="shop")).error == "invalid_grant"


async def test_an_application_the_operator_trusts_is_listed_too(issuer: Issuer) -> None:
    await open_shop(issuer, skip_consent=True)
    browser = browser_for(issuer)
    code = (await reach_code(browser, authorize_url(issuer))).answer["code"]
    await issuer.redeem(code, client="shop")
    assert "Corner Shop" in (await applications(issuer, browser)).text


async def test_nobody_signed_in_is_sent_to_sign_in(issuer: Issuer) -> None:
    await open_shop(issuer)
    for path in ("account/applications", "account/sessions"):
        answer = await issuer.send(path, method="GET")
        assert answer.headers["location"] == f"{issuer.url}/sign-in"
        assert (await issuer.post(path, {"answer": "yes", "id": "shop"})).status == 303


@pytest.mark.attack("C5")
async def test_a_form_of_another_site_or_another_sign_in_removes_nothing(issuer: Issuer) -> None:
    browser, tokens = await connected(issuer)
    other = browser_for(issuer)
    await reach_code(other, authorize_url(issuer), "bob")
    for path, fields in (
        ("account/applications", {"id": "shop", "answer": "yes"}),
        ("account/sessions", {"id": "others", "answer": "end"}),
    ):
        theirs = (await applications(issuer, other, application="shop")).forms[0].fields["token"]
        for token in ("", "x" * 64, theirs):
            page = await browser.post(f"{issuer.url}/{path}", {**fields, "token": token})
            assert page.status == 403, (path, token)
        own = (await applications(issuer, browser, application="shop")).forms[0].fields["token"]
        evil = ((b"origin", b"https://evil.test"), (b"sec-fetch-site", b"cross-site"))
        assert (await browser.post(f"{issuer.url}/{path}", {**fields, "token": own}, headers=evil)).status == 403
    assert await active(issuer, tokens["access_token"])


@pytest.mark.attack("T1")
async def test_a_person_sees_and_removes_only_their_own(issuer: Issuer) -> None:
    _, tokens = await connected(issuer)
    bob = browser_for(issuer)
    await issuer.keep(Client(realm="acme", id="game", client_name="Game", redirect_uris=("https://app.test/cb",)))
    id = consent_id("usr_bob", "game")
    await issuer.keep(Consent(realm="acme", id=id, subject="usr_bob", client_id="game", scopes=("openid",)))
    await reach_code(bob, authorize_url(issuer), "bob")
    await bob.press(await applications(issuer, bob, application="shop"), "application-remove")
    assert await active(issuer, tokens["access_token"]), "alice's access is hers"
    assert "Game" in (await applications(issuer, bob)).text


async def test_last_used_is_the_latest_refresh(issuer: Issuer) -> None:
    _, tokens = await connected(issuer)
    issuer.later(3 * 86_400)
    answer = await issuer.token("refresh_token", client="shop", refresh_token=tokens["refresh_token"])
    assert answer.status == 200, answer.body
    realm = await issuer.store.read(get(Realm, "acme", "acme", issuer.now))
    assert realm is not None
    [allowed] = await issuer.store.read(allowed_applications(realm, "usr_alice", issuer.now))
    assert allowed.last_used == issuer.now
    assert allowed.since == issuer.now - 3 * 86_400


async def test_other_sessions_are_listed_and_ended(issuer: Issuer) -> None:
    browser, _ = await connected(issuer, "openid")
    phone, laptop = browser_for(issuer), browser_for(issuer)
    for other in (phone, laptop):
        await reach_code(other, authorize_url(issuer))
    page = await browser.get(f"{issuer.url}/account/sessions")
    assert page.text.count('class="entry"') == 3
    assert page.text.count("This browser") == 1
    ended = await browser.press(page, "sessions-end-others")
    assert ended.text.count('class="entry"') == 1
    for other in (phone, laptop):
        assert (await other.get(authorize_url(issuer, prompt="none"))).answer["error"] == "login_required"
    assert "code" in (await browser.get(authorize_url(issuer, prompt="none"))).answer


def test_days_and_browsers_in_words() -> None:
    now = EpochSeconds(1_800_000_000)
    assert day_in_words(now, now) == "today"
    assert day_in_words(EpochSeconds(now - 86_400), now) == "yesterday"
    assert day_in_words(EpochSeconds(now - 10 * 86_400), now) == "5 January 2027"
    assert (
        browser_in_words("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120 Safari/537.36")
        == "Chrome on Linux"
    )
    assert browser_in_words("Mozilla/5.0 (iPhone; CPU) AppleWebKit Safari/604.1") == "Safari on an iPhone"
    assert browser_in_words("") == "A browser"


@pytest.mark.attack("R4")
async def test_names_and_browsers_are_shown_and_never_run(issuer: Issuer) -> None:
    evil = '"><script>alert(1)</script>'
    await open_shop(issuer, client_name=evil, skip_consent=True)
    browser = browser_for(issuer)
    code = (await reach_code(browser, authorize_url(issuer))).answer["code"]
    await issuer.redeem(code, client="shop")
    for path in ("account/applications", "account/applications?application=shop", "account/sessions"):
        page = await browser.get(f"{issuer.url}/{path}")
        assert page.status == 200
        assert "<script" not in page.text
        assert "script-src" not in page.header("content-security-policy")


async def test_an_application_is_shown_with_its_logo(issuer: Issuer) -> None:
    await open_shop(issuer, logo_uri="https://shop.example/logo.png")
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    page = await applications(issuer, browser)
    assert '/client-logo?client_id=shop" alt="C"' in page.text
