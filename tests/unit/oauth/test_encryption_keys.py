"""The keys clients encrypt to: made once, published apart from the signing keys, rotated with an overlap."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from keystead.core.jose.jwe import encrypt
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import Rejected
from keystead.oauth.decryption import decrypt_for_us
from keystead.oauth.keyring import StoreKeyRing
from tests.issuer import Issuer

DAY = 86_400


@pytest.fixture
async def issuer(tmp_path: Path) -> Issuer:
    made = Issuer(tmp_path)
    await made.set_up(
        encryption_key_types=("EC", "RSA"), further_signing_algorithms=("RS256",), key_rotation_interval=30 * DAY
    )
    return made


async def sealed(issuer: Issuer, key_type: str, algorithm: str, encryption: str = "A128CBC-HS256") -> str:
    """Encrypt a text to the published key, as a client would."""
    keys = (await issuer.send("jwks", method="GET")).json["keys"]
    jwk = next(key for key in keys if key["use"] == "enc" and key["kty"] == key_type)
    return encrypt(b"inner", jwk=jwk, algorithm=algorithm, encryption=encryption)


async def opened(issuer: Issuer, token: str, **registered: str) -> str | Rejected:
    """Open it as an endpoint would."""
    return await decrypt_for_us(token, issuer.realm, issuer.now, issuer.cx, **registered)


@pytest.mark.spec("RFC 7517 section 4.2")
async def test_both_uses_are_published_and_told_apart(issuer: Issuer) -> None:
    document = (await issuer.send("jwks", method="GET")).json
    uses = [(key["use"], key["kty"], key.get("alg")) for key in document["keys"]]
    assert sorted(uses, key=str) == sorted(
        [("sig", "EC", "ES256"), ("sig", "RSA", "RS256"), ("enc", "EC", None), ("enc", "RSA", None)], key=str
    )
    assert len({key["kid"] for key in document["keys"]}) == 4
    assert {key.algorithm for key in KeySet.from_jwks(document).keys} == {"ES256", "RS256"}


@pytest.mark.spec("RFC 9101 section 6.1")
@pytest.mark.parametrize(
    ("key_type", "algorithm"), [("EC", "ECDH-ES"), ("EC", "ECDH-ES+A256KW"), ("RSA", "RSA-OAEP-256")]
)
async def test_what_a_client_encrypts_is_opened(issuer: Issuer, key_type: str, algorithm: str) -> None:
    token = await sealed(issuer, key_type, algorithm)
    assert await opened(issuer, token) == "inner"
    assert await opened(issuer, token, algorithm=algorithm) == "inner"
    refused = await opened(issuer, token, algorithm=algorithm, encryption="A256GCM")
    assert isinstance(refused, Rejected)
    assert refused.reason == "jwe.encryption"


@pytest.mark.spec("OpenID Connect Core 1.0 section 10.2.1")
async def test_a_replaced_key_decrypts_for_a_day(issuer: Issuer) -> None:
    token = await sealed(issuer, "EC", "ECDH-ES")
    issuer.later(30 * DAY)
    fresh = await sealed(issuer, "EC", "ECDH-ES")
    published = await issuer.keys.encryption_jwks(issuer.realm, issuer.now)
    assert len(published) == 2
    assert len(await issuer.keys.decryption_keys(issuer.realm, issuer.now)) == 4
    assert await opened(issuer, token) == "inner"
    assert await opened(issuer, fresh) == "inner"
    issuer.later(DAY + 1)
    gone = await opened(issuer, token)
    assert isinstance(gone, Rejected)
    assert gone.reason == "jwe.key_unknown"
    assert await opened(issuer, fresh) == "inner"


async def test_several_processes_make_one_key(issuer: Issuer) -> None:
    rings = [StoreKeyRing(issuer.store, issuer.cx.sealer) for _ in range(4)]
    found = await asyncio.gather(*(ring.encryption_jwks(issuer.realm, issuer.now) for ring in rings))
    assert all(keys == found[0] for keys in found)


@pytest.mark.attack("J10")
async def test_keys_of_another_realm_do_not_open(issuer: Issuer, tmp_path: Path) -> None:
    other = Issuer(tmp_path, realm="other", store=issuer.store)
    await other.set_up()
    token = await sealed(issuer, "EC", "ECDH-ES")
    assert isinstance(await opened(other, token), Rejected)


async def test_a_key_that_leaked_opens_nothing_any_more(issuer: Issuer) -> None:
    token = await sealed(issuer, "EC", "ECDH-ES")
    (leaked,) = [key for key in await issuer.keys.encryption_jwks(issuer.realm, issuer.now) if key["kty"] == "EC"]
    assert await issuer.keys.withdraw(issuer.realm, leaked["kid"], issuer.now)
    assert isinstance(await opened(issuer, token), Rejected)
    issuer.later(1)
    fresh = await sealed(issuer, "EC", "ECDH-ES")
    assert await opened(issuer, fresh) == "inner"
    assert not await issuer.keys.withdraw(issuer.realm, leaked["kid"], issuer.now)
