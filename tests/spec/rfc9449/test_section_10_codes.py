"""Codes bound to a key: named by `dpop_jkt`, or proved while pushing."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.records.client import Client
from tests.client_requests import push, pushed_url
from tests.dpop import Sender, dpop
from tests.harness.browser import Page
from tests.issuer import Answer, Issuer
from tests.shop import authorize_url, browser_for, open_shop, reach_code

pytestmark = pytest.mark.attack("C2")


def proof(issuer: Issuer, sender: Sender, endpoint: str, **claims: Any) -> tuple[bytes, bytes]:
    """Return the header of a proof for one endpoint."""
    return dpop(sender.proof("POST", f"{issuer.url}/{endpoint}", issuer.now, claims=claims))


async def redeem(issuer: Issuer, page: Page, sender: Sender | None) -> Answer:
    """Redeem the code a browser was sent back with."""
    headers = [proof(issuer, sender, "token")] if sender else []
    return await issuer.redeem(page.answer["code"], client="shop", headers=headers)


@pytest.mark.spec("RFC 9449 section 10")
async def test_the_request_names_the_key(issuer: Issuer) -> None:
    await open_shop(issuer)
    sender = Sender()
    url = authorize_url(issuer, dpop_jkt=sender.thumbprint)
    bound = await redeem(issuer, await reach_code(browser_for(issuer), url), sender)
    assert bound.json["token_type"] == "DPoP"
    for thief in (None, Sender()):
        page = await reach_code(browser_for(issuer), url)
        stolen = await redeem(issuer, page, thief)
        assert (stolen.status, stolen.error) == (400, "invalid_grant")
        assert (await redeem(issuer, page, sender)).error == "invalid_grant"


@pytest.mark.spec("RFC 9449 section 10")
@pytest.mark.parametrize("named", ["x", "A" * 42, "A" * 44, "A" * 42 + "=", "é" * 43])
async def test_what_is_no_thumbprint_is_refused(issuer: Issuer, named: str) -> None:
    await open_shop(issuer)
    page = await browser_for(issuer).get(authorize_url(issuer, dpop_jkt=named), follow=False)
    assert page.answer["error"] == "invalid_request"


@pytest.mark.spec("RFC 9449 section 10.1")
async def test_a_proof_while_pushing_binds_the_code(issuer: Issuer) -> None:
    await open_shop(issuer)
    sender = Sender()
    for named in ({}, {"dpop_jkt": sender.thumbprint}):
        pushed = await push(issuer, headers=[proof(issuer, sender, "par")], **named)
        assert pushed.status == 201
        url = pushed_url(issuer, pushed.json["request_uri"])
        page = await reach_code(browser_for(issuer), url)
        assert (await redeem(issuer, page, sender)).json["token_type"] == "DPoP"
    pushed = await push(issuer, headers=[proof(issuer, sender, "par")])
    page = await reach_code(browser_for(issuer), pushed_url(issuer, pushed.json["request_uri"]))
    assert (await redeem(issuer, page, Sender())).error == "invalid_grant"


@pytest.mark.spec("RFC 9449 section 10.1")
@pytest.mark.attack("A3")
async def test_proof_and_thumbprint_must_agree(issuer: Issuer) -> None:
    await open_shop(issuer)
    sender = Sender()
    contradiction = await push(issuer, headers=[proof(issuer, sender, "par")], dpop_jkt=Sender().thumbprint)
    assert (contradiction.status, contradiction.error) == (400, "invalid_request")
    used = proof(issuer, sender, "par")
    assert (await push(issuer, headers=[used])).status == 201
    for headers in ([used], [proof(issuer, sender, "token")], [dpop("x")], [proof(issuer, sender, "par")] * 2):
        refused = await push(issuer, headers=headers)
        assert (refused.status, refused.error) == (400, "invalid_dpop_proof")


@pytest.mark.spec("RFC 9449 section 8")
async def test_nonces_are_handed_out_while_pushing(issuer: Issuer) -> None:
    await open_shop(issuer)
    await issuer.change(Client, "shop", require_dpop_nonce=True)
    sender = Sender()
    refused = await push(issuer, headers=[proof(issuer, sender, "par")])
    assert (refused.status, refused.error) == (400, "use_dpop_nonce")
    nonce = refused.headers["dpop-nonce"]
    assert (await push(issuer, headers=[proof(issuer, sender, "par", nonce=nonce)])).status == 201
