"""Two gateways, each with a store of its own, on one PostgreSQL: one sign-in, one sign-out, one refresh at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keystead.core.sealing import AesGcmSealer
from keystead.core.values import Secret
from keystead.gateway.gateway import Gateway
from keystead.gateway.settings import GatewaySettings
from tests.gateway.plane import KeptJournal
from tests.gateway.site import CLIENT, GATEWAY_KEY, Site, Visitor, running_site, site_routes
from tests.gateway.test_refresh import refreshes, wear_out
from tests.gateway.upstream import RawUpstream
from tests.harness.databases import POSTGRES, usual_store
from tests.issuer import SECRET, Issuer


@pytest.fixture
async def pair(
    issuer: Issuer, upstream: RawUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Site, Gateway]]:
    """A site whose gateway keeps its sessions in PostgreSQL, and another gateway beside it."""
    monkeypatch.setenv("KEYSTEAD_TEST_DATABASE", POSTGRES)
    async with running_site(issuer, upstream, tmp_path) as site:
        settings = GatewaySettings(
            listen="127.0.0.1:0",
            public_url=site.origin,
            issuer=issuer.url,
            client_id=CLIENT,
            client_secret=Secret(SECRET),
            routes=site_routes(upstream.url),
        )
        store = usual_store(tmp_path, "gateway.db")
        other = Gateway(settings, store, AesGcmSealer(GATEWAY_KEY), KeptJournal())
        await other.start()
        try:
            yield site, other
        finally:
            await other.stop(grace=0.5)
            await store.close()
            await site.store.close()


async def ask_other(visitor: Visitor, other: Gateway, method: str, path: str) -> int:
    """Send a call of the visitor to the other gateway, under the name both have; return the status."""
    here, visitor.reached = visitor.reached, other.port
    try:
        return (await visitor.call(method, path)).status
    finally:
        visitor.reached = here


async def test_a_sign_in_at_one_is_a_session_at_both_and_a_sign_out_at_one_ends_it_at_both(
    pair: tuple[Site, Gateway],
) -> None:
    site, other = pair
    visitor = site.visitor()
    await visitor.sign_in()
    assert (await visitor.call("GET", "/api/orders/1")).status == 200
    assert await ask_other(visitor, other, "GET", "/api/orders/1") == 200
    assert await ask_other(visitor, other, "GET", "/bff/user") == 200
    kept = dict(visitor.jar)
    assert await ask_other(visitor, other, "POST", "/bff/logout") in (200, 303)
    visitor.jar.update(kept)
    for _ in range(100):
        if (await visitor.call("GET", "/api/orders/1")).status == 401:
            break
        await asyncio.sleep(0.1)
    assert (await visitor.call("GET", "/api/orders/1")).status == 401


@pytest.mark.attack("F1")
async def test_both_refresh_one_session_once(pair: tuple[Site, Gateway]) -> None:
    """Fifty calls at both with a worn-out token: a second rotation by the other would end the session."""
    site, other = pair
    visitor = site.visitor()
    await visitor.sign_in()
    for gateway in (site.gateway, other):
        live = await gateway.table.load(visitor.jar["__Host-keystead"])
        assert live is not None
        wear_out(live)
    before = refreshes(site.issuer)
    here = (visitor.call("GET", "/api/orders/1") for _ in range(10))
    there = (ask_other(site_visitor(site, visitor), other, "GET", "/api/orders/1") for _ in range(10))
    answers, statuses = await asyncio.gather(asyncio.gather(*here), asyncio.gather(*there))
    assert {answer.status for answer in answers} == set(statuses) == {200}
    assert refreshes(site.issuer) - before <= 2


def site_visitor(site: Site, visitor: Visitor) -> Visitor:
    """Return another tab of the visitor's browser."""
    tab = site.visitor()
    tab.jar.update(visitor.jar)
    tab.strict.update(visitor.strict)
    return tab
