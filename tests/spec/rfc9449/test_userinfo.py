"""DPoP at a protected resource of the issuer: the userinfo endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.records.client import Client
from tests.dpop import Sender, dpop
from tests.issuer import VERIFIER, Answer
from tests.market import Market

CODE = {"redirect_uri": "https://app.test/cb", "code_verifier": VERIFIER}


async def bound_token(market: Market, sender: Sender) -> str:
    """Return an access token bound to a key."""
    header = dpop(sender.proof("POST", f"{market.issuer.url}/token", market.issuer.now))
    answer = await market.issuer.token("authorization_code", code=await market.code(), headers=[header], **CODE)
    token: str = answer.json["access_token"]
    return token


async def ask(market: Market, token: str, *proofs: str, scheme: str = "DPoP") -> Answer:
    """Ask for userinfo."""
    headers = [(b"authorization", f"{scheme} {token}".encode()), *(dpop(proof) for proof in proofs)]
    return await market.issuer.send("userinfo", method="GET", headers=headers)


def proof(market: Market, sender: Sender, token: str, **changes: Any) -> str:
    """Return a proof for userinfo."""
    return sender.proof("GET", f"{market.issuer.url}/userinfo", market.issuer.now, token=token, **changes)


@pytest.mark.spec("RFC 9449 section 7.1")
@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
async def test_a_bound_token_with_its_proof_is_good(market: Market, scheme: str) -> None:
    sender = Sender()
    token = await bound_token(market, sender)
    for _ in range(2):
        answer = await ask(market, token, proof(market, sender, token), scheme=scheme)
        assert answer.json["sub"] == market.account.id


@pytest.mark.spec("RFC 9449 section 7.2")
@pytest.mark.attack("A3")
async def test_a_bound_token_is_no_bearer_token(market: Market) -> None:
    sender = Sender()
    token = await bound_token(market, sender)
    for answer in (
        await ask(market, token, scheme="Bearer"),
        await ask(market, token, proof(market, sender, token), scheme="Bearer"),
        await market.issuer.post("userinfo", {"access_token": token}),
    ):
        assert (answer.status, answer.error) == (401, "invalid_token")
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith('Bearer realm="keystead", error="invalid_token"')
        assert challenge.endswith('DPoP algs="ES256 Ed25519 EdDSA PS256"')
        assert market.issuer.journal.reason == "dpop.as_bearer"


@pytest.mark.spec("RFC 9449 section 7.1")
@pytest.mark.attack("A3")
async def test_what_is_wrong_with_a_proof_is_a_dpop_challenge(market: Market) -> None:
    sender, other = Sender(), Sender()
    token = await bound_token(market, sender)
    url, now = f"{market.issuer.url}/userinfo", market.issuer.now
    used = proof(market, sender, token)
    assert (await ask(market, token, used)).status == 200
    for proofs in (
        (),
        (used,),
        (proof(market, sender, token), proof(market, sender, token)),
        (sender.proof("GET", url, now),),
        (sender.proof("GET", url, now, token="another token"),),
        (sender.proof("POST", url, now, token=token),),
        (sender.proof("GET", f"{market.issuer.url}/token", now, token=token),),
        (sender.proof("GET", url, now - 3600, token=token),),
        ("no proof",),
    ):
        answer = await ask(market, token, *proofs)
        assert (answer.status, answer.error) == (401, "invalid_dpop_proof"), proofs
        assert answer.headers["www-authenticate"].startswith('DPoP realm="keystead", error="invalid_dpop_proof"')
        assert 'algs="ES256 Ed25519 EdDSA PS256"' in answer.headers["www-authenticate"]
    stolen = await ask(market, token, proof(market, other, token))
    assert (stolen.status, stolen.error) == (401, "invalid_token")
    assert market.issuer.journal.reason == "dpop.other_key"


@pytest.mark.spec("RFC 9449 section 7.1")
async def test_a_bearer_token_does_not_travel_as_dpop(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    answer = await ask(market, token, proof(market, Sender(), token))
    assert (answer.status, answer.error) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert (await ask(market, token, scheme="Bearer")).status == 200


@pytest.mark.spec("RFC 9449 section 9")
async def test_a_resource_hands_out_nonces_too(market: Market) -> None:
    sender = Sender()
    token = await bound_token(market, sender)
    await market.issuer.change(Client, "web", require_dpop_nonce=True)
    refused = await ask(market, token, proof(market, sender, token))
    assert (refused.status, refused.error) == (401, "use_dpop_nonce")
    assert refused.headers["www-authenticate"].startswith('DPoP realm="keystead", error="use_dpop_nonce"')
    nonce = refused.headers["dpop-nonce"]
    good = await ask(market, token, proof(market, sender, token, claims={"nonce": nonce}))
    assert good.status == 200
    market.issuer.later(61)
    aged = await ask(market, token, proof(market, sender, token, claims={"nonce": nonce}))
    assert (aged.status, aged.headers["dpop-nonce"] != nonce) == (200, True)


@pytest.mark.spec("RFC 6750 section 3")
async def test_who_shows_nothing_learns_both_ways(market: Market) -> None:
    answer = await market.issuer.send("userinfo", method="GET")
    assert answer.headers["www-authenticate"] == 'Bearer realm="keystead", DPoP algs="ES256 Ed25519 EdDSA PS256"'
