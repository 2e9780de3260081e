"""Sign-ins under way: carried by the browser, sealed as `state`, tied to one browser, spent once, ten minutes long.

Why carried: anybody can begin a sign-in, so beginning one must not cost us anything that stays. What is kept is that
one was spent, and that needs an answer of the issuer first.
Why one cookie for all tabs: a cookie per sign-in fills the header until nothing works, and one cookie for one sign-in
lets the second tab break the first. So the cookie names the browser, and every `state` says for which browser it is.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import msgspec

from keystead.core.values import EpochSeconds, handle_digest, new_handle
from keystead.gateway.bff.call import BffContext
from keystead.storage.ports import Write, claim

LIFETIME: Final = 600
LONGEST_STATE: Final = 4_096
_KIND: Final = "gateway_login"


class LoginSecrets(msgspec.Struct, frozen=True):
    """What only the gateway may know of a sign-in under way."""

    nonce: str
    code_verifier: str

    def __repr__(self) -> str:
        return "LoginSecrets(<hidden>)"


class SignIn(msgspec.Struct, frozen=True):
    """A sign-in under way, as it is sealed. `browser` is the digest of the browser's sign-in cookie; `replaces` the
    session the browser had when it began, to be ended."""

    browser: str
    secrets: LoginSecrets
    return_to: str
    replaces: str
    expires_at: int


class Begun(msgspec.Struct, frozen=True):
    """A sign-in that has begun."""

    state: str
    secrets: LoginSecrets


class Spent(msgspec.Struct, frozen=True):
    """A sign-in that came back to the browser it began in."""

    return_to: str
    replaces: str
    secrets: LoginSecrets


_decoder: Final = msgspec.json.Decoder(SignIn)


def begin_login(cx: BffContext, *, browser: str, return_to: str, replaces: str) -> Begun:
    """Return a sign-in that begins now. Nothing is stored."""
    secrets = LoginSecrets(new_handle(), new_handle())
    begun = SignIn(handle_digest(browser), secrets, return_to, replaces, cx.table.now() + LIFETIME)
    sealed = cx.sealer.seal(cx.table.realm, _KIND, "", msgspec.json.encode(begun))
    return Begun(urlsafe_b64encode(sealed).rstrip(b"=").decode(), secrets)


async def spend_login(cx: BffContext, *, state: str, browser: str | None) -> Spent | str:
    """Spend a sign-in, if it began in this browser. Otherwise return why not, and leave it as it is."""
    if browser is None:
        return "callback.no_cookie"
    table, now = cx.table, cx.table.now()
    begun = _open(cx, state)
    if begun is None or begun.expires_at <= now:
        return "callback.state_unknown"
    if not hmac.compare_digest(begun.browser, handle_digest(browser)):
        return "callback.other_browser"

    def spend() -> Write[bool]:
        return (yield from claim(table.realm, _KIND, handle_digest(state), EpochSeconds(begun.expires_at), now))

    if not await table.store.write(spend):
        return "callback.state_spent"
    return Spent(begun.return_to, begun.replaces, begun.secrets)


def _open(cx: BffContext, state: str) -> SignIn | None:
    """Return what we sealed, from the one spelling that we gave it."""
    if len(state) > LONGEST_STATE or not state.isascii():
        return None
    try:
        sealed = urlsafe_b64decode(state + "=" * (-len(state) % 4))
    except ValueError:
        return None
    if urlsafe_b64encode(sealed).rstrip(b"=").decode() != state:
        return None
    opened = cx.sealer.open(cx.table.realm, _KIND, "", sealed)
    return _decoder.decode(opened) if opened is not None else None
