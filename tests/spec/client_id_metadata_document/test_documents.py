"""Clients whose client_id is the address of their metadata: fetched, judged, kept, and never vouched for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.registration import RegistrationRules
from keystead.oauth.registration.metadata_documents import names_a_document
from keystead.storage.ports import get
from tests.harness.documents import DocumentServer, document_server
from tests.issuer import VERIFIER, Answer, Issuer, challenge

CALLBACK = "https://app.test/cb"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SPEC = "draft-ietf-oauth-client-id-metadata-document section"


@pytest.fixture
async def server() -> AsyncIterator[DocumentServer]:
    """The web server of an application."""
    async with document_server() as server:
        yield server


@pytest.fixture
async def realm(issuer: Issuer) -> Issuer:
    """A realm that admits such clients."""
    await issuer.set_up(registration=RegistrationRules(metadata_documents=True))
    return issuer


def publish(server: DocumentServer, path: str = "/app.json", **members: Any) -> str:
    """Publish a good document, or a changed one, and return the client_id."""
    good = {"client_id": server.url + path, "client_name": "An app", "redirect_uris": [CALLBACK]}
    return server.put(path, {name: value for name, value in (good | members).items() if value is not ...})


async def ask(issuer: Issuer, client_id: str, redirect_uri: str = CALLBACK) -> Answer:
    """Ask for authorization."""
    query = (
        f"client_id={client_id}&response_type=code&scope=openid&redirect_uri={redirect_uri}&state=s"
        f"&code_challenge={challenge(VERIFIER)}&code_challenge_method=S256"
    )
    return await issuer.send("authorize", method="GET", query=query.encode())


async def kept(issuer: Issuer, client_id: str) -> Client | None:
    return await issuer.store.read(get(Client, "acme", client_id, issuer.now))


@pytest.mark.spec(f"{SPEC} 4")
async def test_a_client_is_known_by_its_document(realm: Issuer, server: DocumentServer) -> None:
    client_id = publish(server)
    answer = await ask(realm, client_id)
    assert (answer.status, "/sign-in?" in answer.headers["location"]) == (303, True)
    client = await kept(realm, client_id)
    assert client is not None
    assert (client.self_registered, client.token_endpoint_auth_method, client.client_name) == (True, "none", "An app")
    await ask(realm, client_id)
    assert server.hits["/app.json"] == 1
    assert (await ask(realm, client_id, "https://evil.test/cb")).status == 400


@pytest.mark.spec(f"{SPEC} 6")
async def test_the_page_shows_whose_document_it_is(realm: Issuer, server: DocumentServer) -> None:
    begun = await ask(realm, publish(server, client_name="Your bank"))
    cookie = begun.headers["set-cookie"].partition(";")[0].encode()
    query = begun.headers["location"].partition("?")[2].encode()
    page = await realm.send("sign-in", method="GET", query=query, headers=[(b"cookie", cookie)])
    assert '<span class="soft" id="client-host">(127.0.0.1)</span>' in page.body.decode()


@pytest.mark.spec(f"{SPEC} 5")
async def test_discovery_says_whether(realm: Issuer) -> None:
    async def said() -> bool:
        document = (await realm.send(".well-known/openid-configuration", method="GET")).json
        supported: bool = document["client_id_metadata_document_supported"]
        return supported

    assert await said()
    await realm.change(Realm, "acme", registration=RegistrationRules())
    realm.later(1)
    assert not await said()


async def test_a_realm_that_does_not_admit_them_fetches_nothing(issuer: Issuer, server: DocumentServer) -> None:
    await issuer.set_up()
    assert (await ask(issuer, publish(server))).status == 400
    await issuer.change(
        Realm, "acme", registration=RegistrationRules(metadata_documents=True, metadata_document_hosts=("app.test",))
    )
    assert (await ask(issuer, publish(server))).status == 400
    assert server.hits == {}


@pytest.mark.spec(f"{SPEC} 4.1")
@pytest.mark.parametrize(
    "members",
    [
        {"client_id": "https://other.test/app.json"},
        {"client_id": ...},
        {"client_secret": "x" * 40},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ...},
        {"grant_types": ["client_credentials"]},
        {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
    ],
)
async def test_documents_that_make_no_client(realm: Issuer, server: DocumentServer, members: dict[str, Any]) -> None:
    client_id = publish(server, **members)
    assert (await ask(realm, client_id if "client_id" not in members else server.url + "/app.json")).status == 400
    assert await kept(realm, server.url + "/app.json") is None


@pytest.mark.spec(f"{SPEC} 3")
def test_addresses_that_name_a_document() -> None:
    assert names_a_document("https://app.test/client")
    assert names_a_document("https://app.test:8443/a/b.json")
    for address in (
        "https://app.test",
        "http://app.test/client",
        "https://app.test/client#part",
        "https://app.test/client?v=1",
        "https://user@app.test/client",
        "https://app.test/../client",
        "https://app.test/./client",
        "https://app.test/%2e%2e/client",
        "https:///client",
        "ftp://app.test/client",
        "https://app.test/" + "x" * 300,
        "https://app.test\\@evil.test/client",
    ):
        assert not names_a_document(address), address


@pytest.mark.spec(f"{SPEC} 4.3")
async def test_a_changed_document_changes_the_client(realm: Issuer, server: DocumentServer) -> None:
    client_id = publish(server)
    await ask(realm, client_id)
    publish(server, client_name="Renamed", redirect_uris=["https://new.test/cb"])
    realm.later(301)
    assert (await ask(realm, client_id)).status == 400
    assert (await ask(realm, client_id, "https://new.test/cb")).status == 303
    server.broken = True
    realm.later(3600)
    assert (await ask(realm, client_id, "https://new.test/cb")).status == 303, "while its server is down"


async def test_an_operator_may_switch_one_off_for_good(realm: Issuer, server: DocumentServer) -> None:
    client_id = publish(server)
    await ask(realm, client_id)
    await realm.change(Client, client_id, enabled=False)
    for _ in range(3):
        realm.later(20 * 86_400)
        assert (await ask(realm, client_id)).status == 400
    client = await kept(realm, client_id)
    assert client is not None
    assert not client.enabled


@pytest.mark.spec(f"{SPEC} 4.2")
async def test_keys_of_a_document_authenticate(realm: Issuer, server: DocumentServer) -> None:
    key = generate("ES256")
    client_id = publish(
        server, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.public().jwk()]}, profile="oauth21"
    )
    claims = {"iss": client_id, "sub": client_id, "aud": realm.url, "jti": "1", "exp": realm.now + 60}
    form = {"client_assertion_type": TYPE, "client_assertion": jws.sign(claims, key, "JWT")}
    code = {"grant_type": "authorization_code", "code": "ksc_x", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    assert (await realm.post("token", form | code)).error == "invalid_grant"
    assert (await realm.post("token", code | {"client_id": client_id})).error == "invalid_client"


@pytest.mark.attack("S1")
async def test_nobody_makes_us_fetch_the_whole_web(realm: Issuer, server: DocumentServer) -> None:
    for number in range(60):
        await ask(realm, publish(server, f"/{number}"))
    assert sum(server.hits.values()) <= 20
    for address in ("https://169.254.169.254/x", "https://10.0.0.1/x", "https://[::1]/x"):
        assert (await ask(realm, address)).status == 400


@pytest.mark.attack("G8")
async def test_a_document_never_takes_an_operators_client_over(realm: Issuer, server: DocumentServer) -> None:
    client_id = publish(server)
    await realm.keep(Client(realm="acme", id=client_id, redirect_uris=("https://ours.test/cb",), scope="openid"))
    assert (await ask(realm, client_id)).status == 400
    assert server.hits == {}
