"""Sending browsers to the authorization endpoint costs nothing that stays."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from keystead.core.records.interaction import Interaction
from keystead.core.records.realm import Realm
from keystead.core.values import EpochSeconds
from keystead.oauth.interactions import Allowance
from keystead.storage.ports import find
from tests.issuer import Issuer
from tests.shop import authorize_url, browser_for, good_request, open_shop, reach_code, sign_in

pytestmark = pytest.mark.attack("P6")


async def stored(issuer: Issuer) -> int:
    """How many interactions are stored."""
    return len(await issuer.store.read(find(Interaction, "acme", issuer.now)))


async def test_a_request_that_waits_for_a_person_stores_nothing(issuer: Issuer) -> None:
    await open_shop(issuer)
    before = await issuer.store.read(find(Realm, "acme", issuer.now))
    for number in range(50):
        page = await browser_for(issuer).get(authorize_url(issuer, state=f"{number}" * 100))
        assert page.has("login-submit")
    assert await stored(issuer) == 0
    assert await issuer.store.read(find(Realm, "acme", issuer.now)) == before


async def test_it_is_stored_once_somebody_has_signed_in_and_gone_once_it_is_answered(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await sign_in(browser, await browser.get(authorize_url(issuer)))
    assert await stored(issuer) == 1
    assert (await browser.press(page, "consent-allow")).answer["code"]
    assert await stored(issuer) == 0


async def test_a_handle_opens_nothing_a_second_time(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    first = await browser.get(authorize_url(issuer))
    [handle] = parse_qs(urlsplit(first.url).query)["interaction"]
    page = await browser.press(await sign_in(browser, first), "consent-allow")
    assert page.answer["code"]
    for path in ("authorize/resume", "sign-in", "consent"):
        again = await browser.get(f"{issuer.url}/{path}?{urlencode({'interaction': handle})}")
        assert again.status == 400, path
        assert "interaction_expired" in again.text
    assert await stored(issuer) == 0


@pytest.mark.attack("C5")
async def test_a_handle_is_for_the_browser_it_was_made_for_and_for_an_hour(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser, other = browser_for(issuer), browser_for(issuer)
    await other.get(authorize_url(issuer))
    [handle] = parse_qs(urlsplit((await browser.get(authorize_url(issuer))).url).query)["interaction"]
    url = f"{issuer.url}/sign-in?{urlencode({'interaction': handle})}"
    assert (await browser.get(url)).has("login-submit")
    assert (await other.get(url)).status == 400
    assert (await browser_for(issuer).get(url)).status == 400
    issuer.later(3601)
    assert (await browser.get(url)).status == 400


@pytest.mark.attack("C3")
async def test_a_handle_that_was_changed_anywhere_opens_nothing(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    [handle] = parse_qs(urlsplit((await browser.get(authorize_url(issuer))).url).query)["interaction"]
    forged = [handle[:-1], handle + "A", handle.replace("ksp_", "kst_"), "ksp_", "ksp_====", "ksp_%00", "ksp_é"]
    forged += [
        handle[:at] + ("B" if handle[at] == "A" else "A") + handle[at + 1 :] for at in range(4, len(handle) - 1, 7)
    ]
    for one in forged:
        page = await browser.get(f"{issuer.url}/sign-in?{urlencode({'interaction': one})}")
        assert page.status == 400, one


async def test_a_second_tab_does_not_undo_the_first(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    first, second = await browser.get(authorize_url(issuer)), await browser.get(authorize_url(issuer))
    page = await sign_in(browser, first)
    assert page.has("consent-allow")
    later = await sign_in(browser, second)
    assert later.has("consent-allow")
    assert (await browser.press(page, "consent-allow")).answer["code"]


async def test_a_large_request_is_stored_at_once_and_works(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    large = good_request(state="s" * 4_096)
    page = await browser.get(f"{issuer.url}/authorize?{urlencode(large)}")
    assert page.has("login-submit")
    assert await stored(issuer) == 1
    assert (await reach_code(browser, f"{issuer.url}/authorize?{urlencode(large)}")).answer["state"] == large["state"]


def test_so_many_a_minute_and_then_no_more() -> None:
    allowance = Allowance(3)
    now = EpochSeconds(1_800_000_000)
    assert [allowance.take(now) for _ in range(5)] == [True, True, True, False, False]
    assert allowance.take(EpochSeconds(now + 60))
