"""Token revocation."""

from __future__ import annotations

import pytest

from keystead.core.errors import StorageUnavailable
from keystead.core.records.revocation import REVOCATION_TOPIC
from keystead.storage.ports import read_outbox
from tests.issuer import SECRET
from tests.market import Market


@pytest.mark.spec("RFC 7009 section 2.1")
async def test_a_revoked_access_token_is_dead_and_the_grant_lives(market: Market) -> None:
    tokens = await market.tokens()
    answer = await market.revoke(tokens["access_token"])
    assert (answer.status, answer.body) == (200, b"")
    assert not await market.active(tokens["access_token"])
    assert (await market.userinfo(tokens["access_token"])).status == 401
    assert (await market.refresh(tokens["refresh_token"])).status == 200


@pytest.mark.spec("RFC 7009 section 2.1")
async def test_a_revoked_refresh_token_takes_the_grant_with_it(market: Market) -> None:
    tokens = await market.tokens()
    later = (await market.refresh(tokens["refresh_token"])).json
    assert (await market.revoke(later["refresh_token"])).status == 200
    assert not await market.active(tokens["access_token"])
    assert not await market.active(later["access_token"])
    assert (await market.refresh(later["refresh_token"])).error == "invalid_grant"


async def test_the_news_is_in_the_outbox(market: Market) -> None:
    tokens = await market.tokens()
    await market.revoke(tokens["access_token"])
    await market.revoke(tokens["refresh_token"])
    events = await market.issuer.store.read(read_outbox(REVOCATION_TOPIC))
    assert [b'"token"' in event.payload or b'"grant"' in event.payload for event in events] == [True, True]


@pytest.mark.spec("RFC 7009 section 2.2")
@pytest.mark.parametrize("token", ["nonsense", "ksr_nonsense", "ksa_nonsense", "a.b.c"])
async def test_an_unknown_token_is_answered_with_200(market: Market, token: str) -> None:
    assert (await market.revoke(token)).status == 200


@pytest.mark.spec("RFC 7009 section 2.2")
async def test_revoking_twice_is_fine(market: Market) -> None:
    tokens = await market.tokens()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert [(await market.revoke(token)).status for _ in range(2)] == [200, 200]


@pytest.mark.spec("RFC 7009 section 2.1")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_somebody_elses_token_is_not_ended(market: Market, kind: str) -> None:
    tokens = await market.tokens()
    answer = await market.revoke(tokens[kind], "other")
    assert (answer.status, answer.error) == (400, "unauthorized_client")
    assert await market.active(tokens[kind])


@pytest.mark.spec("RFC 7009 section 2.1")
async def test_without_authentication_nothing_is_revoked(market: Market) -> None:
    tokens = await market.tokens()
    for form in ({"token": tokens["access_token"]}, {"token": tokens["access_token"], "client_id": "web"}):
        assert (await market.issuer.post("revoke", form)).status == 401
    answer = await market.issuer.post("revoke", {"token": tokens["access_token"]}, basic=("web", SECRET + "x"))
    assert answer.status == 401
    assert await market.active(tokens["access_token"])


@pytest.mark.spec("RFC 7009 section 2.2.1")
@pytest.mark.attack("F5")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_store_that_fails_is_never_answered_with_200(market: Market, kind: str) -> None:
    tokens = await market.tokens()
    await market.issuer.store.close()
    with pytest.raises(StorageUnavailable):  # the server makes this a 503
        await market.revoke(tokens[kind])
    decision = market.issuer.journal.decisions[-1]
    assert (decision.action, decision.allowed, decision.reason) == ("token.revoke", False, "storage.unavailable")
