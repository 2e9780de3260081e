"""C5, R6: nobody but the person at this browser starts, goes on with, or ends a sign-in here."""

from __future__ import annotations

import pytest

from tests.harness.browser import FORM, Page
from tests.served import FrontDoor
from tests.shop import PASSWORD, authorize_url, offered, reach_code, sign_in

pytestmark = pytest.mark.attack("C5")


def handle_of(page: Page) -> str:
    """The interaction a page belongs to."""
    return page.forms[0].fields["interaction"]


async def test_a_flow_begun_in_one_browser_cannot_be_finished_in_another(door: FrontDoor) -> None:
    attacker, victim = door.browser(), door.browser()
    begun = await attacker.get(authorize_url(door.issuer))
    await reach_code(victim, authorize_url(door.issuer))
    handle = handle_of(begun)
    for path in ("sign-in", "consent", "authorize/resume"):
        page = await victim.get(f"{door.issuer.url}/{path}?interaction={handle}", follow=False)
        assert (page.status, page.location) == (400, ""), path
    fields = {"interaction": handle, "username": "alice", "password": PASSWORD}
    page = await victim.post(f"{door.issuer.url}/sign-in", fields, follow=False)
    assert page.status == 400
    page = await victim.post(f"{door.issuer.url}/consent", {"interaction": handle, "decision": "allow"}, follow=False)
    assert page.status == 400


async def test_a_consent_page_of_one_browser_is_nothing_in_another(door: FrontDoor) -> None:
    alice, mallory = door.browser(), door.browser()
    page = await sign_in(alice, await alice.get(authorize_url(door.issuer)))
    fields = page.form_with("consent-allow").fields | {"decision": "allow"}
    answer = await mallory.post(f"{door.issuer.url}/consent", fields, follow=False)
    assert answer.status == 400
    assert (await alice.get(page.url)).has("consent-allow"), "nothing happened to it"


async def test_what_one_person_allowed_is_not_allowed_for_another(door: FrontDoor) -> None:
    """Two tabs: alice sees the page, bob signs in beside it, the first tab is posted."""
    browser = door.browser()
    page = await sign_in(browser, await browser.get(authorize_url(door.issuer)))
    other = await browser.get(f"{door.issuer.url}/sign-in?interaction={handle_of(page)}&switch=1")
    await sign_in(browser, other, "bob")
    page = await browser.press(page, "consent-allow")
    assert page.has("consent-allow"), "bob is asked himself"
    assert "Bob" in page.text
    page = await browser.press(page, "consent-allow")
    assert (await offered(door.issuer, page.answer["code"])).subject == "usr_bob"


@pytest.mark.parametrize(
    "headers",
    [
        ((b"sec-fetch-site", b"cross-site"),),
        ((b"sec-fetch-site", b"same-site"),),
        ((b"origin", b"https://evil.test"),),
        ((b"origin", b"null"),),
        ((b"origin", b"http://127.0.0.1"),),
        ((b"origin", b"https://127.0.0.1:1"),),
        ((b"sec-fetch-site", b"same-origin"), (b"origin", b"https://evil.test")),
        ((b"sec-fetch-site", b"cross-site"), (b"origin", b"null")),
        ((b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"cross-site")),
    ],
    ids=str,
)
@pytest.mark.attack("R6")
async def test_a_form_another_site_posts_does_nothing(
    door: FrontDoor, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    browser = door.browser()
    page = await browser.get(authorize_url(door.issuer))
    fields = {"interaction": handle_of(page), "username": "alice", "password": PASSWORD}
    url = f"{door.issuer.url}/sign-in"
    refused = await browser.post(url, fields, follow=False, site="", headers=headers)
    assert refused.status == 403
    assert "keystead-session-acme" not in browser.jar
    page = await sign_in(browser, await browser.get(page.url))
    consent = page.form_with("consent-allow").fields | {"decision": "allow"}
    refused = await browser.post(f"{door.issuer.url}/consent", consent, follow=False, site="", headers=headers)
    assert refused.status == 403
    assert (await browser.get(page.url)).has("consent-allow")


@pytest.mark.parametrize("answer", [{}, {"answer": "yes"}], ids=["asks", "answers"])
async def test_another_site_cannot_make_the_browser_forget_its_session(door: FrontDoor, answer: dict[str, str]) -> None:
    """A form posted across sites comes without the Lax cookie, but what its answer sets, the browser takes."""
    elsewhere = door.browser()
    page = await elsewhere.post(f"{door.issuer.url}/logout", answer, follow=False, site="cross-site")
    assert not [value for name, value in page.headers if name.lower() == b"set-cookie"]


async def test_a_browser_that_says_nothing_is_held_by_its_cookie(door: FrontDoor) -> None:
    """HtmlUnit and old browsers send neither Origin nor Sec-Fetch-Site; the handle and the cookie still bind."""
    browser = door.browser()
    page = await browser.get(authorize_url(door.issuer))
    fields = {"interaction": handle_of(page), "username": "alice", "password": PASSWORD}
    page = await browser.post(f"{door.issuer.url}/sign-in", fields, site="")
    assert page.has("consent-allow")


@pytest.mark.attack("C5")
async def test_forced_sign_in_without_a_request_needs_the_browsers_own_form(door: FrontDoor) -> None:
    victim, attacker = door.browser(), door.browser()
    page = await attacker.get(f"{door.issuer.url}/sign-in")
    stolen = page.form_with("login-submit").fields["token"]
    await victim.get(f"{door.issuer.url}/sign-in")
    for token in (stolen, "", "0" * 64):
        fields = {"token": token, "username": "bob", "password": PASSWORD}
        page = await victim.post(f"{door.issuer.url}/sign-in", fields, follow=False)
        assert page.status == 400
        assert "keystead-session-acme" not in victim.jar


@pytest.mark.attack("R6")
@pytest.mark.parametrize("content_type", [b"text/plain", b"application/json", b"", b"multipart/form-data; boundary=x"])
async def test_only_a_form_is_a_form(door: FrontDoor, content_type: bytes) -> None:
    browser = door.browser()
    page = await browser.get(authorize_url(door.issuer))
    body = f"interaction={handle_of(page)}&username=alice&password={PASSWORD}".replace(" ", "+").encode()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.jar.items()).encode()
    headers = ((b"content-type", content_type), (b"cookie", cookie), (b"sec-fetch-site", b"same-origin"))
    page = await door.wire("POST", f"{door.issuer.url}/sign-in", headers, body)
    assert page.status == 400
    assert not any(name == b"set-cookie" for name, _ in page.headers)


@pytest.mark.attack("R6")
@pytest.mark.parametrize("origin", [b"https://evil.test", b"null", b"https://sub.evil.test"])
async def test_no_cross_origin_reading_of_any_page(door: FrontDoor, origin: bytes) -> None:
    browser = door.browser()
    await reach_code(browser, authorize_url(door.issuer))
    asks = ((b"origin", origin), (b"access-control-request-method", b"POST"))
    for path in ("authorize", "authorize/resume", "sign-in", "consent", "logout", "signed-in"):
        for method in ("GET", "OPTIONS", "POST"):
            page = await door.wire(method, f"{door.issuer.url}/{path}", (*asks, (b"content-type", FORM)), b"")
            assert not [name for name, _ in page.headers if name.startswith(b"access-control-")], (path, method)
