"""A gateway whose tokens are bound to its key: proofs upstream, and nothing of it for the browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from keystead.core.jose.jws import peek_claims_unverified
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.trace import new_trace
from keystead.sdk import Refused, SenderConstraint, VerifiedCaller, Verifier
from keystead.sdk.demand import Demand
from keystead.sdk.presented import Presented, shown_token
from tests.gateway.site import CATALOG, CLIENT, Site, Visitor, running_site
from tests.gateway.upstream import OK, RawUpstream, Received
from tests.issuer import Issuer

pytestmark = pytest.mark.attack("A3")


@pytest.fixture
async def site_bound(issuer: Issuer, upstream: RawUpstream, tmp_path: Path) -> AsyncIterator[Site]:
    """A site whose gateway binds its tokens, at an issuer that demands it, with nonces."""
    async with running_site(issuer, upstream, tmp_path, dpop=True) as site:
        await issuer.change(Client, CLIENT, dpop_bound_access_tokens=True)
        await issuer.change(Realm, "acme", require_dpop_nonce=True)
        yield site


def presented(received: Received, path: str) -> Presented:
    """Return what an upstream was shown."""
    shown = shown_token(received.values(b"authorization"))
    assert isinstance(shown, Presented)
    proofs = tuple(value.decode() for value in received.values(b"dpop"))
    method = received.request_line.split(b" ")[0].decode()
    return Presented(shown.token, shown.scheme, method, path, proofs)


async def called(site: Site, visitor: Visitor, path: str = "/api/catalog/items/7?page=1") -> Received:
    """Call a service and return what it got."""
    response = await visitor.call("GET", path)
    assert response.status == 200, response.body
    return site.upstream.received[-1]


@pytest.mark.spec("RFC 9449 section 7.1")
async def test_every_upstream_request_carries_its_own_proof(site_bound: Site) -> None:
    site, visitor = site_bound, site_bound.visitor()
    await visitor.sign_in()
    sender = SenderConstraint(base_urls=(site.upstream.url,), required=True)
    verifier = Verifier(issuer=site.issuer.url, audience=CATALOG, sender=sender)
    for shown in [presented(await called(site, visitor), "/catalog/items/7") for _ in "12"]:
        caller = await verifier.judge(shown, Demand())
        assert isinstance(caller, VerifiedCaller), caller
        assert caller.claims["cnf"]
        again = await verifier.judge(shown, Demand())
        assert isinstance(again, Refused)
        assert again.reason == "dpop.replayed"
        stolen = await verifier.judge(Presented(shown.token, "bearer"), Demand())
        assert isinstance(stolen, Refused)
        assert stolen.reason == "dpop.as_bearer"
    await verifier.close()


@pytest.mark.spec("RFC 9449 section 5")
async def test_the_sessions_own_tokens_are_bound_and_refreshed(site_bound: Site) -> None:
    site, visitor = site_bound, site_bound.visitor()
    await visitor.sign_in()
    session = await site.load(visitor)
    token = session.access_token.reveal()
    told = await site.issuer.send("userinfo", method="GET", headers=[(b"authorization", f"Bearer {token}".encode())])
    assert (told.status, told.error) == (401, "invalid_token")
    person = await site.gateway.issuer.userinfo(session.access_token, new_trace())
    assert person["sub"] == session.subject
    assert await site.gateway.refresher.ensure(session, new_trace(), dead=session.access_token)
    assert session.access_token.reveal() != token
    assert (await called(site, visitor)).values(b"authorization")[0].startswith(b"DPoP ")


@pytest.mark.spec("RFC 9449 section 9")
async def test_an_upstreams_nonce_goes_into_the_next_proof_and_not_to_the_browser(site_bound: Site) -> None:
    site, visitor = site_bound, site_bound.visitor()
    await visitor.sign_in()
    site.upstream.answer = OK.replace(b"content-type", b"dpop-nonce: upstream-nonce\r\ncontent-type")
    response = await visitor.call("GET", "/api/catalog/1")
    assert "dpop-nonce" not in {name for name, _ in response.headers}
    proof = (await called(site, visitor)).values(b"dpop")[0].decode()
    said = peek_claims_unverified("e30." + proof.split(".")[1] + ".AA")
    assert said is not None
    assert said["nonce"] == "upstream-nonce"


@pytest.mark.spec("RFC 9700 section 4.13")
async def test_a_browser_brings_no_proof_and_no_token(site_bound: Site) -> None:
    site, visitor = site_bound, site_bound.visitor()
    await visitor.sign_in()
    smuggled: dict[str, Any] = {
        "dpop": "forged",
        "client-cert": ":AA==:",
        "client-cert-chain": ":AA==:",
        "authorization": "DPoP x",
    }
    await visitor.call("GET", "/api/catalog/1", b"", **smuggled)
    received = site.upstream.received[-1]
    assert len(received.values(b"dpop")) == 1
    assert received.values(b"dpop") != [b"forged"]
    assert not received.values(b"client-cert") + received.values(b"client-cert-chain")
    assert len(received.values(b"authorization")) == 1
    stranger = site.visitor()
    token = received.values(b"authorization")[0].decode().partition(" ")[2]
    for scheme in ("Bearer", "DPoP"):
        answer = await stranger.call("GET", "/api/catalog/1", authorization=f"{scheme} {token}")
        assert answer.status == 401


@pytest.mark.spec("RFC 9449 section 9")
async def test_a_request_without_a_body_is_sent_again_for_its_nonce(site_bound: Site) -> None:
    site, visitor = site_bound, site_bound.visitor()
    await visitor.sign_in()
    nonces = iter(("first", "second", "third", "fourth", "fifth"))

    def demanding(received: Received) -> bytes:
        said = peek_claims_unverified("e30." + received.values(b"dpop")[0].decode().split(".")[1] + ".AA")
        assert said is not None
        if said.get("nonce") == "first":
            return OK
        challenge = b'www-authenticate: DPoP error="use_dpop_nonce"\r\ncontent-length: 4'
        nonce = b"dpop-nonce: " + next(nonces).encode()
        return b"HTTP/1.1 401 Unauthorized\r\n" + challenge + b"\r\n" + nonce + b"\r\n\r\nnope"

    site.upstream.answer = demanding
    assert (await visitor.call("GET", "/api/catalog/1")).body == b"ok"
    first, second = site.upstream.received[-2:]
    assert first.target == second.target
    assert first.values(b"dpop") != second.values(b"dpop")
    assert first.values(b"authorization") == second.values(b"authorization")
    assert (await visitor.call("POST", "/api/orders/1", b"{}")).status == 200
    site.upstream.answer = lambda received: demanding(received).replace(b"200 OK", b"401 Unauthorized")
    before = len(site.upstream.received)
    next(nonces)
    assert (await visitor.call("GET", "/api/catalog/2")).status == 401
    assert len(site.upstream.received) <= before + 2, "once, whatever an upstream says"
