"""Client authentication over the wire: an assertion shown twice, to two processes, before and after a restart (A1)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.keys import PrivateKey
from tests.harness.issuer import RunningIssuer
from tests.harness.oauth_client import OAuthClient

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
async def key(unstarted_nodes: RunningIssuer) -> PrivateKey:
    """The key of a client `signer`, which the started issuer knows."""
    made = generate("ES256")
    unstarted_nodes.realm["clients"].append(
        {
            "client_id": "signer",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [made.public().jwk()]},
            "grant_types": ["client_credentials"],
            "scope": "catalog:read",
        }
    )
    await unstarted_nodes.start()
    return made


def _assertion(issuer: RunningIssuer, key: PrivateKey, jti: str) -> str:
    now = int(time.time())
    claims = {"iss": "signer", "sub": "signer", "aud": issuer.url, "iat": now, "exp": now + 60, "jti": jti}
    return jws.sign(claims, key, "JWT")


async def _ask(client: OAuthClient, assertion: str) -> int:
    form: dict[str, Any] = {"client_assertion_type": JWT_BEARER, "client_assertion": assertion}
    answer = await client.post("token_endpoint", {"grant_type": "client_credentials", **form}, authenticate=False)
    return answer.status


@pytest.mark.attack("A1")
async def test_an_assertion_is_good_once_across_processes_and_restarts(
    unstarted_nodes: RunningIssuer, key: PrivateKey
) -> None:
    here = unstarted_nodes.client("signer")
    there = unstarted_nodes.client("signer", origin=await unstarted_nodes.start_another())
    await here.discover()
    await there.discover()
    assertion = ""
    for number in range(4):
        assertion = _assertion(unstarted_nodes, key, f"jti-{number}")
        statuses = await asyncio.gather(*(_ask((here, there)[turn % 2], assertion) for turn in range(16)))
        assert sorted(statuses) == [200] + [401] * 15
    unstarted_nodes.process.kill()
    await unstarted_nodes.start()
    assert await _ask(here, assertion) == 401
    assert await _ask(here, _assertion(unstarted_nodes, key, "fresh")) == 200
