"""U2, U10: a stranger learns nothing about who has an account, and a password is exactly what was typed."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from keystead.core.protocols import PasswordsBusy
from keystead.core.records.account import Account
from keystead.core.values import Secret, new_identifier
from keystead.identity.passwords import Argon2Passwords, hash_password
from keystead.storage.ports import get
from tests.harness.browser import Page
from tests.issuer import Issuer
from tests.shop import PASSWORD, alice, authorize_url, browser_for, open_shop, password_hash

pytestmark = pytest.mark.attack("U2")


async def attempt(issuer: Issuer, username: str, password: str) -> Page:
    """One attempt in a fresh browser at a fresh address."""
    browser = browser_for(issuer, new_identifier("address"))
    page = await browser.get(authorize_url(issuer))
    return await browser.press(page, "login-submit", follow=False, username=username, password=password)


def seen(page: Page, username: str) -> tuple[int, str, list[bytes]]:
    """What a stranger sees of an answer, without what differs by design: the handle and the name typed."""
    handle = page.form_with("login-submit").fields["interaction"]
    text = page.text.replace(handle, "HANDLE").replace(username, "NAME")
    return page.status, text, [name for name, _ in page.headers]


async def test_unknown_wrong_disabled_and_passwordless_look_the_same(issuer: Issuer) -> None:
    await open_shop(issuer)
    await issuer.keep(
        alice(id="usr_off", username="offline-user", enabled=False),
        alice(id="usr_bare", username="passwordless", password_hash=""),
    )
    answers = [
        seen(await attempt(issuer, "alice", "wrong"), "alice"),
        seen(await attempt(issuer, "nobody-here", "wrong"), "nobody-here"),
        seen(await attempt(issuer, "offline-user", PASSWORD), "offline-user"),
        seen(await attempt(issuer, "passwordless", "x"), "passwordless"),
        seen(await attempt(issuer, "x" * 300, "wrong"), "x" * 300),
        seen(await attempt(issuer, "alice2", "y" * 2000), "alice2"),
    ]
    assert len({str(answer) for answer in answers}) == 1


async def test_waiting_is_the_same_for_unknown_names(issuer: Issuer) -> None:
    await open_shop(issuer)
    known = [seen(await attempt(issuer, "alice", "wrong"), "alice") for _ in range(7)]
    unknown = [seen(await attempt(issuer, "nobody", "wrong"), "nobody") for _ in range(7)]
    assert known == unknown
    assert [status for status, _, _ in known] == [200] * 5 + [429] * 2


async def test_unknown_names_cost_the_same_time(issuer: Issuer) -> None:
    """The same Argon2 work, compared by CPU time, so that a busy machine does not decide."""
    await open_shop(issuer)
    passwords = Argon2Passwords(workers=1)

    async def cost(password_hash: str, password: str) -> float:
        began = time.process_time()
        assert not await passwords.check(Secret(password), password_hash)
        return time.process_time() - began

    await cost("", "warm up")
    known = [await cost(password_hash(), "wrong") for _ in range(8)]
    unknown = [await cost("", "wrong") for _ in range(8)]
    long = [await cost(password_hash(), "x" * 5000) for _ in range(8)]
    passwords.close()
    middle = statistics.median(known)
    assert 0.6 < statistics.median(unknown) / middle < 1.6
    assert 0.6 < statistics.median(long) / middle < 1.6


@pytest.mark.attack("U10")
@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple ",
        " lead",
        "Åse",
        "A\u030ase",
        "p" * 72 + "a",
        "p" * 1024,
        "'; DROP--",
        "*)(uid=*",
        "\r\n",
        "😀",
    ],
)
async def test_a_password_is_exactly_what_was_typed(issuer: Issuer, password: str) -> None:
    await open_shop(issuer)
    account = await _account(issuer, password)
    assert (await attempt(issuer, account.username, password)).status == 303
    for other in (password.strip(), password[:-1], password + "x", password.upper(), password.swapcase()):
        if other and other != password:
            assert (await attempt(issuer, account.username, other)).status in (200, 429)
            issuer.later(60)


@pytest.mark.attack("U10")
async def test_no_spelling_of_a_password_is_taken_for_another(issuer: Issuer) -> None:
    await open_shop(issuer)
    account = await _account(issuer, "A\u030ase" + "p" * 72)
    for other in ("Åse" + "p" * 72, "A\u030ase" + "p" * 71, "A\u030ase" + "p" * 73):
        assert (await attempt(issuer, account.username, other)).status == 200


@pytest.mark.attack("U10")
@pytest.mark.parametrize("password", ["x\0y", "x" * 1025, "x" * 9000])
async def test_a_password_nobody_can_have_lets_nobody_in(issuer: Issuer, password: str) -> None:
    await open_shop(issuer)
    assert (await attempt(issuer, "alice", password)).status in (200, 400)
    assert issuer.journal.reason != "sign_in.password"


@pytest.mark.attack("U9")
@pytest.mark.parametrize(
    "username", ["Alice", "ALICE", " alice", "alice ", "аlice", "alice\u200b", "alice.", "ali\u0441e"]
)
async def test_a_name_that_looks_alike_is_another_name(issuer: Issuer, username: str) -> None:
    await open_shop(issuer)
    assert (await attempt(issuer, username, PASSWORD)).status == 200
    assert issuer.journal.reason == "sign_in.unknown_account"


async def test_an_old_hash_is_made_anew_at_sign_in(issuer: Issuer) -> None:
    await open_shop(issuer)
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await issuer.change(Account, "usr_alice", password_hash=old)
    assert (await attempt(issuer, "alice", PASSWORD)).status == 303
    account = await issuer.store.read(get(Account, "acme", "usr_alice", issuer.now))
    assert account is not None
    assert account.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await attempt(issuer, "alice", PASSWORD)).status == 303


@pytest.mark.attack("P6")
async def test_a_full_queue_says_so_at_once_and_counts_nothing(issuer: Issuer) -> None:
    await open_shop(issuer)
    passwords = Argon2Passwords(workers=1, queue=2)
    issuer.cx = replace(issuer.cx, passwords=passwords)
    pages = await asyncio.gather(*(attempt(issuer, f"user{number}", "x") for number in range(12)))
    busy = [page for page in pages if page.status == 503]
    assert len(busy) == 9
    assert all(page.header("retry-after") == "2" and page.alert for page in busy)
    with pytest.raises(PasswordsBusy):
        await asyncio.gather(*(passwords.check(Secret("x"), "") for _ in range(5)))
    passwords.close()


def test_a_password_can_be_too_long_or_empty_to_store() -> None:
    for password in ("", "x" * 1025, "é" * 513):
        with pytest.raises(ValueError, match="between 1 and 1024"):
            hash_password(Secret(password))


async def _account(issuer: Issuer, password: str) -> Account:
    account = alice(
        id=new_identifier("usr"), username=new_identifier("name"), password_hash=hash_password(Secret(password))
    )
    await issuer.keep(account)
    return account
