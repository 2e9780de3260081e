"""Sign-ins under way: stored by the digest of their state, tied to one browser, spent once, ten minutes long.

Why one cookie for all tabs: a cookie per sign-in fills the header until nothing works, and one cookie for one sign-in
lets the second tab break the first. So the cookie names the browser, and the store holds its sign-ins, a few at most.
"""

from __future__ import annotations

import hmac
from typing import Final

import msgspec

from keystead.core.values import EpochSeconds, handle_digest, new_handle
from keystead.gateway.bff.call import BffContext
from keystead.gateway.sessions.records import LoginSecrets, LoginTransaction
from keystead.storage.ports import Write, find, get, put, remove

PER_BROWSER: Final = 8
LIFETIME: Final = 600


class Begun(msgspec.Struct, frozen=True):
    """A sign-in that has begun."""

    state: str
    secrets: LoginSecrets


class Spent(msgspec.Struct, frozen=True):
    """A sign-in that came back to the browser it began in. `last`: no other one waits in that browser."""

    return_to: str
    replaces: str
    secrets: LoginSecrets
    last: bool


async def begin_login(cx: BffContext, *, browser: str, return_to: str, replaces: str) -> Begun:
    """Remember a sign-in; beyond a few per browser the oldest is forgotten."""
    table, now, state = cx.table, cx.table.now(), new_handle()
    secrets = LoginSecrets(new_handle(), new_handle())
    id = handle_digest(state)
    transaction = LoginTransaction(
        realm=table.realm,
        id=id,
        browser=handle_digest(browser),
        sealed=cx.sealer.seal(table.realm, LoginTransaction.kind, id, msgspec.json.encode(secrets)),
        return_to=return_to,
        replaces=replaces,
        expires_at=EpochSeconds(now + LIFETIME),
    )

    def remember() -> Write[None]:
        others = yield from find(LoginTransaction, table.realm, now, index="browser", value=transaction.browser)
        others.sort(key=lambda other: other.number)
        for oldest in others[: max(0, len(others) + 1 - PER_BROWSER)]:
            yield from remove(LoginTransaction, table.realm, oldest.id)
        number = others[-1].number + 1 if others else 0
        yield from put(msgspec.structs.replace(transaction, number=number), now)

    await table.store.write(remember)
    return Begun(state, secrets)


async def spend_login(cx: BffContext, *, state: str, browser: str | None) -> Spent | str:
    """Spend a sign-in, if it began in this browser. Otherwise return why not, and leave it as it is."""
    if browser is None:
        return "callback.no_cookie"
    table, now, id = cx.table, cx.table.now(), handle_digest(state)

    def spend() -> Write[tuple[LoginTransaction, bool] | str]:
        found = yield from get(LoginTransaction, table.realm, id, now)
        if found is None:
            return "callback.state_unknown"
        if not hmac.compare_digest(found.browser, handle_digest(browser)):
            return "callback.other_browser"
        yield from remove(LoginTransaction, table.realm, id)
        others = yield from find(LoginTransaction, table.realm, now, index="browser", value=found.browser, limit=1)
        return found, not others

    outcome = await table.store.write(spend)
    if isinstance(outcome, str):
        return outcome
    found, last = outcome
    opened = cx.sealer.open(table.realm, LoginTransaction.kind, id, found.sealed)
    if opened is None:
        return "callback.unreadable"
    return Spent(found.return_to, found.replaces, msgspec.json.decode(opened, type=LoginSecrets), last)
