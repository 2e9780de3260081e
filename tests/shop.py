"""A small realm for tests of the front door: one shop, its APIs, two people who may sign in."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlencode

from keystead.core.records.account import Account
from keystead.core.records.api import Api
from keystead.core.records.authorization_code import CODE_PURPOSE, AuthorizationCode, decode_code
from keystead.core.records.client import Client
from keystead.core.values import Secret, handle_digest
from keystead.identity.passwords import hash_password
from keystead.storage.ports import Redeemable, peek
from tests.harness.browser import Browser, Page, in_process
from tests.issuer import VERIFIER, Issuer, challenge, confidential

PASSWORD = "correct horse battery staple"
CALLBACK = "https://app.test/cb"
CATALOG = "https://catalog.test"
ORDERS = "https://orders.test"


@cache
def password_hash(password: str = PASSWORD) -> str:
    """Return an Argon2id hash, made once per test run."""
    return hash_password(Secret(password))


def alice(**fields: Any) -> Account:
    """The customer."""
    usual: dict[str, Any] = {
        "realm": "acme",
        "id": "usr_alice",
        "username": "alice",
        "name": "Alice Liddell",
        "email": "alice@acme.test",
        "roles": ("customer",),
        "password_hash": password_hash(),
    }
    return Account(**(usual | fields))


def bob() -> Account:
    """Somebody else."""
    return alice(id="usr_bob", username="bob", name="Bob", email="bob@acme.test", roles=())


def shop(**fields: Any) -> Client:
    """The client people sign in to."""
    usual: dict[str, Any] = {
        "client_name": "Corner Shop",
        "scope": "openid profile email offline_access catalog:read orders:read orders:write",
        "post_logout_redirect_uris": ("https://app.test/bye",),
    }
    return confidential("shop", **(usual | fields))


async def open_shop(issuer: Issuer, **client_fields: Any) -> None:
    """Store the realm with everything in it."""
    await issuer.set_up(
        Api(
            realm="acme",
            id=CATALOG,
            name="Catalogue",
            scopes=("catalog:read",),
            scope_descriptions={"catalog:read": "Look at what is for sale"},
        ),
        Api(
            realm="acme",
            id=ORDERS,
            name="Orders",
            scopes=("orders:read", "orders:write"),
            scope_descriptions={"orders:read": "See your orders"},
            scope_roles={"orders:write": ("customer",)},
        ),
        shop(**client_fields),
        alice(),
        bob(),
        display_name="Acme",
    )


def browser_for(issuer: Issuer, address: str = "192.0.2.1") -> Browser:
    """Return a fresh browser at an issuer in this process."""
    return Browser(in_process(issuer, address), home=f"{issuer.url}/")


def authorize_url(issuer: Issuer, **changes: str | None) -> str:
    """Return the URL of a good authorization request, with some parameters changed, or left out by None."""
    return f"{issuer.url}/authorize?{urlencode(good_request(**changes))}"


def good_request(**changes: str | None) -> dict[str, str]:
    """Return the parameters of a good authorization request."""
    usual: dict[str, str | None] = {
        "client_id": "shop",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid catalog:read",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


async def sign_in(browser: Browser, page: Page, username: str = "alice", password: str = PASSWORD) -> Page:
    """Fill in the sign-in page."""
    return await browser.press(page, "login-submit", username=username, password=password)


async def reach_code(browser: Browser, url: str, username: str = "alice") -> Page:
    """Go from an authorization request to the redirect that carries the code, signing in and consenting if asked."""
    page = await browser.get(url)
    if page.has("login-submit"):
        page = await sign_in(browser, page, username)
    if page.has("consent-allow"):
        page = await browser.press(page, "consent-allow")
    assert page.status == 303, page.text
    return page


async def offered(issuer: Issuer, code: str) -> AuthorizationCode:
    """Return what a code is bound to, without redeeming it."""
    found = await issuer.store.read(peek("acme", CODE_PURPOSE, handle_digest(code), issuer.now))
    assert isinstance(found, Redeemable)
    return decode_code(found.payload)
