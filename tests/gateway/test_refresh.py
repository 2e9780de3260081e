"""One refresh at a time, whatever the tabs and processes do; and what becomes of a session whose tokens die."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from keystead.core.sealing import AesGcmSealer
from keystead.core.trace import TraceContext, new_trace
from keystead.core.values import EpochSeconds, Secret
from keystead.gateway.gateway import Gateway
from keystead.gateway.issuer.client import TokenRefused, TokensGranted
from keystead.gateway.sessions.live import RECHECK, LiveSession
from keystead.gateway.sessions.records import GatewaySession
from keystead.gateway.sessions.transactions import claim_refresh
from keystead.gateway.settings import GatewaySettings, SessionSettings
from keystead.storage.ports import get
from tests.gateway.plane import KeptJournal
from tests.gateway.raw import exchange
from tests.gateway.site import CLIENT, GATEWAY_KEY, Site, site_routes
from tests.issuer import SECRET, Issuer


def wear_out(live: LiveSession) -> None:
    """Make a session's access token look expired, in memory."""
    live.tokens = msgspec.structs.replace(live.tokens, access_expires_at=0)
    live.upstream_tokens.clear()


async def another_gateway(site: Site) -> Gateway:
    """Start a second gateway on the same database, as another process would."""
    settings = GatewaySettings(
        listen="127.0.0.1:0",
        public_url=site.origin,
        issuer=site.issuer.url,
        client_id=CLIENT,
        client_secret=Secret(SECRET),
        routes=site_routes(site.upstream.url),
    )
    gateway = Gateway(settings, site.store, AesGcmSealer(GATEWAY_KEY), KeptJournal())
    await gateway.start()
    return gateway


def refreshes(issuer: Issuer) -> int:
    """How many refreshes the issuer has granted."""
    return sum(
        decision.allowed and decision.action == "token.issue" and decision.facts.get("grant_type") == "refresh_token"
        for decision in issuer.journal.decisions
    )


async def test_fifty_parallel_calls_refresh_once(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    await visitor.call("GET", "/api/orders/1")
    before = refreshes(site.issuer)
    for round in range(1, 4):
        wear_out(site.session(visitor))
        paths = [f"/api/{service}/{number}" for number in range(25) for service in ("orders", "catalog")]
        answers = await asyncio.gather(*(visitor.call("GET", path) for path in paths))
        assert {answer.status for answer in answers} == {200}
        assert refreshes(site.issuer) - before == round
    assert site.journal.reasons.count("exchange.bought") == 1 + 3 * 2


async def test_two_processes_refresh_once_and_both_go_on(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    other = await another_gateway(site)
    handle = visitor.jar["__Host-keystead"]
    try:
        here, there = await site.gateway.table.load(handle), await other.table.load(handle)
        assert here is not None
        assert there is not None
        before = refreshes(site.issuer)
        wear_out(here)
        wear_out(there)
        both = (site.gateway.refresher.ensure(here, new_trace()), other.refresher.ensure(there, new_trace()))
        assert all(await asyncio.gather(*both))
        assert refreshes(site.issuer) - before == 1
        assert here.tokens == there.tokens
        assert here.record.generation == 1
    finally:
        await other.stop(grace=0)


async def test_a_process_that_dies_while_refreshing_does_not_hold_the_session_for_ever(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    live = await site.gateway.table.load(visitor.jar["__Host-keystead"])
    assert live is not None
    realm, id, long_ago = site.gateway.table.realm, live.record.id, EpochSeconds(int(time.time()) - 30)
    await site.store.write(lambda: claim_refresh(realm, id, 0, long_ago))  # and then it was gone
    wear_out(live)
    assert (await visitor.call("GET", "/api/orders/1")).status == 200
    assert live.record.generation == 1


async def test_logout_wins_over_a_refresh_that_is_under_way(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    stolen = dict(visitor.jar)
    live = await site.gateway.table.load(stolen["__Host-keystead"])
    assert live is not None
    wear_out(live)
    asked, may_answer = asyncio.Event(), asyncio.Event()
    granted: list[str] = []
    refresh = site.gateway.issuer.refresh

    async def slow_refresh(refresh_token: Secret, trace: TraceContext) -> TokensGranted | TokenRefused:
        asked.set()
        outcome = await refresh(refresh_token, trace)
        assert isinstance(outcome, TokensGranted)
        granted.append(outcome.refresh_token.reveal())
        await may_answer.wait()
        return outcome

    monkeypatch.setattr(site.gateway.issuer, "refresh", slow_refresh)  # the answer is on a slow wire
    slow = asyncio.create_task(visitor.call("GET", "/api/orders/1"))
    await asked.wait()
    assert (await visitor.call("POST", "/bff/logout")).status == 200
    may_answer.set()
    assert (await slow).status == 401
    visitor.jar = stolen
    assert (await visitor.call("GET", "/api/orders/1")).status == 401
    assert (await visitor.call("GET", "/bff/user")).status == 401
    (new_refresh_token,) = granted
    answer = await site.issuer.token("refresh_token", client=CLIENT, refresh_token=new_refresh_token)
    assert answer.error == "invalid_grant"
    assert site.upstream.received == []


async def test_the_session_ends_when_its_refresh_token_has_died(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    await visitor.call("GET", "/api/orders/1")
    live = site.session(visitor)
    assert await site.gateway.issuer.revoke(live.refresh_token, new_trace())
    live.upstream_tokens.clear()
    response = await visitor.call("GET", "/api/orders/1")
    assert response.status == 401
    assert any(reason.startswith("session.refresh_refused.") for reason in site.journal.reasons)
    assert await site.store.read(get(GatewaySession, site.gateway.table.realm, live.record.id, EpochSeconds(1))) is None
    assert (await visitor.navigate("/account/me")).status == 303


async def test_an_access_token_that_died_early_is_replaced(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    await visitor.call("GET", "/bff/user")
    live = site.session(visitor)
    await site.issuer.post("revoke", {"token": live.access_token.reveal()}, basic=(CLIENT, SECRET))
    answer = await visitor.call("GET", "/api/orders/1")
    assert answer.status in (200, 401)  # 401 where the issuer takes the whole grant with the token
    assert (answer.status == 200) == ("session.refreshed" in site.journal.reasons)


async def test_another_process_knows_the_session(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    other = await another_gateway(site)
    cookie = visitor.jar["__Host-keystead"]
    request = f"GET /api/orders/1 HTTP/1.1\r\nhost: localhost:{site.gateway.port}\r\nx-csrf: 1\r\n"
    request += f"cookie: __Host-keystead={cookie}\r\n\r\n"
    try:
        assert (await exchange(other.port, request.encode())).status == 200
        assert (await visitor.call("POST", "/bff/logout")).status == 200
        await asyncio.sleep(RECHECK + 0.1)
        assert (await exchange(other.port, request.encode())).status == 401
    finally:
        await other.stop(grace=0)


@pytest.mark.parametrize("kind", ["idle", "absolute"])
async def test_sessions_end_by_themselves(site: Site, kind: str) -> None:
    """The store never returns what has expired; the table asks it again within a second."""
    visitor = site.visitor()
    await visitor.sign_in()
    table = site.gateway.table
    handle = visitor.jar["__Host-keystead"]
    began = table.now()
    settings = SessionSettings()
    table._clock = lambda: float(began + 3_000)
    assert await table.load(handle) is not None
    assert await table.load(handle) is not None
    if kind == "idle":
        table._clock = lambda: float(began + 3_000 + settings.idle_timeout)
    else:
        for at in range(3_000, settings.absolute_timeout, 3_000):
            table._clock = lambda at=at: float(began + at)  # type: ignore[misc]  # bound now
            assert await table.load(handle) is not None
        table._clock = lambda: float(began + settings.absolute_timeout)
    assert await table.load(handle) is None


async def test_what_is_stored_opens_nothing(site: Site) -> None:
    """No token and no handle stands in the database in the clear."""
    visitor = site.visitor()
    await visitor.begin()
    browser = visitor.jar["__Host-keystead-login"]
    await visitor.sign_in()
    await visitor.call("GET", "/api/orders/1")
    live = site.session(visitor)
    secrets = [live.tokens.access_token, live.tokens.refresh_token, visitor.jar["__Host-keystead"], browser]
    content = b"".join(file.read_bytes() for file in site.folder.glob("gateway.db*"))
    assert len(content) > 4_096
    assert all(secret.encode() not in content for secret in secrets)
    assert all(secret not in repr(live.tokens) + repr(live.record) for secret in secrets)
