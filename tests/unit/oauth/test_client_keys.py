"""Keys at a `jwks_uri`: fetched once, kept, renewed when they changed, and never fetched at a stranger's pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.keys import PrivateKey
from keystead.core.jose.outcomes import Rejected, VerifiedToken
from keystead.core.records.client import Client
from keystead.oauth.client_keys import ClientKeysUnusable, encryption_key_of, keys_of, read_signed
from tests.harness.documents import DocumentServer, document_server
from tests.issuer import Issuer, confidential


@pytest.fixture
async def server() -> AsyncIterator[DocumentServer]:
    async with document_server() as server:
        yield server


def publish(server: DocumentServer, *keys: PrivateKey, **headers: str) -> Client:
    """Publish keys and return the client whose they are."""
    address = server.put("/jwks", {"keys": [key.public().jwk() for key in keys]}, **headers)
    return confidential("remote", jwks_uri=address, token_endpoint_auth_method="private_key_jwt")


async def read(issuer: Issuer, client: Client, key: PrivateKey) -> VerifiedToken | Rejected:
    return await read_signed(jws.sign({"a": 1}, key, "JWT"), client, issuer.cx, issuer.now, typ={"jwt"})


async def test_keys_are_fetched_once_while_fresh(issuer: Issuer, server: DocumentServer) -> None:
    key = generate("ES256")
    client = publish(server, key)
    for _ in range(3):
        assert isinstance(await read(issuer, client, key), VerifiedToken)
    assert server.hits["/jwks"] == 1
    issuer.later(301)
    assert isinstance(await read(issuer, client, key), VerifiedToken)
    assert server.hits["/jwks"] == 2


@pytest.mark.spec("OpenID Connect Core 1.0 section 10.1.1")
async def test_an_unknown_key_makes_us_look_again(issuer: Issuer, server: DocumentServer) -> None:
    old, new = generate("ES256"), generate("ES256")
    client = publish(server, old)
    assert isinstance(await read(issuer, client, old), VerifiedToken)
    publish(server, new)
    assert isinstance(await read(issuer, client, new), VerifiedToken)
    assert isinstance(await read(issuer, client, old), Rejected)
    assert (await keys_of(client, issuer.cx, issuer.now, kid=new.kid)).has(new.kid)


async def test_a_key_replaced_under_its_name_is_found(issuer: Issuer, server: DocumentServer) -> None:
    old, new = generate("ES256", "k1"), generate("ES256", "k1")
    client = publish(server, old)
    assert isinstance(await read(issuer, client, old), VerifiedToken)
    publish(server, new)
    assert isinstance(await read(issuer, client, new), VerifiedToken)


@pytest.mark.attack("S1")
async def test_unknown_keys_do_not_flood_the_other_server(issuer: Issuer, server: DocumentServer) -> None:
    client = publish(server, generate("ES256"))
    forged = [generate("ES256") for _ in range(20)]
    await asyncio.gather(*(read(issuer, client, key) for key in forged))
    for key in forged:
        assert isinstance(await read(issuer, client, key), Rejected)
    assert server.hits["/jwks"] <= 3
    issuer.later(10)
    for key in forged:
        await read(issuer, client, key)
    assert server.hits["/jwks"] <= 4


async def test_old_keys_serve_while_the_server_is_down_but_not_for_ever(issuer: Issuer, server: DocumentServer) -> None:
    key = generate("ES256")
    client = publish(server, key)
    assert isinstance(await read(issuer, client, key), VerifiedToken)
    server.broken = True
    issuer.later(3600)
    assert isinstance(await read(issuer, client, key), VerifiedToken)
    issuer.later(86_400)
    with pytest.raises(ClientKeysUnusable, match="status 500"):
        await read(issuer, client, key)


async def test_the_server_says_how_long_within_our_bounds(issuer: Issuer, server: DocumentServer) -> None:
    key = generate("ES256")
    client = publish(server, key, Cache_Control="public, max-age=999999")
    await read(issuer, client, key)
    issuer.later(3599)
    await read(issuer, client, key)
    assert server.hits["/jwks"] == 1
    issuer.later(1)
    await read(issuer, client, key)
    assert server.hits["/jwks"] == 2


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b'{"keys":[],"keys":[]}', b"x" * 70_000, {"keys": {}}, {"keys": [{"kty": "oct", "k": "AAAA"}]}],
    ids=["empty", "list", "twice", "large", "no list", "a secret"],
)
async def test_what_is_no_key_set(issuer: Issuer, server: DocumentServer, document: object) -> None:
    client = confidential("remote", jwks_uri=server.put("/jwks", document))
    with pytest.raises(ClientKeysUnusable):
        await read(issuer, client, generate("ES256"))


@pytest.mark.attack("S1")
@pytest.mark.parametrize("address", ["http://10.0.0.1/jwks", "https://169.254.169.254/jwks", "file:///etc/passwd"])
async def test_a_jwks_uri_goes_through_the_guard(issuer: Issuer, address: str) -> None:
    with pytest.raises(ClientKeysUnusable):
        await keys_of(confidential("remote", jwks_uri=address), issuer.cx, issuer.now)


async def test_the_key_to_encrypt_to(issuer: Issuer) -> None:
    signing = generate("RS256").public().jwk()
    encrypting = generate("RS256").public().jwk() | {"use": "enc", "alg": "RSA-OAEP-256"}
    client = confidential("web", jwks={"keys": [signing, encrypting]})
    assert await encryption_key_of(client, issuer.cx, issuer.now, "RSA-OAEP-256") == encrypting
    for absent in ("ECDH-ES", "RSA-OAEP"):
        with pytest.raises(ClientKeysUnusable, match="use=enc"):
            await encryption_key_of(client, issuer.cx, issuer.now, absent)


async def test_nothing_compressed_is_asked_for(issuer: Issuer, server: DocumentServer) -> None:
    key = generate("ES256")
    await read(issuer, publish(server, key), key)
    assert server.asked["/jwks"]["Accept-Encoding"] == "identity"
