"""The gateway hears what the issuer ended: tokens bought before are not used again, and what streams is cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from keystead.core.records.client import Client
from keystead.core.records.grant import Grant
from keystead.core.records.revocation import Revocation
from keystead.core.values import EpochSeconds
from keystead.gateway.sessions.live import LiveSession
from keystead.identity.accounts import end_authority
from keystead.identity.sessions import end_session
from keystead.oauth.revocations import announce, revoke_grant
from keystead.sdk.revocation_feed import FollowedRevocations
from keystead.sdk.revocations import RevocationPolicy
from keystead.storage.ports import Write, find
from tests.gateway.raw import RawBrowser
from tests.gateway.site import CLIENT, Site, Visitor
from tests.gateway.test_websocket import HANDSHAKE, echo

DEADLINE = 40.0


async def settled(site: Site) -> None:
    """Wait until the gateway follows the feed."""
    until = time.monotonic() + DEADLINE
    while site.gateway.news.followed.staleness > 60:
        assert time.monotonic() < until, site.gateway.news.followed.feed.last_failure
        await asyncio.sleep(0.01)


def right_now() -> EpochSeconds:
    """The time, as the server has it."""
    return EpochSeconds(int(time.time()))


def session_of(site: Site, subject: str = "usr_alice") -> LiveSession:
    """Return somebody's only session, as the gateway has it in memory."""
    (live,) = [live for live in site.gateway.table.live_sessions() if live.subject == subject]
    return live


async def ends(site: Site, visitor: Visitor, what: Callable[[], Write[object]]) -> int:
    """Let something end at the issuer, and return the first answer that is not 200."""
    await settled(site)
    assert (await visitor.call("GET", "/api/orders/1")).status == 200
    await site.issuer.store.write(what)
    until = time.monotonic() + DEADLINE
    while (answer := await visitor.call("GET", "/api/orders/1")).status == 200:
        assert time.monotonic() < until, "the gateway did not hear of it"
        await asyncio.sleep(0.02)
    return answer.status


@pytest.mark.spec("RFC 7009 section 3")
@pytest.mark.parametrize("what", ["session", "account", "grant"])
async def test_a_session_ends_at_the_gateway_with_what_it_stands_on(site: Site, what: str) -> None:
    """The token bought for the service would live on for most of a minute."""
    visitor = site.visitor()
    await visitor.sign_in()
    await visitor.call("GET", "/api/orders/1")
    realm, now, sid = site.issuer.realm, right_now(), session_of(site).record.sid
    (grant,) = await site.issuer.store.read(find(Grant, realm, now, index="subject", value="usr_alice"))
    endings: dict[str, Callable[[], Write[object]]] = {
        "session": lambda: end_session(realm, sid, "test", now),
        "account": lambda: end_authority(realm, "usr_alice", "test", now),
        "grant": lambda: revoke_grant(realm, grant.id, "test", now),
    }
    assert await ends(site, visitor, endings[what]) == 401


async def test_a_gateway_whose_client_was_disabled_serves_nobody(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    assert (await visitor.call("GET", "/api/orders/1")).status == 200
    await site.issuer.change(Client, CLIENT, enabled=False)
    realm, now = site.issuer.realm, right_now()
    assert await ends(site, visitor, lambda: announce(realm, Revocation("client", CLIENT), now)) >= 400


async def test_another_session_goes_on_with_the_token_it_has(site: Site) -> None:
    ended, other = site.visitor(), site.visitor()
    await ended.sign_in()
    await other.sign_in("", "bob")
    for anybody in (ended, other):
        assert (await anybody.call("GET", "/api/orders/1")).status == 200
    await settled(site)
    bought = site.journal.reasons.count("exchange.bought")
    live = session_of(site)
    assert await ends(site, ended, lambda: end_session(site.issuer.realm, live.record.sid, "test", right_now()))
    assert (await other.call("GET", "/api/orders/1")).status == 200
    assert site.journal.reasons.count("exchange.bought") == bought


async def test_a_tunnel_is_cut_when_its_session_ends_at_the_issuer(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    await settled(site)
    site.upstream.handler = echo
    browser = await RawBrowser.open(site.gateway.port)
    head = f"GET /api/orders/live HTTP/1.1\r\nhost: localhost:{site.gateway.port}\r\norigin: {site.origin}\r\n"
    cookie = f"cookie: __Host-keystead={visitor.jar['__Host-keystead']}\r\n"
    await browser.send((head + cookie).encode() + HANDSHAKE + b"\r\n")
    assert (await browser.response()).status == 101
    assert await browser.reader.readexactly(5) == b"hello"
    live = session_of(site)
    await site.issuer.store.write(lambda: end_session(site.issuer.realm, live.record.sid, "test", right_now()))
    async with asyncio.timeout(DEADLINE):
        assert await browser.reader.read() == b""


@pytest.mark.attack("F5")
async def test_a_gateway_without_news_asks_the_issuer_at_every_request(site: Site) -> None:
    """Somebody who can hold the feed back gains nothing: what was bought before is not used blindly."""
    visitor = site.visitor()
    await visitor.sign_in()
    await settled(site)
    news = site.gateway.news
    news.followed = FollowedRevocations(news.followed.feed, RevocationPolicy(maximum_staleness=1e-9))
    for _ in range(3):
        assert (await visitor.call("GET", "/api/orders/1")).status == 200
    assert site.journal.reasons.count("exchange.bought") == 3
    news.followed = FollowedRevocations(
        news.followed.feed, RevocationPolicy(maximum_staleness=1e-9, on_stale="accept_until_expiry")
    )
    for _ in range(3):
        assert (await visitor.call("GET", "/api/orders/1")).status == 200
    assert site.journal.reasons.count("exchange.bought") == 3
