"""C3, J10, T5 at the authorization API: no other handle opens it, and it closes with whatever its token rests on."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.api.access import Access, Caller
from keystead.api.authzen.metadata import METADATA_TYPE
from keystead.core.http import Reply, Request
from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.records.client import Client
from keystead.core.trace import new_trace
from keystead.oauth.authorization_api import AUTHZ_READ
from keystead.storage.ports import get
from tests.attack.matrix.handles import KINDS
from tests.attack.matrix.page_doors import sendable
from tests.attack.matrix.switches import REMOVED, SWITCHES
from tests.attack.matrix.world import World, open_world
from tests.issuer import BASE, Issuer

CHECK = "/authz/stores/01HVMMBCMGZNT3SED4Z17ECXCA/check"
AUDIENCE = f"{BASE}/authz"


async def knock(access: Access, issuer: Issuer, shown: str, scheme: str = "Bearer") -> bool:
    """Return whether the API takes this for a token of its own."""
    headers = ((b"authorization", f"{scheme} {shown}".encode()),)
    outcome = await access.authorize(Request("POST", CHECK, b"", headers, b"", issuer.now, new_trace()), AUTHZ_READ)
    assert isinstance(outcome, Caller | Reply)
    return isinstance(outcome, Caller)


async def own_token(world: World) -> str:
    """Return a token that does open it, of the same client that got every other handle."""
    client = await _widened(world)
    answer = await world.issuer.token("client_credentials", client=client, resource=AUDIENCE, scope=AUTHZ_READ)
    assert answer.status == 200, answer.body
    return str(answer.json["access_token"])


async def _widened(world: World) -> str:
    issuer = world.issuer
    client = await issuer.store.read(get(Client, issuer.realm, "shop", issuer.now))
    assert client is not None
    if AUTHZ_READ not in client.scope.split():
        await issuer.change(Client, "shop", scope=f"{client.scope} {AUTHZ_READ}")
    return "shop"


@pytest.mark.attack("C3")
@pytest.mark.attack("J10")
async def test_no_other_handle_opens_it(issuer: Issuer) -> None:
    world = await open_world(issuer)
    access = Access(issuer.cx, (issuer.realm,))
    handles = {name: sendable(await kind.make(world)) for name, kind in KINDS.items()}
    opened = [
        (name, scheme)
        for name, text in handles.items()
        for scheme in ("Bearer", "DPoP", "Basic")
        if await knock(access, issuer, text, scheme)
    ]
    assert opened == []
    token = await own_token(world)
    assert await knock(access, issuer, token)
    for scheme in ("DPoP", "Basic", ""):
        assert not await knock(access, issuer, token, scheme)


@pytest.mark.attack("J10")
async def test_the_signed_metadata_is_no_token(issuer: Issuer) -> None:
    await open_world(issuer)
    access = Access(issuer.cx, (issuer.realm,))
    claims: dict[str, Any] = {
        "iss": issuer.url,
        "aud": AUDIENCE,
        "sub": "shop",
        "client_id": "shop",
        "iat": issuer.now,
        "exp": issuer.now + 60,
        "jti": "1",
        "scope": AUTHZ_READ,
    }
    key = await issuer.keys.signer(issuer.realm, issuer.now)
    assert not await knock(access, issuer, jws.sign(claims, key, METADATA_TYPE))
    assert not await knock(access, issuer, jws.sign(claims, generate("ES256", key.kid), "at+jwt"))
    assert await knock(access, issuer, jws.sign(claims, key, "at+jwt")), "the same claims as what they should be"


@pytest.mark.attack("T5")
@pytest.mark.parametrize("switch", ["client", "realm", f"client{REMOVED}"])
async def test_it_closes_with_what_its_token_rests_on(issuer: Issuer, switch: str) -> None:
    world = await open_world(issuer)
    access, token = Access(issuer.cx, (issuer.realm,)), await own_token(world)
    assert await knock(access, issuer, token)
    await SWITCHES[switch](world)
    issuer.later(1)
    assert not await knock(access, issuer, token)
