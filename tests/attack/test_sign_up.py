"""People who sign up under attack: nobody takes another's place by what they call themselves."""

from __future__ import annotations

import pytest

from keystead.core.records.account import Account
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.records.client import Client
from keystead.core.records.interaction import Interaction
from keystead.core.records.realm import Realm
from keystead.core.records.trusted_issuer import AccountMatch
from keystead.identity.new_accounts import Wished, make_account, what_is_wrong
from keystead.storage.ports import find
from tests.counter import Counter, open_counter
from tests.elsewhere import JWT_BEARER, Elsewhere
from tests.harness.browser import in_process
from tests.issuer import Issuer
from tests.market import Market
from tests.shop import authorize_url, browser_for, open_shop

ADDRESS = "alice@acme.test"


async def pretend(issuer: Issuer, number: int, **wishes: str) -> Account:
    """Make an account as the sign-up page does."""
    usual = {"username": f"mallory-{number}", "name": "Mallory", "email": ADDRESS, "password": "-"}
    wished = Wished(**(usual | wishes))
    made = await issuer.store.write(lambda: make_account(issuer.realm, wished, "-", issuer.now))
    assert made is not None
    return made


async def asked(counter: Counter, hint: str) -> str:
    """Return whose answer a client waits for that names somebody."""
    begun = await counter.ask(login_hint=hint)
    assert begun.status == 200, begun.body
    (waiting,) = await counter.issuer.store.read(find(AwaitedDecision, "acme", counter.issuer.now))
    return waiting.subject


@pytest.mark.attack("U8")
async def test_a_claimed_address_keeps_nobody_from_being_found(issuer: Issuer) -> None:
    """Mallory types Alice's address, unverified, as often as they like: it stays Alice's."""
    counter = await open_counter(issuer)
    await issuer.change(Account, "usr_alice", email=ADDRESS, email_verified=True)
    for number in range(3):
        await pretend(issuer, number)
    assert await asked(counter, ADDRESS) == "usr_alice"


@pytest.mark.attack("U8")
async def test_a_claimed_address_shuts_nobody_out_who_comes_from_elsewhere(market: Market) -> None:
    elsewhere = Elsewhere(market)
    await elsewhere.trusted("people", account=AccountMatch("email", "email"), conditions=(), clients=("web",))
    await market.issuer.change(Account, market.account.id, email=ADDRESS, email_verified=True)
    for number in range(3):
        await pretend(market.issuer, number)
    await market.issuer.change(Client, "web", grant_types=(JWT_BEARER,))
    assertion = elsewhere.assertion(email=ADDRESS, email_verified=True)
    answer = await market.issuer.token(JWT_BEARER, client="web", assertion=assertion)
    assert answer.status == 200, answer.body


@pytest.mark.attack("U8")
async def test_a_chosen_user_name_is_no_identity_of_another_trust_domain(market: Market) -> None:
    """Whoever takes the name first, before its owner from elsewhere comes, would share their tokens' account."""
    elsewhere = Elsewhere(market)
    await elsewhere.trusted("people", account=AccountMatch("sub", "username"), conditions=(), clients=("web",))
    await market.issuer.change(Client, "web", grant_types=(JWT_BEARER,), skip_consent=True)
    await pretend(market.issuer, 1, username="bob")
    answer = await market.issuer.token(JWT_BEARER, client="web", assertion=elsewhere.assertion(sub="bob"))
    assert (answer.status, answer.error) == (400, "invalid_grant")


@pytest.mark.attack("U9")
def test_nobody_is_called_like_anothers_address() -> None:
    """A hint may be a user name or an address, so a stranger's user name must never be an address."""
    wished = Wished(username=ADDRESS, name="Mallory", email="", password="a lantern by the water")
    assert "user name" in what_is_wrong(wished)


@pytest.mark.attack("P6")
@pytest.mark.parametrize("prompt", ["login", "create"])
async def test_one_address_cannot_fill_the_store_by_cancelling(issuer: Issuer, prompt: str) -> None:
    """Pressing Cancel writes the request down, and whoever presses it has proved nothing."""
    await open_shop(issuer)
    await issuer.change(Realm, "acme", sign_up="open")
    for _ in range(100):
        browser = browser_for(issuer, "198.51.100.9")
        page = await browser.get(authorize_url(issuer, prompt=prompt))
        handle = page.url.partition("interaction=")[2]
        path = "sign-up" if prompt == "create" else "sign-in"
        form = f"interaction={handle}&choice=cancel".encode()
        cookies = "; ".join(f"{name}={value}" for name, value in browser.jar.items()).encode()
        headers = ((b"content-type", b"application/x-www-form-urlencoded"), (b"cookie", cookies))
        await in_process(issuer, "198.51.100.9")("POST", f"{issuer.url}/{path}", headers, form)
    stored = await issuer.store.read(find(Interaction, "acme", issuer.now))
    assert 0 < len(stored) <= 60
