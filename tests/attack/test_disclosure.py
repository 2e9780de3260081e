"""T3 and T4: nobody learns what is not theirs from any door, and no text anywhere becomes part of a query."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest

from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.storage.ports import get
from tests.issuer import SECRET, Answer, Issuer, every_endpoint
from tests.market import CATALOG, Market
from tests.shop import password_hash

PRIVATE = (b'"d"', b"argon2", b"password_hash", b"client_secret_digests", b"secrets_sealed", b"authority_epoch")


@pytest.mark.attack("T3")
@pytest.mark.parametrize("path", sorted(every_endpoint()))
async def test_a_stranger_learns_nothing_at_any_door(market: Market, path: str) -> None:
    await market.issuer.change(Account, market.account.id, password_hash=password_hash())
    client = await _client(market.issuer, "web")
    of_others = (market.account.id, market.account.email, market.session.id, *client.client_secret_digests, SECRET)
    for method in sorted(every_endpoint()[path].methods & {"GET", "POST"}):
        for query in ("", "client_id=web", f"sub={market.account.id}", "wait=0&after="):
            answer = await _ask(market.issuer, path, method, query)
            told = answer.body + repr(sorted(answer.headers.items())).encode()
            assert answer.status < 500, (method, query)
            assert [word for word in PRIVATE if word in told] == []
            assert [text for text in of_others if text not in query and text.encode() in told] == []


async def _client(issuer: Issuer, id: str) -> Client:
    client = await issuer.store.read(get(Client, issuer.realm, id, issuer.now))
    assert client is not None
    return client


async def _ask(issuer: Issuer, path: str, method: str, query: str) -> Answer:
    if method == "GET":
        return await issuer.send(path, method="GET", query=query.encode())
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    return await issuer.send(path, query.encode(), headers=headers)


INJECTIONS = (
    "' OR '1'='1",
    "web' --",
    'web"; DROP TABLE record; --',
    "web\\",
    "%",
    "_eb",
    "w%",
    "*",
    "web UNION SELECT 1",
    "$1",
    ":realm",
    "?",
    "web/../other",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "0",
    "-1",
    "99999999999999999999999999",
    "1e9",
    "web\u2019",
)


@pytest.mark.attack("T4")
@pytest.mark.parametrize("text", INJECTIONS)
async def test_no_text_is_part_of_a_query(market: Market, text: str) -> None:
    issuer = market.issuer
    token = (await market.tokens())["access_token"]
    named = quote(text)
    asked = [
        await issuer.token("client_credentials", client=text, secret=SECRET),
        await issuer.token("client_credentials", client="batch", resource=text),
        await issuer.token("client_credentials", client="batch", scope=text.replace('"', "").replace("\\", "") or "x"),
        await issuer.redeem(text),
        await issuer.redeem(f"ksc_{text}"),
        await market.refresh(text),
        await market.exchange(token, text),
        await market.exchange(text, CATALOG),
        await issuer.send("revocations", method="GET", query=f"wait=0&after={named}".encode()),
        await issuer.send("authorize", method="GET", query=urlencode({"client_id": text}).encode()),
        await issuer.send(
            "authorize", method="GET", query=urlencode({"request_uri": text, "client_id": "web"}).encode()
        ),
        await issuer.send("sign-in", method="GET", query=urlencode({"interaction": text}).encode()),
        await issuer.send("device", method="GET", query=urlencode({"user_code": text}).encode()),
    ]
    assert [answer.status for answer in asked if answer.status >= 500] == []
    assert [answer.status for answer in asked[:8] if answer.status < 400] == []
    assert not await market.active(text)
    assert await market.active(token), "whatever was asked, nothing was ended by it"
