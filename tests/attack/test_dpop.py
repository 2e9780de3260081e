"""DPoP proofs replayed: at once, at another node, after a restart."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlencode

import pytest

from tests.dpop import Sender
from tests.harness.issuer import RunningIssuer
from tests.harness.oauth_client import Answer, OAuthClient, basic

PARALLEL = 16
FORM = urlencode({"grant_type": "client_credentials", "scope": "catalog:read"}).encode()


async def ask(client: OAuthClient, proof: str) -> Answer:
    """Ask for a token with a proof."""
    url = (await client.discover())["token_endpoint"]
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "authorization": basic(client.client_id, client.secret),
        "dpop": proof,
    }
    return await client.send("POST", url, body=FORM, headers=headers)


@pytest.mark.attack("A3")
@pytest.mark.spec("RFC 9449 section 11.1")
async def test_one_proof_buys_one_token_over_all_nodes(nodes: RunningIssuer) -> None:
    here, there = nodes.client("batch"), nodes.client("batch", origin=await nodes.start_another())
    sender, url = Sender(), (await here.discover())["token_endpoint"]
    await there.discover()
    for _ in range(3):
        proof = sender.proof("POST", url, int(time.time()))
        answers = await asyncio.gather(*(ask((here, there)[number % 2], proof) for number in range(PARALLEL)))
        assert sorted(answer.status for answer in answers) == [200] + [400] * (PARALLEL - 1)
        assert {answer.error for answer in answers} == {"", "invalid_dpop_proof"}
