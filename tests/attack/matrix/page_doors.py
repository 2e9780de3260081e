"""The doors that browsers come to: pages, their forms, and the cookies they know people by."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from keystead.core.records.account import Account
from keystead.core.values import handle_digest
from keystead.storage.ports import get
from tests.attack.matrix.world import World
from tests.harness.browser import Browser, Page
from tests.issuer import Answer
from tests.shop import authorize_url

Knock = Callable[[World, str], Awaitable[bool]]


@dataclass(frozen=True)
class Door:
    """One door: at which endpoint, and for the token endpoint by which grant. `knock` says whether it opened."""

    path: str
    knock: Knock
    grant: str = ""


async def _stays_here(world: World, **query: str) -> bool:
    """Whether an authorization request is carried on to the sign-in page."""
    page = await world.page("authorize", None, client_id="shop", **query)
    return page.status == 303 and "/sign-in" in page.location


async def _authorize_hint(world: World, handle: str) -> bool:
    url = authorize_url(world.issuer, prompt="none", id_token_hint=handle)
    return (await world.visitor().get(url, follow=False)).answer.get("error") == "login_required"


def sendable(handle: str) -> str:
    """Return a handle as it can stand in a header."""
    return quote(handle, safe="-._~+/=:@")


def _resumed(path: str) -> Door:
    """A page that goes on with an interaction of alice's browser."""

    async def knock(world: World, handle: str) -> bool:
        return (await world.page(path, world.browser, interaction=handle)).status in (200, 303)

    return Door(path, knock)


async def _browser_cookie(world: World, handle: str) -> bool:
    page = await world.browser.get(authorize_url(world.issuer, prompt="consent"), follow=False)
    interaction = parse_qs(urlsplit(page.location).query)["interaction"][0]
    other = world.visitor()
    other.jar["keystead-browser-acme"] = sendable(handle)
    return (await world.page("authorize/resume", other, interaction=interaction)).status == 303


def _session_cookie(path: str) -> Door:
    async def knock(world: World, handle: str) -> bool:
        return (await world.page(path, _holding(world, handle))).status == 200

    return Door(path, knock)


async def _session_at_authorize(world: World, handle: str) -> bool:
    page = await _holding(world, handle).get(authorize_url(world.issuer, prompt="none"), follow=False)
    return "code" in page.answer


def _holding(world: World, handle: str) -> Browser:
    visitor = world.visitor()
    visitor.jar["keystead-session-acme"] = sendable(handle)
    return visitor


async def _typed(world: World, handle: str) -> bool:
    visitor = world.visitor()
    page = await visitor.press(await visitor.get("device"), "device-submit", user_code=handle)
    return page.has("device-continue")


async def _drawn(world: World, handle: str) -> bool:
    return (
        await world.issuer.send("device/qr", method="GET", query=f"user_code={quote(handle)}".encode())
    ).status == 200


def _form(path: str, opened: Callable[[Page], bool], **fields: str) -> Door:
    """A form of alice's own browser, with a token that may not be the form's."""

    async def knock(world: World, handle: str) -> bool:
        return opened(await world.browser.post(path, {**fields, "token": handle}, follow=False))

    return Door(path, knock)


async def _waiting(world: World, handle: str) -> bool:
    """Whether the page of waiting requests goes on to one of this name."""
    page = await world.browser.get("ciba")
    token = next((form.fields["token"] for form in page.forms if "token" in form.fields), "")
    page = await world.browser.post("ciba", {"token": token, "request": handle, "answer": "review"}, follow=False)
    return page.status == 303 and "/consent" in page.location


async def _reviewed(world: World, handle: str) -> bool:
    asked = (await world.post("backchannel_authentication", scope="openid", login_hint="alice")).json
    form = {"token": handle, "request": handle_digest(asked["auth_req_id"]), "answer": "review"}
    return "/consent" in (await world.browser.post("ciba", form, follow=False)).location


async def _hint_at_logout(world: World, handle: str) -> bool:
    answer: Answer = await world.issuer.send("logout", method="GET", query=f"id_token_hint={quote(handle)}".encode())
    return answer.status < 400


@asynccontextmanager
async def alice_being(world: World, **state: Any) -> AsyncIterator[None]:
    """Have alice's account in another state for a while, if there is one."""
    if await world.issuer.store.read(get(Account, "acme", "usr_alice", world.issuer.now)) is None:
        yield
        return
    await world.issuer.change(Account, "usr_alice", **state)
    try:
        yield
    finally:
        await world.issuer.change(Account, "usr_alice", **{name: type(value)() for name, value in state.items()})


def _while(door: Door, **state: Any) -> Door:
    """A door that is only there while alice's account is in a certain state."""

    async def knock(world: World, handle: str) -> bool:
        async with alice_being(world, **state):
            return await door.knock(world, handle)

    return Door(door.path, knock)


DUE: dict[str, Any] = {"new_password_due": "password.breached"}
HALFWAY: dict[str, Any] = {"second_factors": ("totp",)}

PAGE_DOORS: dict[str, Door] = {
    "authorize request_uri": Door("authorize", lambda world, handle: _stays_here(world, request_uri=handle)),
    "authorize request": Door("authorize", lambda world, handle: _stays_here(world, request=handle)),
    "authorize id_token_hint": Door("authorize", _authorize_hint),
    "authorize session cookie": Door("authorize", _session_at_authorize),
    "authorize/resume interaction": _resumed("authorize/resume"),
    "sign-in interaction": _resumed("sign-in"),
    "consent interaction": _resumed("consent"),
    "sign-up interaction": _resumed("sign-up"),
    "new-password interaction": _while(_resumed("new-password"), **DUE),
    "new-password token": _while(_form("new-password", lambda page: page.has("password-submit")), **DUE),
    "second-factor interaction": _while(_resumed("second-factor"), **HALFWAY),
    "second-factor token": _while(_form("second-factor", lambda page: page.has("otp-submit"), otp="x"), **HALFWAY),
    "browser cookie": Door("authorize/resume", _browser_cookie),
    "logout id_token_hint": Door("logout", _hint_at_logout),
    "logout token": _form("logout", lambda page: page.status == 303 or "signed out" in page.text, answer="yes"),
    "device user_code": Door("device", _typed),
    "device token": _form("device", lambda page: page.status == 200 and bool(page.forms), user_code=""),
    "device/qr user_code": Door("device/qr", _drawn),
    "ciba token": Door("ciba", _reviewed),
    "ciba request": Door("ciba", _waiting),
    "ciba cookie": _session_cookie("ciba"),
    "account/applications cookie": _session_cookie("account/applications"),
    "account/sessions cookie": _session_cookie("account/sessions"),
    "account/password cookie": _session_cookie("account/password"),
    "account/factors cookie": _session_cookie("account/factors"),
    "account/password token": _form("account/password", lambda page: page.has("password-submit"), current="x"),
    "account/factors token": _form("account/factors", lambda page: page.has("factor-begin"), answer="begin"),
    "signed-in cookie": _session_cookie("signed-in"),
    "account/applications token": _form("account/applications", lambda page: page.status == 303, answer="no", id="x"),
    "account/sessions token": _form("account/sessions", lambda page: page.status == 303, answer="no", id="x"),
}
