"""Answers signed and encrypted as the client registered: ID token, userinfo, introspection."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from keystead.core.jose.decryption_keys import generate_decryption_key
from keystead.core.jose.jwe import decrypt, encrypt, looks_encrypted, peek_header_unverified
from keystead.core.records.client import Client
from tests.market import Market

KEYS: Final = {"EC": generate_decryption_key("EC"), "RSA": generate_decryption_key("RSA")}
JWKS: Final = {"keys": [key.jwk() for key in KEYS.values()]}
ACCEPT: Final = ((b"accept", b"application/token-introspection+jwt"),)


def opened(token: str) -> str:
    """Decrypt as the client."""
    inner = decrypt(token, keys=tuple(KEYS.values()))
    assert isinstance(inner, bytes), inner
    return inner.decode()


@pytest.mark.spec("OpenID Connect Core 1.0 section 16.14")
@pytest.mark.spec("RFC 7519 section 11.2")
@pytest.mark.parametrize(
    ("algorithm", "registered", "encryption"),
    [
        ("RSA-OAEP-256", "", "A128CBC-HS256"),
        ("ECDH-ES", "A256GCM", "A256GCM"),
        ("ECDH-ES+A128KW", "A128CBC-HS256", "A128CBC-HS256"),
    ],
)
async def test_id_tokens_are_signed_then_encrypted(
    market: Market, algorithm: str, registered: str, encryption: str
) -> None:
    fields = {"id_token_encrypted_response_alg": algorithm, "id_token_encrypted_response_enc": registered}
    await market.issuer.change(Client, "web", **fields, jwks=JWKS, id_token_signed_response_alg="RS256")
    tokens = await market.tokens(nonce="n")
    header = peek_header_unverified(tokens["id_token"])
    assert header is not None
    assert (header["alg"], header["enc"], header["cty"]) == (algorithm, encryption, "JWT")
    assert header["kid"] in {key["kid"] for key in JWKS["keys"]}
    claims = await market.verified(opened(tokens["id_token"]), "jwt")
    assert (claims["sub"], claims["nonce"]) == (market.account.id, "n")
    refreshed = (await market.refresh(tokens["refresh_token"])).json
    assert looks_encrypted(refreshed["id_token"])


@pytest.mark.spec("OpenID Connect Core 1.0 section 10.2")
async def test_a_client_without_a_key_keeps_its_code(market: Market) -> None:
    await market.issuer.change(Client, "web", id_token_encrypted_response_alg="RSA-OAEP-256", jwks={"keys": []})
    code = await market.code()
    refused = await market.issuer.redeem(code)
    assert (refused.status, refused.error) == (400, "invalid_request")
    assert "use=enc" in refused.json["error_description"]
    await market.issuer.change(Client, "web", jwks=JWKS)
    assert (await market.issuer.redeem(code)).status == 200


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.3.2")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_userinfo_is_signed(market: Market, algorithm: str) -> None:
    await market.issuer.change(Client, "web", userinfo_signed_response_alg=algorithm)
    tokens = await market.tokens(nonce="n")
    answer = await market.userinfo(tokens["access_token"])
    assert (answer.status, answer.headers["content-type"]) == (200, "application/jwt")
    claims = await market.verified(answer.body.decode(), "jwt")
    assert (claims["iss"], claims["aud"], claims["sub"]) == (market.issuer.url, "web", market.account.id)
    assert "name" in claims
    assert "nonce" not in claims


@pytest.mark.spec("OpenID Connect Core 1.0 section 5.3.2")
async def test_userinfo_is_encrypted_with_or_without_a_signature(market: Market) -> None:
    await market.issuer.change(Client, "web", userinfo_encrypted_response_alg="ECDH-ES", jwks=JWKS)
    token = (await market.tokens())["access_token"]
    answer = await market.userinfo(token)
    assert answer.headers["content-type"] == "application/jwt"
    plain: dict[str, Any] = msgspec.json.decode(opened(answer.body.decode()))
    assert plain["sub"] == market.account.id
    await market.issuer.change(Client, "web", userinfo_signed_response_alg="ES256")
    signed = await market.verified(opened((await market.userinfo(token)).body.decode()), "jwt")
    assert signed["sub"] == market.account.id


@pytest.mark.spec("RFC 9701 section 5")
@pytest.mark.spec("RFC 9701 section 6")
async def test_introspection_is_signed_and_encrypted_per_client(market: Market) -> None:
    await market.issuer.change(Client, "catalog", introspection_signed_response_alg="RS256")
    token = (await market.tokens())["access_token"]
    signed = await market.introspect(token, "catalog", headers=ACCEPT)
    header, _, _ = signed.body.decode().partition(".")
    assert '"RS256"' in _text(header)
    fields = {"introspection_encrypted_response_alg": "RSA-OAEP-256", "introspection_encrypted_response_enc": "A256GCM"}
    await market.issuer.change(Client, "catalog", **fields, jwks=JWKS)
    # A client that wants its answers encrypted gets no other, whatever it accepts.
    sealed = await market.introspect(token, "catalog")
    assert sealed.headers["content-type"] == "application/token-introspection+jwt"
    claims = await market.verified(opened(sealed.body.decode()), "token-introspection+jwt")
    assert claims["token_introspection"]["active"] is True
    assert claims["aud"] == "catalog"


@pytest.mark.attack("J10")
async def test_what_somebody_encrypted_to_the_client_is_no_id_token_by_that(market: Market) -> None:
    forged = encrypt(b'{"sub":"usr_x"}', jwk=KEYS["EC"].jwk(), algorithm="ECDH-ES", encryption="A128GCM")
    assert (await market.userinfo(forged)).status == 401
    assert (await market.introspect(forged)).json == {"active": False}


def _text(segment: str) -> str:
    from keystead.core.jose.base64url import decode

    return decode(segment.encode()).decode()
