"""Token exchange as a way to more rights: there must be none (G1)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.records.api import Api, ExchangePolicy
from keystead.core.sealing import AesGcmSealer
from keystead.core.tokens import AccessClaims
from keystead.core.values import EpochSeconds
from keystead.oauth.opaque import seal_access_token
from tests.issuer import SECRET, VERIFIER
from tests.market import ACCESS_TOKEN, CATALOG, CLOSED, EXCHANGE, INVENTORY, ORDERS, SCOPES, Market
from tests.market import subject as exchanged


@pytest.mark.attack("G1")
async def test_who_neither_got_nor_serves_the_token_cannot_use_it(market: Market) -> None:
    subject = (await market.tokens())["access_token"]
    at_orders = (await market.exchange(subject, ORDERS)).json["access_token"]
    for thief in ("other", "batch"):
        assert (await market.exchange(subject, CATALOG, thief)).error == "invalid_grant"
    for thief in ("catalog", "inventory", "batch", "other"):
        assert (await market.exchange(at_orders, INVENTORY, thief)).error == "invalid_grant"
    assert market.issuer.journal.reason == "token_exchange.not_the_holder"


@pytest.mark.spec("RFC 8693 section 5")
@pytest.mark.attack("G1")
@pytest.mark.attack("A4")
async def test_who_proves_nothing_acts_for_nobody(market: Market) -> None:
    """A client without credentials, named by a policy (its secret forgotten perhaps): anybody could act in its name."""
    await market.issuer.change(Api, CATALOG, exchange=ExchangePolicy(sources=("spa",)))
    code = await market.code("spa")
    redeemed = {"client_id": "spa", "code": code, "redirect_uri": "https://app.test/cb", "code_verifier": VERIFIER}
    answer = await market.issuer.post("token", {"grant_type": "authorization_code", **redeemed})
    stolen = answer.json["access_token"]
    form = {"grant_type": EXCHANGE, "client_id": "spa", **exchanged(stolen, CATALOG)}
    answer = await market.issuer.post("token", form)
    assert answer.error == "unauthorized_client", answer.body
    assert market.issuer.journal.reason == "token_exchange.public_client"


@pytest.mark.spec("RFC 8693 section 4.4")
@pytest.mark.attack("G1")
async def test_a_token_that_names_its_next_actor_is_for_that_one(market: Market) -> None:
    subject = (await market.tokens())["access_token"]
    at_orders = (await market.exchange(subject, ORDERS)).json["access_token"]
    assert (await market.exchange(at_orders, CATALOG)).error == "invalid_grant"
    assert market.issuer.journal.reason == "token_exchange.may_not_act"


@pytest.mark.attack("G1")
@pytest.mark.attack("J10")
async def test_nothing_but_an_access_token_is_a_subject_token(market: Market) -> None:
    tokens = await market.tokens()
    code = await market.code()
    for subject in (tokens["id_token"], tokens["refresh_token"], code, "", " ", "x"):
        answer = await market.exchange(subject, CATALOG)
        assert answer.error in ("invalid_grant", "invalid_request"), subject
    assert (await market.issuer.redeem(code)).status == 200


@pytest.mark.attack("G1")
@pytest.mark.attack("R3")
async def test_a_repeated_or_missing_subject_token_is_refused(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    form: dict[str, Any] = {"grant_type": EXCHANGE, "subject_token_type": ACCESS_TOKEN, "audience": CATALOG}
    for subject in ([token, token], [token, ""], []):
        answer = await market.issuer.post("token", form | {"subject_token": subject}, basic=("web", SECRET))
        assert answer.error == "invalid_request"


@pytest.mark.attack("G1")
async def test_an_expired_or_revoked_subject_token_is_refused(market: Market) -> None:
    first, second = (await market.tokens())["access_token"], (await market.tokens())["access_token"]
    await market.revoke(first)
    assert (await market.exchange(first, CATALOG)).error == "invalid_grant"
    market.issuer.later(300)
    assert (await market.exchange(second, CATALOG)).error == "invalid_grant"


@pytest.mark.attack("G1")
@pytest.mark.attack("J1")
async def test_a_forged_chain_is_not_believed(market: Market) -> None:
    """Claims we never signed, in every dress: unsigned, another key, a JWT where a sealed token belongs."""
    claims = AccessClaims(
        iss=market.issuer.url,
        sub=market.account.id,
        aud=ORDERS,
        client_id="orders",
        exp=EpochSeconds(market.issuer.now + 60),
        iat=market.issuer.now,
        jti="forged",
        scope="orders:read inventory:reserve",
    )
    published = (await market.issuer.cx.keys.published("acme", market.issuer.now))[0]
    forged = (
        jws.sign(claims, generate("ES256"), "at+jwt"),
        jws.sign(claims, generate("ES256", published.kid), "at+jwt"),
        jws.sign(claims, generate("ES256"), "at+jwt").rpartition(".")[0] + ".",
        seal_access_token(AesGcmSealer(bytes(range(1, 33))), "acme", claims),
        seal_access_token(market.issuer.cx.sealer, "other", claims),
    )
    for token in forged:
        assert (await market.exchange(token, INVENTORY, "orders")).error == "invalid_grant"
        assert not await market.active(token, "orders")


@pytest.mark.attack("G1")
async def test_another_realms_token_is_no_subject(market: Market) -> None:
    claims = AccessClaims(
        iss="http://issuer.test:8080/realms/other",
        sub=market.account.id,
        aud=ORDERS,
        client_id="web",
        exp=EpochSeconds(market.issuer.now + 60),
        iat=market.issuer.now,
        jti="x",
        scope="orders:read",
    )
    ours_by_mistake = seal_access_token(market.issuer.cx.sealer, "acme", claims)
    assert (await market.exchange(ours_by_mistake, ORDERS)).error == "invalid_grant"


@pytest.mark.attack("G1")
async def test_no_sequence_of_exchanges_gains_anything(market: Market) -> None:
    """From every starting scope, by every client, to every API, three hops deep: rights only ever shrink."""
    policy = ExchangePolicy(sources=("web", "orders", "catalog", "inventory"))
    for api in (CATALOG, ORDERS, INVENTORY):
        await market.issuer.change(Api, api, exchange=policy)
    clients, targets = ("web", "orders", "catalog", "inventory"), (CATALOG, ORDERS, INVENTORY, CLOSED)
    for scopes in (("openid", "catalog:read"), ("orders:read",), SCOPES):
        start = (await market.tokens(scopes=scopes))["access_token"]
        level = [(start, set(scopes), 0)]
        while level:
            token, held, depth = level.pop()
            for client, target in itertools.product(clients, targets):
                answer = await market.exchange(token, target, client)
                if answer.status != 200:
                    continue
                claims = await market.claims(answer.json["access_token"])
                gained = set(claims["scope"].split())
                assert gained <= held - {"openid", "profile", "email"}
                assert claims["aud"] == target
                assert claims["sub"] == market.account.id
                assert len(_chain(claims)) == depth + 1
                if depth < 2:
                    level.append((answer.json["access_token"], gained, depth + 1))


def _chain(claims: dict[str, Any]) -> list[str]:
    chain, actor = [], claims.get("act")
    while actor:
        chain.append(actor["sub"])
        actor = actor.get("act")
    return chain


@pytest.mark.attack("G1")
async def test_an_api_without_a_policy_admits_nobody(market: Market) -> None:
    await market.issuer.change(Api, CATALOG, exchange=ExchangePolicy())
    subject = (await market.tokens())["access_token"]
    assert (await market.exchange(subject, CATALOG)).error == "invalid_target"


@pytest.mark.attack("G1")
async def test_an_unknown_and_a_closed_target_look_the_same(market: Market) -> None:
    subject = (await market.tokens())["access_token"]
    answers = [await market.exchange(subject, target) for target in (CLOSED, "https://nowhere.test", INVENTORY)]
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.attack("G1")
async def test_without_a_scope_of_the_target_there_is_no_token_for_it(market: Market) -> None:
    subject = (await market.tokens(scopes=("openid", "catalog:read")))["access_token"]
    assert (await market.exchange(subject, ORDERS)).error == "invalid_scope"


@pytest.mark.attack("G1")
async def test_the_policy_bounds_what_goes_along(market: Market) -> None:
    subject = (await market.tokens())["access_token"]
    answer = await market.exchange(subject, ORDERS)
    assert "orders:write" not in answer.json["scope"]
    assert (await market.exchange(subject, ORDERS, scope="orders:write")).error == "invalid_scope"
