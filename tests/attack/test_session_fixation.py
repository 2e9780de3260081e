"""U6, U3: what was planted before a sign-in is worth nothing after it, and no step can be skipped."""

from __future__ import annotations

import pytest

from keystead.core.cookies import clear_cookie, cookie_name, read_cookie, set_cookie
from keystead.core.records.session import Session
from keystead.storage.ports import find
from tests.harness.browser import Browser
from tests.issuer import Issuer
from tests.served import FrontDoor
from tests.shop import PASSWORD, authorize_url, browser_for, offered, open_shop, reach_code, sign_in

pytestmark = pytest.mark.attack("U6")

SESSION = "keystead-session-acme"


async def signed_in_with(browser: Browser, issuer: Issuer, cookie: str) -> bool:
    """Whether a session cookie signs anybody in."""
    page = await browser.wire(
        "GET", authorize_url(issuer, prompt="none"), ((b"cookie", f"{SESSION}={cookie}".encode()),), b""
    )
    return "code" in page.answer


async def test_a_planted_session_cookie_is_never_taken_over(door: FrontDoor) -> None:
    victim = door.browser()
    victim.jar[SESSION] = "kss_" + "A" * 43
    await reach_code(victim, authorize_url(door.issuer))
    assert victim.jar[SESSION] != "kss_" + "A" * 43
    assert not await signed_in_with(victim, door.issuer, "kss_" + "A" * 43)


async def test_the_attackers_own_session_in_the_victims_browser_is_ended(door: FrontDoor) -> None:
    attacker, victim = door.browser(), door.browser()
    await reach_code(attacker, authorize_url(door.issuer), "bob")
    planted = victim.jar[SESSION] = attacker.jar[SESSION]
    page = await victim.get(f"{door.issuer.url}/sign-in?switch=1")
    await sign_in(victim, page, "alice")
    assert not await signed_in_with(attacker, door.issuer, planted)
    assert await signed_in_with_consent(victim, door.issuer) == "usr_alice"


async def signed_in_with_consent(browser: Browser, issuer: Issuer) -> str:
    """Who a code is for."""
    return (await offered(issuer, (await reach_code(browser, authorize_url(issuer))).answer["code"])).subject


async def test_every_sign_in_changes_the_handle_and_kills_the_old_one(door: FrontDoor) -> None:
    browser = door.browser()
    await reach_code(browser, authorize_url(door.issuer))
    handles = [browser.jar[SESSION]]
    for _ in range(3):
        page = await browser.get(authorize_url(door.issuer, prompt="login"))
        await sign_in(browser, page)
        handles.append(browser.jar[SESSION])
    assert len(set(handles)) == 4
    alive = [await signed_in_with(browser, door.issuer, handle) for handle in handles]
    assert alive == [False, False, False, True]
    sessions = await door.issuer.store.read(find(Session, "acme", door.issuer.now))
    assert len(sessions) == 1, "one session, renewed"


async def test_a_handle_is_dead_after_logout(door: FrontDoor) -> None:
    browser = door.browser()
    await reach_code(browser, authorize_url(door.issuer))
    handle = browser.jar[SESSION]
    await browser.press(await browser.get(f"{door.issuer.url}/logout"), "logout-yes")
    assert not await signed_in_with(browser, door.issuer, handle)


async def test_the_browser_cookie_alone_is_no_sign_in(door: FrontDoor) -> None:
    """The attacker begins, plants its browser cookie, waits for the victim to sign in, and goes on itself."""
    attacker, victim = door.browser(), door.browser()
    begun = await attacker.get(authorize_url(door.issuer))
    victim.jar.update(attacker.jar)
    page = await sign_in(victim, await victim.get(begun.url))
    handle = page.form_with("consent-allow").fields["interaction"]
    page = await attacker.get(f"{door.issuer.url}/authorize/resume?interaction={handle}")
    assert page.has("login-submit"), "the attacker is asked to sign in"
    page = await sign_in(attacker, page, "bob")
    assert page.has("consent-allow"), "and nobody's consent counts for it"


@pytest.mark.attack("U3")
@pytest.mark.parametrize("path", ["authorize/resume", "consent"])
async def test_a_later_step_first_leads_back_to_signing_in(door: FrontDoor, path: str) -> None:
    browser = door.browser()
    begun = await browser.get(authorize_url(door.issuer))
    handle = begun.forms[0].fields["interaction"]
    page = await browser.get(f"{door.issuer.url}/{path}?interaction={handle}")
    assert page.has("login-submit")
    page = await browser.post(f"{door.issuer.url}/consent", {"interaction": handle, "decision": "allow", "shown": "x"})
    assert page.has("login-submit")


@pytest.mark.attack("U3")
async def test_a_finished_interaction_gives_no_second_code(door: FrontDoor) -> None:
    browser = door.browser()
    page = await sign_in(browser, await browser.get(authorize_url(door.issuer)))
    fields = page.form_with("consent-allow").fields | {"decision": "allow"}
    done = await browser.press(page, "consent-allow")
    assert done.answer["code"]
    for again in (
        await browser.post(f"{door.issuer.url}/consent", fields),
        await browser.get(f"{door.issuer.url}/authorize/resume?interaction={fields['interaction']}"),
        await browser.post(
            f"{door.issuer.url}/sign-in",
            {"interaction": fields["interaction"], "username": "alice", "password": PASSWORD},
        ),
    ):
        assert (again.status, again.location) == (400, "")


async def test_an_interaction_ends_after_an_hour(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await browser.get(authorize_url(issuer))
    issuer.later(3600)
    page = await sign_in(browser, page)
    assert page.status == 400
    assert "start again" in page.text


def test_a_cookie_sent_twice_is_nobodys() -> None:
    name = cookie_name("session", "acme", secure=True)
    assert name.startswith("__Host-")
    assert read_cookie(((b"cookie", f"{name}=a".encode()),), name) == "a"
    assert read_cookie(((b"cookie", f"x=1; {name}=a; {name}=b".encode()),), name) == ""
    assert read_cookie(((b"cookie", f"{name}=a".encode()), (b"cookie", f"{name}=b".encode())), name) == ""
    assert read_cookie(((b"cookie", f"x{name}=a".encode()),), name) == ""


def test_cookies_over_https_are_host_cookies_and_never_wider() -> None:
    _, value = set_cookie(cookie_name("session", "acme", secure=True), "v")
    assert value == b"__Host-keystead-session-acme=v; Path=/; HttpOnly; SameSite=Lax; Secure"
    _, value = set_cookie(cookie_name("session", "acme", secure=False), "v")
    assert value == b"keystead-session-acme=v; Path=/; HttpOnly; SameSite=Lax"
    assert b"Max-Age=0" in clear_cookie("x")[1]
