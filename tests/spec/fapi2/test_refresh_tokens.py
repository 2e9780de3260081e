"""Refresh tokens under FAPI 2.0: bound, not rotated."""

from __future__ import annotations

import pytest

from keystead.core.records.client import Client
from tests.dpop import Sender, dpop
from tests.issuer import VERIFIER, Answer
from tests.market import Market

pytestmark = pytest.mark.spec("FAPI 2.0 Security Profile section 5.3.2.1")
SCOPES = ("openid", "profile", "offline_access")


async def send(market: Market, grant_type: str, client: str = "web", **form: str) -> Answer:
    """Ask the token endpoint with a proof of possession."""
    proof = dpop(Sender().proof("POST", f"{market.issuer.url}/token", market.issuer.now))
    return await market.issuer.token(grant_type, client=client, headers=[proof], **form)


async def refresh_token(market: Market) -> str:
    """Hold the client to FAPI 2.0, and sign in to it."""
    await market.issuer.change(Client, "web", profile="fapi2_security")
    form = {"code": await market.code(scopes=SCOPES), "redirect_uri": "https://app.test/cb", "code_verifier": VERIFIER}
    answer = await send(market, "authorization_code", **form)
    assert answer.status == 200, answer.body
    token: str = answer.json["refresh_token"]
    return token


async def test_a_refresh_token_stands_however_often_it_is_used(market: Market) -> None:
    token = await refresh_token(market)
    for _ in range(3):
        answer = await send(market, "refresh_token", refresh_token=token)
        assert answer.status == 200, answer.body
        assert "refresh_token" not in answer.json
        market.issuer.later(60)


async def test_it_outlives_the_idle_lifetime_but_not_the_grant(market: Market) -> None:
    token = await refresh_token(market)
    market.issuer.later(20 * 86_400)
    assert (await send(market, "refresh_token", refresh_token=token)).status == 200
    market.issuer.later(11 * 86_400)
    assert (await send(market, "refresh_token", refresh_token=token)).error == "invalid_grant"


@pytest.mark.attack("F3")
async def test_it_serves_no_other_client(market: Market) -> None:
    token = await refresh_token(market)
    assert (await send(market, "refresh_token", client="other", refresh_token=token)).error == "invalid_grant"
    assert (await send(market, "refresh_token", refresh_token=token)).status == 200, "a stranger ends nothing"


@pytest.mark.attack("F5")
async def test_revoked_it_is_dead(market: Market) -> None:
    token = await refresh_token(market)
    assert (await market.revoke(token)).status == 200
    assert (await send(market, "refresh_token", refresh_token=token)).error == "invalid_grant"
