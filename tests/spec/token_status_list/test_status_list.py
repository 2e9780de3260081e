"""The Token Status List: a place for each JWT access token, and the bit flips with whatever the token rests on."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.base64url import encode
from keystead.core.jose.outcomes import VerifiedToken
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.status_list import is_invalid, write_list
from keystead.identity.sessions import end_session
from tests.market import CATALOG, Market

SPEC = "draft-ietf-oauth-status-list"


@pytest.fixture
async def listed(market: Market) -> Market:
    """The market, with a list."""
    await market.issuer.change(Realm, "acme", status_lists=True)
    return market


async def a_token(market: Market, client: str = "jwtweb") -> str:
    """Return a JWT access token for the catalogue."""
    tokens = await market.tokens(client, scopes=("openid", "catalog:read"), resources=(CATALOG,))
    return str(tokens["access_token"])


async def the_list(market: Market) -> dict[str, Any]:
    """Return the list's claims, checked as a verifier does."""
    answer = await market.issuer.send("status_list", method="GET")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/statuslist+jwt"
    assert answer.headers["access-control-allow-origin"] == "*"
    keys = await market.issuer.cx.keys.key_set("acme", market.issuer.now)
    read = jws.read(answer.body.decode(), keys=keys, typ={"statuslist+jwt"}, maximum=1 << 20)
    assert isinstance(read, VerifiedToken), read
    claims = read.claims
    assert claims["sub"] == f"{market.issuer.url}/status_list"
    assert claims["iat"] <= market.issuer.now < claims["exp"]
    assert answer.headers["cache-control"] == f"public, max-age={claims['ttl']}"
    return claims


async def revoked(market: Market, token: str) -> bool:
    """Say what a verifier finds at the place a token names, once its copy of the list is too old."""
    market.issuer.later(15)
    reference = (await market.claims(token))["status"]["status_list"]
    claims = await the_list(market)
    assert reference["uri"] == claims["sub"]
    return is_invalid(claims["status_list"]["lst"], reference["idx"])


@pytest.mark.spec(f"{SPEC} section 4.1")
def test_the_bits_stand_as_in_the_drafts_example() -> None:
    bits = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    packed = write_list([index for index, bit in enumerate(bits) if bit], 16)
    assert zlib.decompress(_decoded(packed)) == bytes((0xB9, 0xA3))
    assert [is_invalid(packed, index) for index in range(16)] == [bool(bit) for bit in bits]
    assert [is_invalid("eNrbuRgAAhcBXQ", index) for index in range(16)] == [bool(bit) for bit in bits]


def _decoded(text: str) -> bytes:
    from keystead.core.jose.base64url import decode

    return decode(text.encode())


@pytest.mark.attack("J5")
@pytest.mark.parametrize("text", ["", "AAAA", "!", encode(zlib.compress(bytes(64 << 20))).decode()[:70_000]])
def test_what_is_no_list_or_a_bomb_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"list|base64"):
        is_invalid(text, 1 << 40)


@pytest.mark.spec(f"{SPEC} section 6.2")
async def test_each_token_has_a_place_of_its_own(listed: Market) -> None:
    tokens = [await a_token(listed) for _ in range(5)]
    places = {(await listed.claims(token))["status"]["status_list"]["idx"] for token in tokens}
    assert len(places) == 5
    assert not any([await revoked(listed, token) for token in tokens])


@pytest.mark.spec(f"{SPEC} section 5.1")
async def test_revoking_a_token_flips_its_bit_and_no_other(listed: Market) -> None:
    token, other = await a_token(listed), await a_token(listed)
    assert (await listed.revoke(token, "jwtweb")).status == 200
    assert await revoked(listed, token)
    assert not await revoked(listed, other)


@pytest.mark.spec(f"{SPEC} section 5.1")
@pytest.mark.parametrize("end", ["session", "person", "client", "epoch"])
async def test_the_end_of_what_it_rests_on_flips_it_too(listed: Market, end: str) -> None:
    token = await a_token(listed)
    issuer = listed.issuer
    if end == "session":
        await issuer.store.write(lambda: end_session("acme", listed.session.id, "logout", issuer.now))
    elif end == "person":
        await issuer.change(Account, listed.account.id, enabled=False)
    elif end == "client":
        await issuer.change(Client, "jwtweb", enabled=False)
    else:
        await issuer.change(Account, listed.account.id, authority_epoch=1)
    assert await revoked(listed, token)


@pytest.mark.spec(f"{SPEC} section 8.1")
async def test_the_list_is_kept_for_its_ttl(listed: Market) -> None:
    await listed.issuer.change(Realm, "acme", status_list_ttl=30)
    token = await a_token(listed)
    first = await listed.issuer.send("status_list", method="GET")
    await listed.revoke(token, "jwtweb")
    listed.issuer.later(29)
    assert (await listed.issuer.send("status_list", method="GET")).body == first.body
    listed.issuer.later(1)
    assert (await listed.issuer.send("status_list", method="GET")).body != first.body


async def test_an_expired_token_leaves_its_place(listed: Market) -> None:
    token = await a_token(listed)
    place = (await listed.claims(token))["status"]["status_list"]["idx"]
    await listed.revoke(token, "jwtweb")
    listed.issuer.later(301)
    assert not is_invalid((await the_list(listed))["status_list"]["lst"], place)


@pytest.mark.spec(f"{SPEC} section 9.1")
@pytest.mark.spec(f"{SPEC} section 9.3")
async def test_the_lists_are_listed(listed: Market) -> None:
    document = (await listed.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["status_list_aggregation_endpoint"] == f"{listed.issuer.url}/status_lists"
    lists = (await listed.issuer.send("status_lists", method="GET")).json
    assert lists == {"status_lists": [f"{listed.issuer.url}/status_list"]}
    assert (await the_list(listed))["status_list"]["aggregation_uri"] == document["status_list_aggregation_endpoint"]


@pytest.mark.spec(f"{SPEC} section 8.4")
async def test_past_states_are_not_served(listed: Market) -> None:
    assert (await listed.issuer.send("status_list", method="GET", query=b"time=1")).status == 501


async def test_without_the_setting_there_is_nothing(market: Market) -> None:
    assert "status" not in await market.claims(await a_token(market))
    for path in ("status_list", "status_lists"):
        assert (await market.issuer.send(path, method="GET")).status == 404
    document = (await market.issuer.send(".well-known/openid-configuration", method="GET")).json
    assert "status_list_aggregation_endpoint" not in document


async def test_opaque_tokens_have_no_place(listed: Market) -> None:
    token = (await listed.tokens("web"))["access_token"]
    assert "status" not in (await listed.introspect(token)).json


@pytest.mark.spec("RFC 8693 section 2.2.1")
async def test_exchanged_tokens_have_one(listed: Market) -> None:
    subject = (await listed.tokens("web"))["access_token"]
    exchanged = (await listed.exchange(subject, CATALOG)).json["access_token"]
    assert not await revoked(listed, exchanged)


@pytest.mark.attack("J10")
async def test_a_status_list_is_no_access_token(listed: Market) -> None:
    await a_token(listed)
    text = (await listed.issuer.send("status_list", method="GET")).body.decode()
    assert (await listed.userinfo(text)).status == 401
    assert (await listed.introspect(text)).json == {"active": False}
