"""The discovery document: collected from the plug-ins, and true."""

from __future__ import annotations

import pytest

from keystead.core.records.realm import Realm
from keystead.oauth.catalogue import client_authentications, endpoints, grants
from tests.market import Market


@pytest.mark.spec("RFC 8414 section 2")
@pytest.mark.spec("OpenID Connect Discovery 1.0 section 3")
async def test_it_has_what_both_specifications_demand(market: Market) -> None:
    answer = await market.issuer.send(".well-known/openid-configuration", method="GET")
    document = answer.json
    issuer = market.issuer.url
    assert document["issuer"] == issuer
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert document[name].startswith(f"{issuer}/")
    assert document["response_types_supported"] == ["code"]
    assert document["subject_types_supported"] == ["public", "pairwise"]
    assert document["id_token_signing_alg_values_supported"] == ["ES256"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["grant_types_supported"] == sorted(grants())
    assert document["token_endpoint_auth_methods_supported"] == sorted(
        method.method for method in client_authentications() if method.offered(Realm(realm="acme", id="acme"))
    )
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
    assert "none" not in document["token_endpoint_auth_signing_alg_values_supported"]


@pytest.mark.spec("OpenID Connect Discovery 1.0 section 4")
async def test_every_endpoint_it_names_is_there(market: Market) -> None:
    document = (await market.issuer.send(".well-known/openid-configuration", method="GET")).json
    issuer = market.issuer.url
    named = {value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))}
    assert named <= {f"{issuer}/{path}" for path in endpoints()}


@pytest.mark.spec("RFC 7517 section 5")
async def test_the_key_set_holds_public_keys_only(market: Market) -> None:
    answer = await market.issuer.send("jwks", method="GET")
    for key in answer.json["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use"} | ({"alg"} if key["use"] == "sig" else set())
        assert (key.get("alg"), key["use"]) in (("ES256", "sig"), (None, "enc"))


@pytest.mark.attack("R6")
@pytest.mark.parametrize("path", [".well-known/openid-configuration", "jwks"])
async def test_public_documents_may_be_read_from_anywhere_and_are_made_once(market: Market, path: str) -> None:
    first = await market.issuer.send(path, method="GET")
    assert first.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in first.headers
    assert first.headers["cache-control"] == "public, max-age=60"
    market.issuer.later(1)
    second = await market.issuer.send(path, method="GET")
    assert second.body == first.body


@pytest.mark.attack("R6")
@pytest.mark.parametrize("path", ["token", "introspect", "revoke", "userinfo"])
async def test_nothing_else_allows_other_origins(market: Market, path: str) -> None:
    answer = await market.issuer.post(path, {"token": "x"}, headers=[(b"origin", b"https://evil.test")])
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_rotated_key_appears_in_the_set(market: Market) -> None:
    before = (await market.issuer.send("jwks", method="GET")).json["keys"]
    await market.issuer.keys.rotate("acme", market.issuer.now)
    market.issuer.later(1)
    after = (await market.issuer.send("jwks", method="GET")).json["keys"]
    assert len(after) == len(before) + 1
