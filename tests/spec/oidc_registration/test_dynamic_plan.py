"""What the OpenID Foundation's dynamic certification plan registers, module by module, and what it expects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.keys import PrivateKey
from tests.harness.documents import DocumentServer, document_server
from tests.issuer import Answer, Issuer
from tests.registrar import REDIRECT, Registrar, open_registrar

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
async def registrar(issuer: Issuer) -> Registrar:
    """A realm as it is set up for certification: RS256 beside its own algorithm."""
    return await open_registrar(issuer, further_signing_algorithms=("RS256",))


@pytest.fixture
async def server() -> AsyncIterator[DocumentServer]:
    """The web server of the one who registers."""
    async with document_server() as server:
        yield server


def nameless(key: PrivateKey) -> dict[str, Any]:
    """Return the JWK without a kid, as the suite's keys are."""
    return {name: value for name, value in key.public().jwk().items() if name != "kid"}


def plan_request(key: PrivateKey, **more: Any) -> dict[str, Any]:
    """Return the metadata the plan registers with."""
    return {
        "client_name": "OIDF conformance",
        "grant_types": ["authorization_code"],
        "jwks": {"keys": [nameless(key)]},
        "token_endpoint_auth_method": "private_key_jwt",
        "response_types": ["code"],
        "redirect_uris": [REDIRECT],
        "contacts": ["certification@example.org"],
    } | more


async def authenticate(issuer: Issuer, client_id: str, key: PrivateKey, audience: str, kid: str) -> Answer:
    """Use the token endpoint with an assertion, as the suite makes them."""
    claims: dict[str, Any] = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": f"{issuer.now}-{kid}-{audience}",
    }
    claims |= {"iat": issuer.now, "nbf": issuer.now, "exp": issuer.now + 60}
    named = key.kid
    key.kid = kid
    assertion = jws.sign(claims, key, "")
    key.kid = named
    form = {"grant_type": "authorization_code", "code": "ksc_x", "redirect_uri": REDIRECT, "code_verifier": "v" * 43}
    return await issuer.post("token", form | {"client_assertion_type": TYPE, "client_assertion": assertion})


@pytest.mark.spec("OpenID Connect Dynamic Client Registration 1.0 section 3")
async def test_registering_and_authenticating_with_keys_by_value(registrar: Registrar) -> None:
    issuer, key = registrar.issuer, generate("RS256")
    told = await registrar.registered(**plan_request(key))
    assert told["id_token_signed_response_alg"] == "RS256"
    assert told["jwks"]["keys"] == [nameless(key)]
    assert "client_secret" not in told
    for audience in (issuer.url, f"{issuer.url}/token"):
        assert (await authenticate(issuer, told["client_id"], key, audience, "")).error == "invalid_grant"


@pytest.mark.spec("OpenID Connect Core 1.0 section 10.1.1")
async def test_keys_at_a_jwks_uri_and_their_rotation(registrar: Registrar, server: DocumentServer) -> None:
    issuer, old, new = registrar.issuer, generate("RS256"), generate("RS256")
    address = server.put("/jwks", {"keys": [old.public().jwk()]})
    request = plan_request(old, jwks_uri=address, grant_types=["authorization_code", "refresh_token"])
    del request["jwks"]
    told = await registrar.registered(**request)
    assert (await authenticate(issuer, told["client_id"], old, issuer.url, old.kid)).error == "invalid_grant"
    server.put("/jwks", {"keys": [new.public().jwk()]})
    assert (await authenticate(issuer, told["client_id"], new, issuer.url, new.kid)).error == "invalid_grant"
    assert (await authenticate(issuer, told["client_id"], old, issuer.url, old.kid)).error == "invalid_client"


@pytest.mark.spec("OpenID Connect Dynamic Client Registration 1.0 section 2")
async def test_everything_the_modules_add(registrar: Registrar) -> None:
    added = {
        "logo_uri": "https://suite.test/logo.png",
        "policy_uri": "https://suite.test/policy",
        "tos_uri": "https://suite.test/tos",
        "initiate_login_uri": "https://suite.test/login",
        "userinfo_signed_response_alg": "RS256",
        "id_token_signed_response_alg": "RS256",
        "request_object_signing_alg": "RS256",
        "request_uris": ["https://suite.test/requests/1#abc"],
        "backchannel_logout_uri": "https://suite.test/backchannel",
        "backchannel_logout_session_required": True,
        "frontchannel_logout_uri": "https://suite.test/frontchannel",
        "frontchannel_logout_session_required": True,
        "post_logout_redirect_uris": ["https://suite.test/post_logout"],
        "redirect_uris": ["https://suite.test/cb?foo=bar"],
    }
    told = await registrar.registered(**plan_request(generate("RS256"), **added))
    assert {name: told[name] for name in added} == added


@pytest.mark.spec("RFC 6749 section 3.1.2")
async def test_a_redirect_uri_with_a_fragment(registrar: Registrar) -> None:
    assert await registrar.refused(**plan_request(generate("RS256"), redirect_uris=[REDIRECT + "#foo=bar"])) in {
        "invalid_redirect_uri",
        "invalid_client_metadata",
    }


@pytest.mark.spec("OpenID Connect Dynamic Client Registration 1.0 section 5")
async def test_a_sector_identifier_names_every_redirect_uri(registrar: Registrar, server: DocumentServer) -> None:
    good, bad = server.put("/good", [REDIRECT]), server.put("/bad", ["https://example.com/op"])
    pairwise = plan_request(generate("RS256"), subject_type="pairwise")
    told = await registrar.registered(**pairwise, sector_identifier_uri=good)
    assert told["sector_identifier_uri"] == good
    refused = [bad, server.put("/object", {"a": REDIRECT}), server.url + "/missing", server.put("/text", b"x")]
    for address in refused:
        assert await registrar.refused(**pairwise, sector_identifier_uri=address) == "invalid_client_metadata"


@pytest.mark.spec("OpenID Connect Core 1.0 section 8.1")
async def test_pairwise_over_several_hosts_needs_a_sector(registrar: Registrar) -> None:
    uris = [REDIRECT, "https://other.test/cb"]
    assert await registrar.refused(subject_type="pairwise", redirect_uris=uris) == "invalid_client_metadata"
    assert (await registrar.registered(subject_type="pairwise"))["subject_type"] == "pairwise"


@pytest.mark.attack("S1")
@pytest.mark.parametrize(
    "address", ["https://169.254.169.254/x", "https://10.0.0.1/x", "https://[::1]/x", "https://0x7f000001/x"]
)
async def test_a_sector_identifier_goes_through_the_guard(registrar: Registrar, address: str) -> None:
    assert await registrar.refused(sector_identifier_uri=address) == "invalid_client_metadata"


@pytest.mark.spec("OpenID Connect Core 1.0 section 4")
async def test_a_login_address_without_tls(registrar: Registrar) -> None:
    assert await registrar.refused(initiate_login_uri="http://suite.test/login") == "invalid_client_metadata"
