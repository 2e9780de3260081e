"""What callers without credentials can make us store, fetch and wait for: little, and never at others' expense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest

from keystead.core.records.client import Client
from keystead.core.records.interaction import Interaction
from keystead.core.records.registration import RegistrationRules
from keystead.storage.ports import find
from tests.client_requests import push, pushed_url
from tests.harness.browser import in_process
from tests.harness.documents import DocumentServer, document_server
from tests.issuer import VERIFIER, Issuer, challenge, confidential
from tests.registrar import REDIRECT, open_registrar
from tests.shop import browser_for, good_request, open_shop

FORM = ((b"content-type", b"application/x-www-form-urlencoded"),)


@pytest.fixture
async def server() -> AsyncIterator[DocumentServer]:
    """The web server of another party."""
    async with document_server() as server:
        yield server


async def open_public_shop(issuer: Issuer, **fields: Any) -> None:
    """The shop, as an application that proves nothing: everybody knows its name."""
    await open_shop(issuer)
    await issuer.change(Client, "shop", token_endpoint_auth_method="none", client_secret_digests=(), **fields)


@pytest.mark.attack("G8")
async def test_metadata_that_is_refused_makes_us_fetch_little(issuer: Issuer, server: DocumentServer) -> None:
    """Whoever may try to register may not make us flood a server that has nothing to do with it."""
    registrar = await open_registrar(issuer, open=True)
    for number in range(40):
        metadata = {
            "redirect_uris": [REDIRECT],
            "sector_identifier_uri": f"{server.url}/victim?{number}",
            "subject_type": "pairwise",
        }
        answer = await registrar.post(metadata, token=None)
        assert answer.status in (400, 503), answer.body
    assert server.hits["/victim"] <= 20


@pytest.mark.attack("S1")
async def test_a_document_that_is_refused_is_not_judged_again_for_each_visitor(
    issuer: Issuer, server: DocumentServer
) -> None:
    """Its sector_identifier_uri names a victim: every anonymous visit would be a request there."""
    await issuer.set_up(registration=RegistrationRules(metadata_documents=True))
    client_id = f"{server.url}/app.json"
    good = {"client_id": client_id, "client_name": "An app", "redirect_uris": [REDIRECT]}
    server.put("/app.json", good)
    query = f"client_id={client_id}&response_type=code&scope=openid&redirect_uri={REDIRECT}".encode()
    await issuer.send("authorize", method="GET", query=query)
    issuer.later(600)
    server.put("/app.json", {**good, "sector_identifier_uri": f"{server.url}/victim"})
    for _ in range(30):
        await issuer.send("authorize", method="GET", query=query)
    assert server.hits["/app.json"] == 2
    assert server.hits["/victim"] <= 3


@pytest.mark.attack("D1")
async def test_slow_pictures_keep_nothing_else_waiting(issuer: Issuer, server: DocumentServer, tarpit: str) -> None:
    """A hundred applications with logos at a server that never answers; somebody asks for all of them at once."""
    clients = [confidential(f"app{number}", logo_uri=f"{tarpit}/{number}.png") for number in range(100)]
    await issuer.set_up(*clients)
    asking = [
        asyncio.create_task(issuer.send("client-logo", method="GET", query=f"client_id={client.id}".encode()))
        for client in clients
    ]
    async with asyncio.timeout(40):
        while len([task for task in asking if not task.done()]) > 8:
            await asyncio.sleep(0.01)
    fetched = await issuer.outbound.get(server.put("/jwks", {"keys": []}))
    assert fetched.status == 200
    answers = await asyncio.gather(*asking)
    assert {answer.status for answer in answers} == {404}


@pytest.mark.attack("P6")
async def test_one_address_cannot_fill_the_store_with_challenges(issuer: Issuer) -> None:
    await open_public_shop(issuer, first_party=True, skip_consent=True)
    body = (
        "client_id=shop&response_type=code&scope=openid&code_challenge_method=S256"
        f"&code_challenge={challenge(VERIFIER)}"
    ).encode()
    wire = in_process(issuer, "198.51.100.9")
    statuses = [(await wire("POST", f"{issuer.url}/authorization_challenge", FORM, body)).status for _ in range(100)]
    assert statuses.count(503) >= 30
    elsewhere = in_process(issuer, "198.51.100.10")
    assert (await elsewhere("POST", f"{issuer.url}/authorization_challenge", FORM, body)).status == 400
    issuer.later(60)
    assert (await wire("POST", f"{issuer.url}/authorization_challenge", FORM, body)).status == 400


@pytest.mark.attack("P6")
async def test_one_address_cannot_fill_the_store_with_pushed_requests(issuer: Issuer) -> None:
    """Everybody knows the name of a public client, and what is pushed is kept for more than an hour."""
    await open_public_shop(issuer)
    body = urlencode(good_request(client_id="shop")).encode()
    wire = in_process(issuer, "198.51.100.9")
    statuses = [(await wire("POST", f"{issuer.url}/par", FORM, body)).status for _ in range(100)]
    assert (statuses.count(201), statuses.count(503)) == (60, 40)
    assert (await in_process(issuer, "198.51.100.10")("POST", f"{issuer.url}/par", FORM, body)).status == 201
    issuer.later(60)
    assert (await wire("POST", f"{issuer.url}/par", FORM, body)).status == 201
    large = urlencode(good_request(client_id="shop", claims='{"userinfo":{}}' + " " * 12_000)).encode()
    refused = await wire("POST", f"{issuer.url}/par", FORM, large)
    assert refused.status == 400


@pytest.mark.attack("P6")
async def test_one_pushed_request_is_not_stored_for_every_visit(issuer: Issuer) -> None:
    """A reference opens as often as one likes; a request too large for a URL was stored anew each time."""
    await open_shop(issuer)
    answer = await push(issuer, state="s" * 4_000, nonce="n" * 512, login_hint="l" * 200)
    assert answer.status == 201, answer.body
    for _ in range(100):
        await browser_for(issuer).get(pushed_url(issuer, answer.json["request_uri"]), follow=False)
    stored = await issuer.store.read(find(Interaction, "acme", issuer.now))
    assert 0 < len(stored) <= 20


@pytest.mark.attack("D1")
async def test_slow_request_objects_keep_nothing_else_waiting(
    issuer: Issuer, server: DocumentServer, tarpit: str
) -> None:
    """One client that registered itself with forty request_uris at a server that never answers."""
    await open_shop(issuer)
    uris = tuple(f"{tarpit}/{number}" for number in range(40))
    await issuer.change(Client, "shop", request_uris=uris)
    queries = [urlencode({"client_id": "shop", "request_uri": uri}).encode() for uri in uris]
    asking = [asyncio.create_task(issuer.send("authorize", method="GET", query=query)) for query in queries]
    await asyncio.sleep(0.3)
    assert len([task for task in asking if not task.done()]) <= 8
    assert (await issuer.outbound.get(server.put("/jwks", {"keys": []}))).status == 200
    answers = await asyncio.gather(*asking)
    assert {answer.status for answer in answers} == {400}
