"""U1: guessing is slow through every door, in parallel too, and no stranger can lock an owner out."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter

import pytest

from keystead.identity.throttle import LONGEST_WAIT, buckets
from tests.harness.browser import Browser
from tests.harness.issuer import RunningIssuer
from tests.issuer import Issuer
from tests.served import FrontDoor
from tests.shop import PASSWORD, authorize_url, browser_for, open_shop, reach_code, sign_in

pytestmark = pytest.mark.attack("U1")


def allowed(seconds: float) -> int:
    """How many guesses the brake lets through in a while: five, one more, and one for each doubled wait that passed."""
    return 6 + int(math.log2(seconds + 2))


async def guess(browser: Browser, issuer: Issuer, password: str, username: str = "alice") -> int:
    """Guess once in a browser; the status of the answer."""
    page = await browser.get(f"{issuer.url}/sign-in")
    page = await browser.press(page, "login-submit", follow=False, username=username, password=password)
    return page.status


async def test_sixty_four_guesses_at_once_are_no_more_than_one_after_another(door: FrontDoor) -> None:
    before, began = len(door.issuer.journal.decisions), time.monotonic()
    answers = Counter(
        await asyncio.gather(*(guess(door.browser(), door.issuer, f"guess {number}") for number in range(64)))
    )
    assert set(answers) <= {200, 429}
    reasons = Counter(decision.reason for decision in door.issuer.journal.decisions[before:])
    assert reasons["sign_in.wrong_password"] <= allowed(time.monotonic() - began), "so many were really tried"
    assert sum(reasons.values()) == 64


async def test_the_right_password_does_not_jump_the_queue(issuer: Issuer) -> None:
    await open_shop(issuer)
    for number in range(5):
        assert await guess(browser_for(issuer, f"198.51.100.{number}"), issuer, "wrong") == 200
    assert await guess(browser_for(issuer, "198.51.100.77"), issuer, PASSWORD) == 429


async def test_waits_double_and_end(issuer: Issuer) -> None:
    await open_shop(issuer)
    waits = []
    for number in range(40):
        browser = browser_for(issuer, f"198.51.100.{number}")
        page = await browser.get(f"{issuer.url}/sign-in")
        page = await browser.press(page, "login-submit", follow=False, username="alice", password="wrong")
        if page.status == 429:
            waits.append(int(page.header("retry-after")))
            assert page.alert.startswith("Too many attempts. Wait ")
            issuer.later(waits[-1])
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert max(waits) == LONGEST_WAIT
    issuer.later(LONGEST_WAIT)
    assert await guess(browser_for(issuer, "203.0.113.9"), issuer, PASSWORD) == 303, "the owner gets in in the end"
    assert await guess(browser_for(issuer, "203.0.113.9"), issuer, "wrong") == 200, "and starts afresh"


async def test_a_stranger_who_guesses_does_not_make_the_owners_browser_wait(issuer: Issuer) -> None:
    await open_shop(issuer)
    owner = browser_for(issuer, "203.0.113.9")
    await reach_code(owner, authorize_url(issuer))
    owner.jar = {name: value for name, value in owner.jar.items() if name == "keystead-known-acme"}
    for number in range(20):
        await guess(browser_for(issuer, f"198.51.100.{number}"), issuer, "wrong")
    assert await guess(browser_for(issuer, "198.51.100.99"), issuer, PASSWORD) == 429
    assert await guess(owner, issuer, PASSWORD) == 303


async def test_a_known_browser_is_known_for_one_account_and_is_braked_too(issuer: Issuer) -> None:
    await open_shop(issuer)
    owner = browser_for(issuer)
    await reach_code(owner, authorize_url(issuer), "bob")
    owner.jar = {name: value for name, value in owner.jar.items() if name == "keystead-known-acme"}
    answers = [await guess(owner, issuer, "wrong") for _ in range(6)]
    assert answers[-1] == 429, "bob's browser is a stranger to alice"
    answers = [await guess(owner, issuer, "wrong", "bob") for _ in range(11)]
    assert answers == [200] * 10 + [429]
    forged = browser_for(issuer)
    known = owner.jar["keystead-known-acme"]
    forged.jar["keystead-known-acme"] = known[:-1] + ("x" if known[-1] != "x" else "y")
    issuer.later(LONGEST_WAIT)
    answers = [await guess(forged, issuer, "wrong", "bob") for _ in range(6)]
    assert 429 in answers


async def test_one_address_cannot_try_many_accounts(issuer: Issuer) -> None:
    await open_shop(issuer)
    answers = [await guess(browser_for(issuer), issuer, "Password1!", f"user{number}") for number in range(21)]
    assert answers == [200] * 20 + [429]


async def test_signing_in_to_an_own_account_buys_no_guesses(issuer: Issuer) -> None:
    await open_shop(issuer)
    tried = 0
    for number in range(60):
        browser = browser_for(issuer)
        if number % 2:
            await guess(browser, issuer, PASSWORD, "bob")
        else:
            tried += await guess(browser, issuer, "wrong", f"user{number}") == 200
    assert tried <= 21


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_an_ipv6_network_counts_as_one_address(first: str, second: str, same: bool) -> None:
    assert (buckets("a", first, "")[0] == buckets("b", second, "")[0]) is same


async def test_forwarding_headers_do_not_change_the_address(door: FrontDoor) -> None:
    statuses = []
    for number in range(24):
        browser = door.browser()
        page = await browser.get(f"{door.issuer.url}/sign-in")
        fields = page.form_with("login-submit").fields | {"username": f"u{number}", "password": "x"}
        spoofed = ((b"x-forwarded-for", f"198.51.100.{number}".encode()), (b"forwarded", b"for=198.51.100.9"))
        page = await browser.post(f"{door.issuer.url}/sign-in", fields, follow=False, headers=spoofed)
        statuses.append(page.status)
    assert 429 in statuses


async def test_an_empty_form_costs_nothing(issuer: Issuer) -> None:
    await open_shop(issuer)
    for _ in range(30):
        assert await guess(browser_for(issuer), issuer, "") == 200
    page = await browser_for(issuer).get(authorize_url(issuer))
    assert (await sign_in(browser_for(issuer), page)).status == 400, "another browser's form"
    assert await guess(browser_for(issuer), issuer, PASSWORD) == 303


async def test_the_count_holds_over_several_processes(unstarted_nodes: RunningIssuer) -> None:
    """Sixty-four guesses at once, spread over two processes on one database: the product as it runs."""
    await unstarted_nodes.start()
    origins = [unstarted_nodes.base_url, await unstarted_nodes.start_another()]

    async def one(number: int) -> int:
        browser = unstarted_nodes.person("alice").browser
        page = await browser.get(f"{unstarted_nodes.url}/sign-in")
        form = page.form_with("login-submit")
        cookies = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
        headers = {"sec-fetch-site": "same-origin", "cookie": cookies}
        fields = form.fields | {"username": "alice", "password": f"guess {number}"}
        url = f"{origins[number % 2]}/realms/acme/sign-in"
        async with unstarted_nodes.session.post(url, data=fields, headers=headers, allow_redirects=False) as reply:
            return reply.status

    began = time.monotonic()
    answers = Counter(await asyncio.gather(*(one(number) for number in range(64))))
    assert set(answers) <= {200, 429, 503}
    assert 1 <= answers[200] <= allowed(time.monotonic() - began)
