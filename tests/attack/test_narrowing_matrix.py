"""F4, T5: what was taken from a client, a person or an API since is in no token that is issued afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from keystead.core.records.account import Account
from keystead.core.records.api import Api, ExchangePolicy
from keystead.core.records.client import Client
from keystead.core.records.detail_type import DetailType
from keystead.core.records.realm import Realm
from keystead.core.records.trusted_issuer import TrustedIssuer
from tests.attack.matrix.handles import KINDS
from tests.attack.matrix.switches import SWITCHES
from tests.attack.matrix.world import CIBA, DEVICE, DOMAIN, JWT_BEARER, SCOPES, TOKEN_TYPE, World, open_world
from tests.client_requests import push
from tests.issuer import VERIFIER, Answer, Issuer
from tests.registrar import REDIRECT
from tests.shop import CATALOG, ORDERS, PASSWORD

pytestmark = [pytest.mark.attack("F4"), pytest.mark.attack("T5")]

LOST = "catalog:read"
DETAIL = '[{"type":"payment"}]'


async def _less_scope(world: World) -> None:
    left = " ".join(scope for scope in SCOPES.split() if scope != LOST)
    await world.issuer.change(Client, "shop", scope=left)


async def _reserved(world: World) -> None:
    await world.issuer.change(Api, CATALOG, scope_roles={LOST: ("manager",)})


async def _role_lost(world: World) -> None:
    await world.issuer.change(Account, "usr_alice", roles=())


async def _dropped(world: World) -> None:
    await world.issuer.change(Api, CATALOG, scopes=("catalog:write",))


NARROWINGS: dict[str, Callable[[World], Awaitable[object]]] = {
    "scope taken from the client": _less_scope,
    "API disabled": SWITCHES["API"],
    "scope taken from the API": _dropped,
    "scope reserved for a role": _reserved,
    "role taken from the person": _role_lost,
}


async def _code(world: World, code: str) -> Answer:
    return await world.issuer.redeem(code, client="shop")


async def _challenge(world: World, session: str) -> Answer:
    entered = {"auth_session": session, "username": "alice", "password": PASSWORD}
    answer = await world.post("authorization_challenge", **entered)
    if answer.status != 200:
        return answer
    form = {"code": answer.json["authorization_code"], "code_verifier": "v" * 43}
    return await world.token("authorization_code", **form)


async def _transaction(world: World, token: str) -> Answer:
    form = {"requested_token_type": TOKEN_TYPE + "txn_token", "scope": LOST}
    return await world.exchange(token, "access_token", DOMAIN, **form)


Way = tuple[str, Callable[[World, str], Awaitable[Answer]]]
WAYS: dict[str, Way] = {
    "code": ("authorization code", _code),
    "refresh": ("refresh token", lambda world, one: world.token("refresh_token", refresh_token=one)),
    "device": ("device_code", lambda world, one: world.token(DEVICE, device_code=one)),
    "backchannel": ("auth_req_id", lambda world, one: world.token(CIBA, auth_req_id=one)),
    "assertion": ("trusted assertion", lambda world, one: world.token(JWT_BEARER, assertion=one)),
    "exchange": ("opaque access token", lambda world, one: world.exchange(one, "access_token")),
    "exchange of a foreign token": ("trusted assertion", lambda world, one: world.exchange(one, "jwt")),
    "challenge": ("auth_session", _challenge),
    "transaction": ("opaque access token", _transaction),
}


CARRIED = {"exchange", "exchange of a foreign token", "transaction"}
"""Here a client hands on what a token carries: the policy of the API, or of the trust domain, says how far."""


@pytest.mark.parametrize("narrowing", ["", *NARROWINGS])
async def test_what_was_taken_away_is_in_nothing_issued_since(issuer: Issuer, narrowing: str) -> None:
    world = await open_world(issuer)
    if narrowing == "role taken from the person":
        await issuer.change(Api, CATALOG, scope_roles={LOST: ("c",)})
    ready = {name: await KINDS[kind].make(world) for name, (kind, _) in WAYS.items()}
    if narrowing:
        await NARROWINGS[narrowing](world)
    given = {name: (await redeem(world, ready[name])).json for name, (_, redeem) in WAYS.items()}
    still = {name for name, document in given.items() if LOST in document.get("scope", "").split()}
    carried = {"": set(WAYS) - {"challenge"}, "scope taken from the client": CARRIED}
    assert still == carried.get(narrowing, set())
    assert narrowing or given["challenge"]["scope"] == "openid", "what the handle of the matrix asks for"


async def test_a_narrower_trusted_issuer_gives_less(issuer: Issuer) -> None:
    world = await open_world(issuer)
    await issuer.change(TrustedIssuer, "ci", scope="openid")
    for way in ("assertion", "exchange of a foreign token"):
        kind, redeem = WAYS[way]
        answer = await redeem(world, await KINDS[kind].make(world))
        assert LOST not in answer.json.get("scope", ""), way


@pytest.mark.parametrize("closed", ["", "realm", "client"])
async def test_a_type_of_details_that_was_closed_is_in_nothing_issued_since(issuer: Issuer, closed: str) -> None:
    world = await open_world(issuer)
    await issuer.change(Realm, "acme", authorization_details_types={"payment": DetailType(remember=True)})
    asked = {"authorization_details": DETAIL}
    tokens, code = await world.tokens(**asked), await world.code(**asked)
    assert tokens["authorization_details"] == [{"type": "payment"}]
    if closed == "realm":
        await issuer.change(Realm, "acme", authorization_details_types={})
    elif closed:
        await issuer.change(Client, "shop", authorization_details_types=())
    form = {"code_verifier": VERIFIER, "redirect_uri": REDIRECT}
    answers = {
        "code": await world.token("authorization_code", code=code, **form),
        "refresh": await world.token("refresh_token", refresh_token=tokens["refresh_token"]),
        "exchange": await world.exchange(tokens["access_token"], "access_token"),
        "push": await push(issuer, scope="openid", **asked),
    }
    still = {name for name, answer in answers.items() if "authorization_details" in answer.json}
    carried = {"": {"code", "refresh", "exchange"}, "client": {"exchange"}}
    assert still == carried.get(closed, set())
    assert answers["push"].error == ("invalid_authorization_details" if closed else "")


async def test_an_api_that_no_longer_admits_the_client_is_closed_to_it(issuer: Issuer) -> None:
    world = await open_world(issuer)
    token = (await world.tokens())["access_token"]
    assert (await world.exchange(token, "access_token", ORDERS)).status == 200
    await issuer.change(Api, ORDERS, exchange=ExchangePolicy(sources=("gateway",)))
    assert (await world.exchange(token, "access_token", ORDERS)).error == "invalid_target"
