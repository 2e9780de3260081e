"""The Config OP plan of the conformance suite: discovery, the key set, and the rotation of keys."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from keystead.core.jose.key_set import KeySet
from tests.issuer import Issuer
from tests.relying_party import RelyingParty, somebody, suite_client

REGISTERED: Final = re.compile(
    r"issuer|jwks_uri|.*_endpoint|.*_supported|require_[a-z_]+|end_session_endpoint|check_session_iframe"
    r"|mtls_endpoint_aliases|op_policy_uri|op_tos_uri|service_documentation|signed_metadata"
    r"|tls_client_certificate_bound_access_tokens"
)
NUMBERS: Final = {"EC": ("x", "y"), "RSA": ("n", "e"), "OKP": ("x",)}


@pytest.fixture
async def suite(issuer: Issuer) -> RelyingParty:
    """A realm as the configuration file makes it."""
    await issuer.set_up(
        suite_client(), somebody(), further_signing_algorithms=("RS256",), encryption_key_types=("EC", "RSA")
    )
    return RelyingParty(issuer)


@pytest.mark.spec("OpenID Connect Discovery 1.0 section 3")
@pytest.mark.spec("OpenID Connect Discovery 1.0 section 4.2")
async def test_oidcc_discovery_endpoint_verification(suite: RelyingParty) -> None:
    answer = await suite.issuer.send(".well-known/openid-configuration", method="GET")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    document = answer.json
    assert document["issuer"] == suite.issuer.url
    assert "code" in document["response_types_supported"]
    assert document["subject_types_supported"] == ["public", "pairwise"]
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert "RS256" in document["request_object_signing_alg_values_supported"]
    assert {"openid", "profile", "email", "address", "phone", "offline_access"} <= set(document["scopes_supported"])
    assert {"authorization_code", "refresh_token"} <= set(document["grant_types_supported"])
    assert document["claims_parameter_supported"] is True
    assert document["claim_types_supported"] == ["normal"]
    assert {"sub", "name", "address", "phone_number"} <= set(document["claims_supported"])
    assert document["code_challenge_methods_supported"] == ["S256"]
    for name in ("authorization", "token", "userinfo", "introspection", "revocation", "end_session"):
        assert document[f"{name}_endpoint"].startswith(f"{suite.issuer.url}/")


@pytest.mark.spec("RFC 8414 section 2")
async def test_every_member_is_a_registered_one_and_has_its_type(suite: RelyingParty) -> None:
    document = await suite.metadata()
    unknown = {name for name in document if not REGISTERED.fullmatch(name)}
    assert unknown == set()
    for name, value in document.items():
        if isinstance(value, list):
            assert value, f"{name} is empty: leave it out"
            assert all(isinstance(item, str) and item for item in value), name
            assert len(set(value)) == len(value), name
        elif name.startswith(("request_parameter", "require_", "claims_parameter")):
            assert isinstance(value, bool), name


@pytest.mark.spec("RFC 8414 section 2")
async def test_nothing_weak_is_offered(suite: RelyingParty) -> None:
    document = await suite.metadata()
    offered = {item for name, value in document.items() if "_alg_" in name for item in value}
    assert not offered & {"none", "RSA1_5", "dir", "PBES2-HS256+A128KW"}
    for name in ("id_token", "userinfo", "introspection", "authorization", "request_object"):
        assert document[f"{name}_encryption_enc_values_supported"]
        assert document[f"{name}_encryption_alg_values_supported"]
        assert document[f"{name}_signing_alg_values_supported"]


def check_keys(keys: list[dict[str, Any]]) -> None:
    """Do what ValidateJwksSequence, CheckForKeyIdInServerJWKs and CheckDistinctKeyIdValueInServerJWKs do."""
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert set(NUMBERS[key["kty"]]) <= key.keys()
        assert key["use"] in ("sig", "enc")
        assert not {"d", "p", "q", "k"} & key.keys()
    KeySet.from_jwks({"keys": keys})


@pytest.mark.spec("OpenID Connect Core 1.0 section 10.1.1")
@pytest.mark.parametrize("immediately", [False, True])
async def test_oidcc_server_rotate_keys(suite: RelyingParty, immediately: bool) -> None:
    before = await suite.keys()
    check_keys(before)
    _, claims = await suite.flow()
    issuer = suite.issuer
    fresh = await issuer.keys.rotate(issuer.realm, issuer.now, immediately=immediately)
    issuer.later(1)
    after = await suite.keys()
    check_keys(after)
    signing = {key["kid"] for key in before if key["use"] == "sig"}
    added = [key for key in after if key["use"] == "sig" and key["kid"] not in signing]
    assert [key["kid"] for key in added] == [fresh.id]
    assert added[0]["x"] not in {key.get("x") for key in before}
    assert signing <= {key["kid"] for key in after}, "recently retired keys stay"
    tokens, again = await suite.flow()
    assert again["sub"] == claims["sub"]
    assert (await suite.userinfo(tokens["access_token"])).status == 200
