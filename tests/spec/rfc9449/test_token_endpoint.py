"""DPoP at the token endpoint: bound access tokens, bound codes, bound refresh tokens of public clients."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from tests.dpop import Sender, dpop
from tests.issuer import VERIFIER, Answer
from tests.market import CATALOG, Market

CODE = {"redirect_uri": "https://app.test/cb", "code_verifier": VERIFIER}


def proof(market: Market, sender: Sender, **changes: Any) -> tuple[bytes, bytes]:
    """Return the DPoP header for the token endpoint."""
    return dpop(sender.proof("POST", f"{market.issuer.url}/token", market.issuer.now, **changes))


async def redeem(market: Market, sender: Sender | None, client: str = "web", **code: Any) -> Answer:
    """Redeem a fresh code with a proof."""
    headers = [proof(market, sender)] if sender else []
    form = {"code": await market.code(client, **code), **CODE}
    if client == "spa":
        form |= {"grant_type": "authorization_code", "client_id": "spa"}
        return await market.issuer.post("token", form, headers=headers)
    return await market.issuer.token("authorization_code", client=client, headers=headers, **form)


async def refresh(market: Market, token: str, sender: Sender | None, client: str = "web") -> Answer:
    """Refresh with a proof."""
    headers = [proof(market, sender)] if sender else []
    if client == "spa":
        form = {"grant_type": "refresh_token", "client_id": "spa", "refresh_token": token}
        return await market.issuer.post("token", form, headers=headers)
    return await market.issuer.token("refresh_token", client=client, refresh_token=token, headers=headers)


@pytest.mark.spec("RFC 9449 section 5")
@pytest.mark.spec("RFC 9449 section 6.1")
@pytest.mark.spec("RFC 9449 section 6.2")
async def test_the_tokens_are_bound_to_the_key_of_the_proof(market: Market) -> None:
    sender = Sender()
    answer = await redeem(market, sender)
    assert (answer.status, answer.json["token_type"]) == (200, "DPoP")
    told = await market.introspect(answer.json["access_token"])
    assert told.json["cnf"] == {"jkt": sender.thumbprint}
    assert told.json["token_type"] == "DPoP"
    jwt = await redeem(market, sender, client="jwtweb", scopes=("catalog:read",))
    assert (await market.claims(jwt.json["access_token"]))["cnf"] == {"jkt": sender.thumbprint}


@pytest.mark.spec("RFC 9449 section 5")
async def test_without_a_proof_the_token_is_a_bearers(market: Market) -> None:
    answer = await redeem(market, None)
    assert answer.json["token_type"] == "Bearer"
    assert "cnf" not in (await market.introspect(answer.json["access_token"])).json


@pytest.mark.spec("RFC 9449 section 11.1")
@pytest.mark.attack("A3")
async def test_a_proof_is_good_once(market: Market) -> None:
    header = proof(market, Sender())
    first, second = [
        await market.issuer.token("authorization_code", headers=[header], code=await market.code(), **CODE)
        for _ in "12"
    ]
    assert first.status == 200
    assert (second.status, second.error) == (400, "invalid_dpop_proof")
    assert market.issuer.journal.reason == "dpop.replayed"


@pytest.mark.spec("RFC 9449 section 4.3")
@pytest.mark.attack("A3")
async def test_two_proofs_or_one_for_another_endpoint_are_refused(market: Market) -> None:
    sender, issuer = Sender(), market.issuer
    elsewhere = dpop(sender.proof("POST", f"{issuer.url}/userinfo", issuer.now))
    for headers in ([proof(market, sender), proof(market, sender)], [elsewhere], [dpop("")], [dpop("a.b.c")]):
        answer = await issuer.token("authorization_code", code=await market.code(), headers=headers, **CODE)
        assert (answer.status, answer.error) == (400, "invalid_dpop_proof")
        assert "www-authenticate" not in answer.headers


@pytest.mark.spec("RFC 9449 section 5.2")
async def test_a_client_that_registered_for_bound_tokens_gets_no_other(market: Market) -> None:
    await market.issuer.change(Client, "web", dpop_bound_access_tokens=True)
    refused = await redeem(market, None)
    assert (refused.status, refused.error) == (400, "invalid_dpop_proof")
    assert (await redeem(market, Sender())).json["token_type"] == "DPoP"


@pytest.mark.spec("RFC 9449 section 10")
@pytest.mark.attack("C2")
@pytest.mark.parametrize("thief", [True, False])
async def test_a_bound_code_is_burnt_by_another_key(market: Market, thief: bool) -> None:
    sender = Sender()
    code = await market.code(binding=f"jkt:{sender.thumbprint}")
    headers = [proof(market, Sender())] if thief else []
    stolen = await market.issuer.token("authorization_code", code=code, headers=headers, **CODE)
    assert (stolen.status, stolen.error) == (400, "invalid_grant")
    assert market.issuer.journal.reason == "authorization_code.wrong_key"
    late = await market.issuer.token("authorization_code", code=code, headers=[proof(market, sender)], **CODE)
    assert late.error == "invalid_grant"


@pytest.mark.spec("RFC 9449 section 10")
async def test_a_bound_code_is_redeemed_by_its_key(market: Market) -> None:
    sender = Sender()
    answer = await redeem(market, sender, binding=f"jkt:{sender.thumbprint}")
    assert answer.json["token_type"] == "DPoP"


@pytest.mark.spec("RFC 9449 section 5")
@pytest.mark.attack("F3")
async def test_a_public_clients_refresh_token_wants_its_key(market: Market) -> None:
    sender = Sender()
    first = (await redeem(market, sender, "spa")).json["refresh_token"]
    for thief in (None, Sender()):
        refused = await refresh(market, first, thief, "spa")
        assert (refused.status, refused.error) == (400, "invalid_grant")
        assert market.issuer.journal.reason == "refresh_token.wrong_key"
    second = await refresh(market, first, sender, "spa")
    assert second.json["token_type"] == "DPoP"
    assert (await refresh(market, second.json["refresh_token"], sender, "spa")).status == 200


@pytest.mark.spec("RFC 9449 section 5")
async def test_a_confidential_client_may_change_its_key(market: Market) -> None:
    first = (await redeem(market, Sender())).json["refresh_token"]
    fresh = Sender()
    second = await refresh(market, first, fresh)
    assert second.status == 200
    assert (await market.introspect(second.json["access_token"])).json["cnf"] == {"jkt": fresh.thumbprint}
    assert (await refresh(market, second.json["refresh_token"], None)).json["token_type"] == "Bearer"


@pytest.mark.spec("RFC 9449 section 8")
@pytest.mark.parametrize("where", ["realm", "client"])
async def test_a_nonce_is_demanded_and_handed_out(market: Market, where: str) -> None:
    issuer, sender = market.issuer, Sender()
    await issuer.change(
        Realm if where == "realm" else Client, "acme" if where == "realm" else "web", require_dpop_nonce=True
    )
    refused = await redeem(market, sender)
    assert (refused.status, refused.error) == (400, "use_dpop_nonce")
    nonce = refused.headers["dpop-nonce"]

    async def ask(nonce: str) -> Answer:
        headers = [proof(market, sender, claims={"nonce": nonce})]
        return await issuer.token("authorization_code", code=await market.code(), headers=headers, **CODE)

    good = await ask(nonce)
    assert good.status == 200
    assert "dpop-nonce" not in good.headers
    for wrong in ("x", nonce[:-1] + ("A" if nonce[-1] != "A" else "E"), ""):
        assert (await ask(wrong)).error == "use_dpop_nonce"
    issuer.later(90)
    aged = await ask(nonce)
    assert aged.status == 200
    assert aged.headers["dpop-nonce"] != nonce
    issuer.later(120)
    stale = await ask(nonce)
    assert (stale.status, stale.error) == (400, "use_dpop_nonce")


@pytest.mark.spec("RFC 9449 section 8")
async def test_a_nonce_of_another_realm_is_none(market: Market) -> None:
    issuer = market.issuer
    await issuer.change(Realm, "acme", require_dpop_nonce=True)
    await issuer.keep(Realm(realm="other", id="other", require_dpop_nonce=True))
    await issuer.keep(
        Client(realm="other", id="web", token_endpoint_auth_method="none", grant_types=("refresh_token",))
    )
    url = issuer.url.replace("acme", "other")
    sender = Sender()

    async def ask(**claims: str) -> Answer:
        header = dpop(sender.proof("POST", f"{url}/token", issuer.now, claims=claims))
        form = {"grant_type": "refresh_token", "client_id": "web", "refresh_token": "x"}
        return await issuer.post("token", form, headers=[header], realm="other")

    foreign = (await redeem(market, sender)).headers["dpop-nonce"]
    assert (await ask(nonce=foreign)).error == "use_dpop_nonce"
    own = (await ask()).headers["dpop-nonce"]
    assert (await ask(nonce=own)).error == "invalid_grant"


@pytest.mark.spec("RFC 8693 section 2.2.1")
async def test_an_exchanged_token_is_bound_to_whoever_exchanged_it(market: Market) -> None:
    token = (await redeem(market, Sender())).json["access_token"]
    actor = Sender()
    answer = await market.exchange(token, CATALOG, headers=[proof(market, actor)])
    assert answer.json["token_type"] == "DPoP"
    assert (await market.claims(answer.json["access_token"]))["cnf"] == {"jkt": actor.thumbprint}


@pytest.mark.spec("RFC 9449 section 5.1")
async def test_discovery_names_the_algorithms(market: Market) -> None:
    document = (await market.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["dpop_signing_alg_values_supported"] == ["ES256", "Ed25519", "EdDSA", "PS256"]
