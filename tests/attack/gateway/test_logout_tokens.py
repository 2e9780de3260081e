"""Logout tokens that are forged, borrowed, stale or shown twice end nobody's session."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.base64url import encode
from keystead.core.logout import LOGOUT_EVENT
from keystead.core.records.session import Session
from keystead.core.values import EpochSeconds
from keystead.storage.ports import find
from tests.gateway.site import CLIENT, Site

pytestmark = pytest.mark.attack("J10")


def good_claims(site: Site, sid: str) -> dict[str, Any]:
    """What the issuer would say."""
    now = int(time.time())
    return {
        "iss": site.issuer.url,
        "sub": "usr_alice",
        "aud": CLIENT,
        "iat": now,
        "exp": now + 120,
        "jti": f"jti-{time.monotonic_ns()}",
        "events": {LOGOUT_EVENT: {}},
        "sid": sid,
    }


async def signed(site: Site, claims: dict[str, Any], typ: str = "logout+jwt") -> str:
    """Sign as the issuer does."""
    now = EpochSeconds(int(time.time()))
    return jws.sign({k: v for k, v in claims.items() if v is not None}, await site.issuer.keys.signer("acme", now), typ)


async def show(site: Site, token: str) -> int:
    """Show a token to the gateway."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode({"logout_token": token}).encode()
    return (await site.visitor().send("POST", "/bff/backchannel-logout", form, body)).status


WRONG: tuple[dict[str, Any], ...] = (
    {"iss": "https://evil.test"},
    {"aud": "another-client"},
    {"aud": None},
    {"exp": None},
    {"exp": 1},
    {"exp": 4_000_000_000},
    {"iat": 1},
    {"iat": None},
    {"iat": 4_000_000_000},
    {"jti": None},
    {"events": None},
    {"events": {}},
    {"events": LOGOUT_EVENT},
    {"events": {LOGOUT_EVENT: "yes"}},
    {"events": {"https://evil.test/event": {}}},
    {"nonce": "n-1"},
    {"sub": None, "sid": None},
)


@pytest.mark.attack("J1")
async def test_only_a_true_fresh_logout_token_ends_a_session_and_only_once(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    live = await site.load(visitor)
    sid = live.record.sid
    claims = good_claims(site, sid)
    for changes in WRONG:
        assert await show(site, await signed(site, claims | changes)) == 400, changes
    for typ in ("JWT", "at+jwt", "secevent+jwt", ""):
        assert await show(site, await signed(site, claims, typ)) == 400, typ
    true = await signed(site, claims)
    head, payload, signature = true.split(".")
    none = encode(b'{"alg":"none","typ":"logout+jwt"}').decode()
    stranger = jws.sign(claims, generate("ES256", "stranger"), "logout+jwt")
    for forged in (f"{none}.{payload}.", f"{head}.{payload}.", f"{head}.{payload}.{signature[:-4]}AAAA", stranger):
        assert await show(site, forged) == 400
    assert await show(site, await signed(site, claims | {"jti": "a", "sub": "usr_bob"})) == 200, "good, but bob's"
    ended_before = live.ended
    assert await show(site, true) == 200
    assert (ended_before, live.ended) == (False, True)
    assert await show(site, true) == 400, "a replay"


async def test_a_replayed_logout_token_does_not_end_the_next_session(site: Site) -> None:
    visitor = site.visitor()
    await visitor.sign_in()
    token = await signed(site, good_claims(site, "") | {"sid": None})
    assert await show(site, token) == 200
    await visitor.sign_in()
    assert await show(site, token) == 400
    assert not (await site.load(visitor)).ended


async def test_a_subject_without_a_session_ends_all_of_theirs_and_nobody_elses(site: Site) -> None:
    first, second, other = site.visitor(), site.visitor(), site.visitor()
    await first.sign_in()
    await second.sign_in()
    await other.sign_in(username="bob")
    lives = [await site.load(visitor) for visitor in (first, second, other)]
    assert await show(site, await signed(site, good_claims(site, "") | {"sid": None})) == 200
    assert [live.ended for live in lives] == [True, True, False]


@pytest.mark.attack("P4")
async def test_a_logout_that_overtakes_the_sign_in_wins(site: Site) -> None:
    visitor = site.visitor()
    path = await visitor.to_callback()
    [session] = await site.issuer.store.read(find(Session, "acme", site.issuer.now))
    assert await show(site, await signed(site, good_claims(site, session.id))) == 200
    answer = await visitor.navigate(path, site="cross-site")
    assert answer.status == 400
    assert site.journal.reasons[-1] == "callback.signed_out"
    assert "__Host-keystead" not in visitor.jar
