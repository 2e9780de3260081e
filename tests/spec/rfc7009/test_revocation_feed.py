"""A revoked JWT is refused by verifiers that never ask about it: the news comes to them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from keystead.sdk import Refused, VerifiedCaller, Verifier
from tests.harness.configuration import CATALOG
from tests.harness.issuer import RunningIssuer
from tests.harness.oauth_client import OAuthClient

pytestmark = pytest.mark.spec("RFC 7009 section 3")
DEADLINE = 2 * 10.0


@pytest.fixture
async def served(unserved: RunningIssuer) -> RunningIssuer:
    for client in unserved.realm["clients"]:
        client["access_token_format"] = "jwt"
    await unserved.start()
    return unserved


def verifier(issuer: RunningIssuer) -> Verifier:
    return Verifier(issuer=issuer.url, audience=CATALOG)


async def refused_soon(door: Verifier, token: str) -> Refused:
    """Wait until a token is refused, and return how."""
    until = time.monotonic() + DEADLINE
    while isinstance(outcome := await door.verify(token), VerifiedCaller):
        assert time.monotonic() < until, "the news did not arrive"
        await asyncio.sleep(0.005)
    return outcome


async def feed_of(client: OAuthClient) -> str:
    """Return where both discovery documents say, in a header, that the feed is; neither has a member for it."""
    origin, path = client.issuer.partition("/realms/")[0], client.issuer.partition("/realms/")[2]
    places = (
        f"{client.issuer}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server/realms/{path}",
    )
    found = set()
    for place in places:
        answer = await client.send("GET", place)
        assert not [name for name in answer.json if "keystead" in name]
        link, _, relation = answer.headers["link"].partition("; ")
        assert relation == 'rel="urn:keystead:revocations"'
        found.add(link.strip("<>"))
    (feed,) = found
    return feed


async def bought(client: OAuthClient, issuer: RunningIssuer) -> dict[str, Any]:
    """Return tokens alice's sign-in bought."""
    await client.discover()
    code = await issuer.person("alice").authorize(client, scope="openid catalog:read")
    return (await client.redeem(code, resource=CATALOG)).json


async def test_the_feed_is_found_in_the_metadata_and_needs_no_credential(served: RunningIssuer) -> None:
    client = served.client("batch")
    feed = await feed_of(client)
    assert feed == f"{served.url}/revocations"
    answer = await client.send("GET", feed)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    page = answer.json
    assert (page["iss"], page["more"], page["revoked"], page["floor"]) == (served.url, False, [], 0)
    assert page["memory"] >= 3_600
    for query in ("after=1&after=2", "wait=-1", "wait=1e3", "wait=100", "after=" + "x" * 300, "wait=%zz"):
        assert (await client.send("GET", f"{feed}?{query}")).status == 400


async def test_what_a_client_revokes_is_refused_at_a_service_soon_after(served: RunningIssuer) -> None:
    client = served.client("batch")
    door = verifier(served)
    revoked, kept = [(await client.token("client_credentials"))["access_token"] for _ in range(2)]
    assert isinstance(await door.verify(revoked), VerifiedCaller)
    assert (await client.revoke(revoked)).status == 200
    refused = await refused_soon(door, revoked)
    assert (refused.status, refused.error, refused.reason) == (401, "invalid_token", "token.revoked")
    assert isinstance(await door.verify(kept), VerifiedCaller)
    await door.close()


async def test_a_newcomer_learns_what_was_revoked_before_it_came(served: RunningIssuer) -> None:
    client = served.client("batch")
    token = (await client.token("client_credentials"))["access_token"]
    assert (await client.revoke(token)).status == 200
    door = verifier(served)
    assert isinstance(await door.verify(token), Refused)
    await door.close()


async def test_a_grant_takes_its_access_tokens_along_and_a_session_too(served: RunningIssuer) -> None:
    client = served.client("web")
    door = verifier(served)
    first, second = await bought(client, served), await bought(client, served)
    assert isinstance(await door.verify(first["access_token"]), VerifiedCaller)
    assert (await client.revoke(first["refresh_token"])).status == 200
    await refused_soon(door, first["access_token"])
    assert isinstance(await door.verify(second["access_token"]), VerifiedCaller)
    await door.close()


async def test_nothing_in_the_feed_names_anybody(served: RunningIssuer) -> None:
    client = served.client("web")
    tokens = await bought(client, served)
    await client.revoke(tokens["refresh_token"])
    await client.revoke(tokens["access_token"])
    answer = await client.send("GET", await feed_of(client))
    assert len(answer["revoked"]) >= 1
    for known in (b"usr_", b"grt_", b"ses_", b"web", b"alice"):
        assert known not in answer.body.replace(served.url.encode(), b"")


async def test_what_the_file_disables_is_refused_and_what_it_renews_is_not(nodes: RunningIssuer) -> None:
    client = nodes.client("batch")
    door = verifier(nodes)
    token = (await client.token("client_credentials"))["access_token"]
    assert isinstance(await door.verify(token), VerifiedCaller)
    entry = next(entry for entry in nodes.realm["clients"] if entry["client_id"] == "batch")
    entry["enabled"] = False
    await nodes.start_another()
    await refused_soon(door, token)
    await door.close()


async def test_a_follower_of_one_node_hears_of_what_another_revokes(nodes: RunningIssuer) -> None:
    there = nodes.client("batch", origin=await nodes.start_another())
    door = verifier(nodes)
    await there.discover()
    token = (await there.token("client_credentials"))["access_token"]
    assert isinstance(await door.verify(token), VerifiedCaller)
    assert (await there.revoke(token)).status == 200
    await refused_soon(door, token)
    await door.close()
