"""Python Authlib against the issuer: what an application in Python does."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from authlib.common.security import generate_token  # type: ignore[import-untyped]  # has no types
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]  # has no types
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT  # type: ignore[import-untyped]  # has no types
from joserfc import jwk, jwt

from tests.clients.people import signing_key, visit
from tests.harness.configuration import CALLBACK, CATALOG, EXCHANGE, new_secret
from tests.harness.issuer import RunningIssuer

SCOPE = "openid profile email offline_access catalog:read"


@pytest.fixture
async def prepared(unserved: RunningIssuer) -> tuple[RunningIssuer, dict[str, Any]]:
    private, public = signing_key()
    unserved.realm["clients"] += [
        {
            "client_id": "signer",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [public]},
            "grant_types": ["client_credentials"],
            "scope": "catalog:read",
        },
        {
            "client_id": "secret-signer",
            "token_endpoint_auth_method": "client_secret_jwt",
            "client_secret": new_secret(),
            "grant_types": ["client_credentials"],
            "scope": "catalog:read",
        },
    ]
    await unserved.start()
    return unserved, private


def secret_of(issuer: RunningIssuer, client_id: str) -> str:
    found: str = next(entry["client_secret"] for entry in issuer.realm["clients"] if entry["client_id"] == client_id)
    return found


@pytest.mark.timeout(120)
async def test_authlib_goes_the_whole_way(prepared: tuple[RunningIssuer, dict[str, Any]]) -> None:
    issuer, private = prepared
    metadata = await issuer.client("web").discover()
    keys = (await issuer.client("web").send("GET", metadata["jwks_uri"])).json
    endpoint = metadata["token_endpoint"]
    await _code_flow(issuer, metadata, jwk.KeySet.import_key_set(keys))  # type: ignore[arg-type]  # plain JSON

    async with AsyncOAuth2Client("batch", secret_of(issuer, "batch"), token_endpoint=endpoint) as client:
        token = await client.fetch_token(endpoint, grant_type="client_credentials", scope="catalog:read")
        assert token["access_token"].count(".") == 2

    signer = AsyncOAuth2Client("signer", jwk.ECKey.import_key(private), token_endpoint_auth_method="private_key_jwt")
    signer.register_client_auth_method(PrivateKeyJWT(endpoint, alg="ES256", headers={"kid": private["kid"]}))
    secret = secret_of(issuer, "secret-signer")
    maker = AsyncOAuth2Client("secret-signer", secret, token_endpoint_auth_method="client_secret_jwt")
    maker.register_client_auth_method(ClientSecretJWT(endpoint))
    for client in (signer, maker):
        async with client:
            token = await client.fetch_token(endpoint, grant_type="client_credentials", scope="catalog:read")
            assert token["scope"] == "catalog:read"


async def _code_flow(issuer: RunningIssuer, metadata: dict[str, Any], keys: jwk.KeySet) -> None:
    person = issuer.person("alice")
    nonce = secrets.token_urlsafe(8)
    async with AsyncOAuth2Client(
        "bff",
        secret_of(issuer, "bff"),
        scope=SCOPE,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"],
    ) as client:
        verifier = issuer.witness.saw("code_verifier", generate_token(48))
        url, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        back = await visit(person, url)
        tokens = await client.fetch_token(authorization_response=back, state=state, code_verifier=verifier)
        issuer.witness.saw_reply(tokens)
        claims = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"]).claims
        registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer.url},
            aud={"essential": True, "value": "bff"},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
        )
        registry.validate(claims)

        person_info = (await client.get(metadata["userinfo_endpoint"])).json()
        assert (person_info["sub"], person_info["email"]) == (claims["sub"], "alice@acme.test")

        before = tokens["refresh_token"]
        tokens = await client.refresh_token(metadata["token_endpoint"], refresh_token=before)
        issuer.witness.saw_reply(tokens)
        assert tokens["refresh_token"] != before

        form = {"subject_token": tokens["access_token"], "audience": CATALOG, "scope": "catalog:read"}
        kind = "urn:ietf:params:oauth:token-type:access_token"
        exchanged = await client.fetch_token(
            metadata["token_endpoint"], grant_type=EXCHANGE, subject_token_type=kind, **form
        )
        assert exchanged["access_token"].count(".") == 2

        looked = await client.introspect_token(metadata["introspection_endpoint"], token=tokens["access_token"])
        assert looked.json()["active"] is True
        revoked = await client.revoke_token(metadata["revocation_endpoint"], token=tokens["refresh_token"])
        assert revoked.status_code == 200
        looked = await client.introspect_token(metadata["introspection_endpoint"], token=tokens["access_token"])
        assert looked.json() == {"active": False}
