"""Every thing that can be switched off, taken away or ended, and how it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from keystead.core.records.account import Account
from keystead.core.records.api import Api
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.record import Record
from keystead.core.records.registration import InitialAccessToken, RegistrationRules
from keystead.core.records.session import Session
from keystead.core.records.transaction_rules import TransactionRules
from keystead.core.records.trusted_issuer import PartnerServer, TrustedIssuer
from keystead.core.records.workload import Workload
from keystead.core.values import handle_digest
from keystead.identity.consent import withdraw_consent
from keystead.oauth.catalogue import grants
from keystead.storage.ports import find, remove
from tests.attack.matrix.world import CHAT, World
from tests.registrar import INITIAL
from tests.shop import CATALOG

Switch = Callable[[World], Awaitable[object]]


def _off(kind: type[Record], id: str, **changes: Any) -> Switch:
    async def switch(world: World) -> None:
        await world.issuer.change(kind, id, **(changes or {"enabled": False}))

    return switch


async def _end_session(world: World) -> None:
    issuer, cx = world.issuer, world.issuer.cx
    for session in await issuer.store.read(find(Session, "acme", issuer.now, index="subject", value="usr_alice")):
        await issuer.store.write(partial(cx.end_session, "acme", session.id, "test", issuer.now))


async def _withdraw_consent(world: World) -> None:
    now = world.issuer.now
    await world.issuer.store.write(lambda: withdraw_consent("acme", "usr_alice", "shop", now))


async def _remove_initial_token(world: World) -> None:
    await world.issuer.store.write(lambda: remove(InitialAccessToken, "acme", handle_digest(INITIAL)))


async def _disable_registered(world: World) -> None:
    for client_id in world.registered.values():
        await world.issuer.change(Client, client_id, enabled=False)


def _without_grant(grant_type: str) -> Switch:
    return _off(Client, "shop", grant_types=tuple(one for one in grants() if one != grant_type))


def _gone(kind: type[Record], id: str) -> Switch:
    async def switch(world: World) -> None:
        await world.issuer.store.write(partial(remove, kind, "acme", id))

    return switch


REMOVED = " removed"
"""What ends the name of a thing that is not only switched off but gone: the same uses rest on it."""

SWITCHES: dict[str, Switch] = {
    "realm": _off(Realm, "acme"),
    "client": _off(Client, "shop"),
    "account": _off(Account, "usr_alice"),
    "API": _off(Api, CATALOG),
    "workload": _off(Workload, "gateway"),
    "actor": _off(Client, "catalog"),
    "trusted issuer": _off(TrustedIssuer, "ci"),
    "partner server": _off(PartnerServer, CHAT),
    f"client{REMOVED}": _gone(Client, "shop"),
    f"account{REMOVED}": _gone(Account, "usr_alice"),
    f"API{REMOVED}": _gone(Api, CATALOG),
    f"workload{REMOVED}": _gone(Workload, "gateway"),
    f"actor{REMOVED}": _gone(Client, "catalog"),
    f"trusted issuer{REMOVED}": _gone(TrustedIssuer, "ci"),
    f"partner server{REMOVED}": _gone(PartnerServer, CHAT),
    "session": _end_session,
    "consent": _withdraw_consent,
    **{f"grant {name}": _without_grant(name) for name in grants()},
    "redirect URI": _off(Client, "shop", redirect_uris=("https://app.test/new",)),
    "first party": _off(Client, "shop", first_party=False),
    "profile": _off(Client, "shop", profile="fapi2_security"),
    "registration": _off(Realm, "acme", registration=RegistrationRules()),
    "initial access token": _remove_initial_token,
    "registered client": _disable_registered,
    "trust domain": _off(Realm, "acme", transaction_tokens=TransactionRules()),
    "test door": _off(Realm, "acme", danger_backchannel_test_decisions=False),
    "sign-up": _off(Realm, "acme", sign_up="closed"),
    "attester": _off(Realm, "acme", client_attesters=()),
}
