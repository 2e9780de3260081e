"""The SDK's client against the real issuer over HTTP: bound tokens bought with proofs and shown with proofs."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx2
import pytest

from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.trace import new_trace
from keystead.core.values import EpochSeconds, Secret
from keystead.sdk import SenderConstraint, TokenExchange, VerifiedCaller, Verifier
from keystead.sdk.asgi import KeysteadMiddleware
from keystead.sdk.dpop import DpopKey
from keystead.sdk.dpop_client import DpopClientCredentials
from keystead.sdk.errors import TokenRefused
from keystead.sdk.service_client import ServiceClient
from tests.issuer import SECRET, Issuer
from tests.market import CATALOG, open_market
from tests.served import served
from tests.unit.sdk.test_doors import hello, serving

NOBODY: dict[str, Any] = {
    **dict.fromkeys(("issuer", "subject", "client_id", "acr", "session", "grant", "token_id"), ""),
    **dict.fromkeys(("audience", "actors", "amr", "roles"), ()),
    **dict.fromkeys(("auth_time", "issued_at", "expires_at"), EpochSeconds(0)),
    "scopes": frozenset(),
    "of_person": True,
    "claims": {},
}


@pytest.mark.spec("RFC 9449 section 8")
@pytest.mark.spec("RFC 9449 section 9")
@pytest.mark.parametrize("nonces", [False, True])
async def test_a_client_buys_and_shows_bound_tokens(issuer: Issuer, nonces: bool) -> None:
    await open_market(issuer)
    await issuer.change(Client, "batch", access_token_format="jwt", dpop_bound_access_tokens=True)
    await issuer.change(Realm, "acme", require_dpop_nonce=nonces)
    inner: list[Any] = []

    async def late(scope: Any, receive: Any, send: Any) -> None:
        await inner[0](scope, receive, send)

    async with served(issuer), serving(late) as service:
        sender = SenderConstraint(base_urls=(service,), required=True)
        verifier = Verifier(issuer=issuer.url, audience=CATALOG, sender=sender)
        inner.append(KeysteadMiddleware(hello, verifier=verifier))
        key = DpopKey()
        auth = DpopClientCredentials(
            service, issuer=issuer.url, client_id="batch", client_secret=SECRET, audience=CATALOG, key=key
        )
        async with httpx2.AsyncClient(auth=auth, trust_env=False) as client:
            for _ in range(2):
                answer = await client.get(f"{service}/items")
                assert (answer.status_code, answer.text) == (200, "batch")
        assert len([one for one in issuer.journal.decisions if one.reason == "token.issued"]) == 1

        def synchronously() -> int:
            with httpx2.Client(auth=auth, trust_env=False) as client:
                return client.post(f"{service}/items", json={}).status_code

        assert await asyncio.to_thread(synchronously) == 200
        await verifier.close()


@pytest.mark.spec("RFC 9449 section 5")
async def test_a_refusal_is_told(issuer: Issuer) -> None:
    await open_market(issuer)
    async with served(issuer):
        auth = DpopClientCredentials(
            "http://127.0.0.1:9", issuer=issuer.url, client_id="batch", client_secret="wrong", audience=CATALOG
        )
        async with httpx2.AsyncClient(auth=auth, trust_env=False) as client:
            with pytest.raises(TokenRefused, match="invalid_client"):
                await client.get("http://127.0.0.1:9/items")


@pytest.mark.spec("RFC 8693 section 2.2.1")
@pytest.mark.parametrize("nonces", [False, True])
async def test_an_exchange_with_a_key_is_called_on_with_proofs(issuer: Issuer, nonces: bool) -> None:
    issuer.now = EpochSeconds(int(time.time()))
    market = await open_market(issuer)
    inner: list[Any] = []

    async def late(scope: Any, receive: Any, send: Any) -> None:
        await inner[0](scope, receive, send)

    async with served(issuer), serving(late) as service:
        subject_token = (await market.tokens())["access_token"]
        await issuer.change(Realm, "acme", require_dpop_nonce=nonces)
        nonce_key = Secret("k" * 32) if nonces else None
        sender = SenderConstraint(base_urls=(service,), required=True, nonce_key=nonce_key)
        verifier = Verifier(issuer=issuer.url, audience=CATALOG, sender=sender)
        inner.append(KeysteadMiddleware(hello, verifier=verifier))
        exchange = TokenExchange(issuer=issuer.url, client_id="web", client_secret=SECRET, dpop=DpopKey())
        client = ServiceClient(service, CATALOG, exchange=exchange)
        caller = VerifiedCaller(token=Secret(subject_token), trace=new_trace(), **NOBODY)
        for _ in range(2):
            answer = await client.request("GET", "/items?page=1", caller=caller)
            assert (answer.status_code, answer.text) == (200, market.account.id)
        for one in (client, exchange, verifier):
            await one.close()
