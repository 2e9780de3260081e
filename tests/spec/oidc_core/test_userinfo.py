"""The userinfo endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.records.account import Account
from tests.market import CATALOG, Market

FORM = (b"content-type", b"application/x-www-form-urlencoded")


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.3")
@pytest.mark.spec("OpenID Connect Core 1.0 section 5.4")
@pytest.mark.parametrize(
    ("scopes", "claims"),
    [
        (("openid",), {}),
        (
            ("openid", "profile"),
            {"name": "Alice Liddell", "given_name": "Alice", "locale": "en", "preferred_username": "alice"},
        ),
        (("openid", "email"), {"email": "alice@acme.test", "email_verified": True}),
    ],
)
async def test_scopes_open_claims(market: Market, scopes: tuple[str, ...], claims: dict[str, Any]) -> None:
    extra = {"locale": "en", "salary": 1}
    await market.issuer.change(Account, market.account.id, claims=extra, username="alice")
    answer = await market.userinfo((await market.tokens(scopes=scopes))["access_token"])
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json == {"sub": market.account.id, **claims}


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.3.1")
@pytest.mark.spec("RFC 6750 section 2.2")
async def test_post_takes_the_token_in_header_or_body(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    in_body = await market.issuer.post("userinfo", {"access_token": token})
    in_header = await market.issuer.send("userinfo", headers=[(b"authorization", b"bearer " + token.encode())])
    assert in_body.json == in_header.json
    assert in_body.json["sub"] == market.account.id


@pytest.mark.spec("RFC 6750 section 2.3")
@pytest.mark.attack("R3")
async def test_a_token_in_the_query_or_twice_is_refused(market: Market) -> None:
    token = (await market.tokens())["access_token"].encode()
    header = (b"authorization", b"Bearer " + token)
    send = market.issuer.send
    for answer in (
        await send("userinfo", method="GET", query=b"access_token=" + token),
        await send("userinfo", method="GET", query=b"access_token=" + token, headers=[header]),
        await send("userinfo", method="GET", headers=[header, header]),
        await send("userinfo", b"access_token=" + token, headers=[header, FORM]),
        await send("userinfo", b"access_token=" + token + b"&access_token=" + token, headers=[FORM]),
    ):
        assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.spec("RFC 6750 section 3")
async def test_challenges_say_what_is_wrong(market: Market) -> None:
    nothing = await market.issuer.send("userinfo", method="GET")
    assert (nothing.status, nothing.headers["www-authenticate"]) == (
        401,
        'Bearer realm="keystead", DPoP algs="ES256 Ed25519 EdDSA PS256"',
    )
    wrong = await market.userinfo("ksa_nonsense")
    assert wrong.status == 401
    assert wrong.headers["www-authenticate"].startswith('Bearer realm="keystead", error="invalid_token", ')


@pytest.mark.spec("RFC 6750 section 3.1")
async def test_without_openid_the_scope_is_insufficient(market: Market) -> None:
    token = (await market.tokens(scopes=("email",)))["access_token"]
    answer = await market.userinfo(token)
    assert (answer.status, answer.error) == (403, "insufficient_scope")


@pytest.mark.attack("G6")
async def test_a_token_for_an_api_is_not_one_for_the_issuer(market: Market) -> None:
    tokens = await market.tokens("jwtweb", scopes=("openid", "catalog:read"), resources=(CATALOG,))
    assert (await market.userinfo(tokens["access_token"])).status == 401
    subject = (await market.tokens())["access_token"]
    exchanged = (await market.exchange(subject, CATALOG)).json["access_token"]
    assert (await market.userinfo(exchanged)).status == 401


@pytest.mark.attack("J10")
async def test_other_kinds_of_token_open_nothing(market: Market) -> None:
    tokens = await market.tokens()
    for kind in ("id_token", "refresh_token"):
        assert (await market.userinfo(tokens[kind])).status == 401
    own = (await market.issuer.token("client_credentials", client="batch", scope="catalog:read")).json
    assert (await market.userinfo(own["access_token"])).status == 401


async def test_a_person_who_is_gone_is_not_spoken_of(market: Market) -> None:
    token = (await market.tokens())["access_token"]
    await market.issuer.change(Account, market.account.id, enabled=False)
    assert (await market.userinfo(token)).status == 401
