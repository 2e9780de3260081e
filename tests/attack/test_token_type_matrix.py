"""J10: every kind of JWT that the issuer signs, offered at every door that reads one. Only the kind decides.

Each token carries the claims of all kinds at once, is signed with the realm's own key and is meant for everybody, so
that nothing but its `typ` can keep it out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import msgspec
import pytest

from keystead.core.jose import base64url
from keystead.core.records.api import Api, ExchangePolicy
from keystead.core.records.client import Client
from tests.market import CATALOG, Market
from tests.shop import browser_for, good_request

pytestmark = pytest.mark.attack("J10")

KINDS = (
    "at+jwt",
    "JWT",
    "token-introspection+jwt",
    "logout+jwt",
    "secevent+jwt",
    "statuslist+jwt",
    "oauth-id-jag+jwt",
    "txntoken+jwt",
    "dpop+jwt",
    "oauth-authz-req+jwt",
    "client-authentication+jwt",
    "workload-assertion+jwt",
    "AT+JWT ",
    "jwt",
    "application/at+jwt",
    None,
)
CLIENT = "jwtweb"
ACCESS = {"at+jwt", "application/at+jwt"}
ID_TOKEN = {"JWT"}


async def everything(market: Market, typ: str | None) -> str:
    """Return a token of a kind, good in every other respect for every door."""
    claims = await market.claims((await market.tokens(CLIENT, ("openid",)))["access_token"])
    issuer = market.issuer
    claims |= {
        "aud": [issuer.url, f"{issuer.url}/token", CATALOG, CLIENT, "https://app.test/cb"],
        "scope": "openid catalog:read",
        "nonce": "n-0S6_WzA2Mj",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "token_introspection": {"active": True},
        "azp": CLIENT,
    }
    key = await issuer.cx.keys.signer("acme", issuer.now)
    header = {"alg": key.algorithm, "kid": key.kid} | ({"typ": typ} if typ is not None else {})
    text = b".".join(base64url.encode(msgspec.json.encode(part)) for part in (header, claims))
    return (text + b"." + base64url.encode(key.sign(text))).decode()


async def _userinfo(market: Market, token: str) -> bool:
    return (await market.userinfo(token)).status == 200


async def _introspect(market: Market, token: str) -> bool:
    return await market.active(token, CLIENT)


async def _exchange(market: Market, token: str) -> bool:
    await market.issuer.change(Api, CATALOG, exchange=ExchangePolicy(sources=(CLIENT,)))
    return (await market.exchange(token, CATALOG, CLIENT)).status == 200


async def _hint_at_authorize(market: Market, token: str) -> bool:
    query = urlencode(good_request(client_id=CLIENT, prompt="none", id_token_hint=token))
    page = await browser_for(market.issuer).get(f"authorize?{query}", follow=False)
    return page.answer.get("error") == "login_required"


async def _hint_at_logout(market: Market, token: str) -> bool:
    answer = await market.issuer.send("logout", method="GET", query=urlencode({"id_token_hint": token}).encode())
    return answer.status < 400


async def _assertion(market: Market, token: str) -> bool:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form = {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": token}
    return (await market.issuer.post("token", {**form, "client_id": CLIENT})).status == 200


async def _authorization_grant(market: Market, token: str) -> bool:
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    await market.issuer.change(Client, CLIENT, grant_types=("authorization_code", "refresh_token", grant))
    return (await market.issuer.token(grant, client=CLIENT, assertion=token)).status == 200


DOORS: dict[str, tuple[Callable[[Market, str], Awaitable[bool]], set[str]]] = {
    "userinfo": (_userinfo, ACCESS),
    "introspect": (_introspect, ACCESS),
    "subject_token": (_exchange, ACCESS),
    "id_token_hint at authorize": (_hint_at_authorize, ID_TOKEN),
    "id_token_hint at logout": (_hint_at_logout, ID_TOKEN),
    "client_assertion": (_assertion, set()),
    "authorization grant": (_authorization_grant, set()),
}


@pytest.mark.parametrize("door", DOORS)
async def test_only_its_own_kind_opens_a_door(market: Market, door: str) -> None:
    knock, welcome = DOORS[door]
    opened = {kind for kind in KINDS if await knock(market, await everything(market, kind))}
    same = {kind for kind in KINDS if kind is not None and kind.lower() in {kind.lower() for kind in welcome}}
    assert opened == same
