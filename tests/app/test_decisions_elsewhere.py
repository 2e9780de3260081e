"""The grants without a redirect, through the started product: real HTTP, the file's settings, two processes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.keys import PrivateKey
from tests.harness.configuration import CATALOG, ORDERS
from tests.harness.issuer import RunningIssuer
from tests.harness.oauth_client import OAuthClient

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TXN = "urn:ietf:params:oauth:token-type:txn_token"


class Elsewhere:
    """An issuer elsewhere, that serves its metadata and keys over HTTP."""

    def __init__(self) -> None:
        self.keys: list[PrivateKey] = [generate("ES256")]
        self.url = ""
        self.asked: list[str] = []

    def assertion(self, audience: str, **claims: Any) -> str:
        """Sign with the newest key."""
        now = int(time.time())
        usual = {"iss": self.url, "sub": "repo:acme/shop", "aud": audience, "iat": now, "exp": now + 60}
        return jws.sign({**usual, "jti": f"jti-{time.monotonic_ns()}", **claims}, self.keys[-1], "JWT")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve on loopback."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            self.asked.append(path)
            keys = {"keys": [key.public().jwk() for key in self.keys]}
            document = keys if path == "/jwks" else {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}
            body = msgspec.json.encode(document)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
            writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    """Another issuer, serving."""
    made = Elsewhere()
    async with made.serving():
        yield made


@pytest.fixture
async def started(unserved: RunningIssuer, elsewhere: Elsewhere) -> RunningIssuer:
    """The product with every such grant in its file."""
    return await start(unserved, elsewhere)


@pytest.fixture
async def started_nodes(unstarted_nodes: RunningIssuer, elsewhere: Elsewhere) -> RunningIssuer:
    """The same, once on each database that several processes may share."""
    return await start(unstarted_nodes, elsewhere)


async def start(unserved: RunningIssuer, elsewhere: Elsewhere) -> RunningIssuer:
    """Write the file and start the product."""
    secret = "a secret that is long enough"
    unserved.configuration["server"]["outbound"] = {"allow": ["127.0.0.0/8"]}
    realm = unserved.realm
    realm["danger_backchannel_test_decisions"] = True
    realm["workloads"] = [{"name": "deployer", "scope": "catalog:read"}]
    realm["transaction_tokens"] = {"trust_domain": "shop.internal", "from": ["bff"]}
    realm["clients"] += [
        {
            "client_id": "tv",
            "token_endpoint_auth_method": "none",
            "grant_types": [DEVICE, "refresh_token"],
            "scope": "openid catalog:read",
        },
        {"client_id": "counter", "client_secret": secret, "grant_types": [CIBA], "scope": "openid catalog:read"},
        {
            "client_id": "app",
            "token_endpoint_auth_method": "none",
            "redirect_uris": ["com.acme.app:/done"],
            "scope": "openid",
            "skip_consent": True,
            "first_party": True,
        },
    ]
    realm["trusted_issuers"] = [
        {
            "name": "ci",
            "issuer": elsewhere.url,
            "discovery": True,
            "workload": "deployer",
            "conditions": [{"claim": "sub", "glob": "repo:acme/*"}],
        }
    ]
    await unserved.start()
    return unserved


async def begin(client: OAuthClient) -> dict[str, Any]:
    """Begin a device authorization."""
    answer = await client.post("device_authorization_endpoint", {"scope": "openid catalog:read"})
    assert answer.status == 200, answer.body
    return answer.json


async def allow(started: RunningIssuer, begun: dict[str, Any]) -> None:
    """Have Alice allow it."""
    alice = started.person("alice")
    page = await alice.browser.get(begun["verification_uri_complete"])
    page = await alice.browser.press(page, "device-submit", user_code=begun["user_code"])
    page = await alice.browser.press(page, "device-continue")
    page = await alice.browser.press(page, "login-submit", username="alice", password=alice.password)
    page = await alice.browser.press(page, "consent-allow")
    assert "Your device is connected" in page.text


async def test_every_way_in(started: RunningIssuer, elsewhere: Elsewhere) -> None:
    television = started.client("tv")
    begun = await begin(television)
    assert (await television.token(DEVICE, device_code=begun["device_code"])).error == "authorization_pending"
    await allow(started, begun)
    tokens = await television.token(DEVICE, device_code=begun["device_code"])
    assert tokens.status == 200, tokens.body
    assert (await television.userinfo(tokens["access_token"])).status == 200

    counter = started.client("counter")
    asked = await counter.post("backchannel_authentication_endpoint", {"scope": "openid", "login_hint": "alice"})
    assert asked.status == 200, asked.body
    await counter.send("GET", f"{started.url}/ciba/test?auth_req_id={asked['auth_req_id']}&action=allow")
    assert (await counter.token(CIBA, auth_req_id=asked["auth_req_id"])).status == 200

    app = started.client("app")
    verifier = "v" * 43
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    step = {"response_type": "code", "scope": "openid", "code_challenge": digest, "code_challenge_method": "S256"}
    password = started.person("alice").password
    answer = await app.post("authorization_challenge_endpoint", {**step, "username": "alice", "password": password})
    assert answer.status == 200, answer.body
    redeemed = await app.token("authorization_code", code=answer["authorization_code"], code_verifier=verifier)
    assert redeemed.status == 200, redeemed.body


async def test_another_issuers_keys_are_found_and_followed(started: RunningIssuer, elsewhere: Elsewhere) -> None:
    anybody = started.client("tv")
    metadata = await anybody.discover()
    assert "trusted_issuer" in metadata["token_endpoint_auth_methods_supported"]

    async def bring(assertion: str) -> Any:
        form = {"grant_type": JWT_BEARER, "assertion": assertion, "scope": "catalog:read"}
        return await anybody.post("token_endpoint", form, authenticate=False)

    first = elsewhere.assertion(started.url)
    answer = await bring(first)
    assert answer.status == 200, answer.body
    assert (await bring(first)).error == "invalid_grant", "once"
    assert elsewhere.asked == ["/.well-known/openid-configuration", "/jwks"]
    elsewhere.keys.append(generate("ES256"))
    assert (await bring(elsewhere.assertion(started.url))).status == 200, "a new key is fetched when it is met"
    assert (await bring(elsewhere.assertion(started.url, sub="repo:evil/shop"))).error == "invalid_client"
    stranger = Elsewhere()
    stranger.url = elsewhere.url
    before = len(elsewhere.asked)
    for _ in range(6):
        assert (await bring(stranger.assertion(started.url))).error == "invalid_client"
    assert len(elsewhere.asked) - before <= 3, "strangers cannot make us flood another server"


async def test_transaction_tokens(started: RunningIssuer) -> None:
    bff = started.client("bff")
    code = await started.person("alice").authorize(bff, scope="openid orders:read orders:write")
    token = (await bff.redeem(code))["access_token"]
    answer = await bff.token(
        EXCHANGE,
        requested_token_type=TXN,
        audience="shop.internal",
        scope="orders:write",
        subject_token=token,
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        request_details='{"action":"BUY"}',
    )
    assert (answer.status, answer["token_type"]) == (200, "N_A"), answer.body
    assert (await bff.exchange(answer["access_token"], ORDERS)).error == "invalid_grant"
    assert (await bff.exchange(token, CATALOG)).error == "invalid_scope"


@pytest.mark.attack("G3")
async def test_two_nodes_redeem_one_device_code_once(started_nodes: RunningIssuer) -> None:
    television = started_nodes.client("tv")
    begun = await begin(television)
    other = started_nodes.client("tv", origin=await started_nodes.start_another())
    await allow(started_nodes, begun)
    answers = await asyncio.gather(
        *(node.token(DEVICE, device_code=begun["device_code"]) for node in (television, other) * 8)
    )
    assert [answer.status for answer in answers].count(200) == 1
    assert {answer.error for answer in answers if answer.status != 200} == {"invalid_grant"}
