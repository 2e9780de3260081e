"""npm `openid-client` and `oauth4webapi`: what certified clients make of this issuer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.node_client import run_node
from tests.clients.people import signing_key, visit
from tests.harness.configuration import CALLBACK, CATALOG, new_secret
from tests.harness.issuer import RunningIssuer

GOODBYE = "https://app.test/bye"
SCOPE = "openid profile email offline_access catalog:read"
CIBA = "urn:openid:params:grant-type:ciba"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


async def prepare(issuer: RunningIssuer) -> dict[str, Any]:
    """Add the clients these libraries want, start, and return what a script is given."""
    private, public = signing_key()
    usual = {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token", "client_credentials"]}
    issuer.realm["clients"] += [
        {
            "client_id": "signer",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [public]},
            "scope": SCOPE,
            **usual,
        },
        {
            "client_id": "secret-signer",
            "token_endpoint_auth_method": "client_secret_jwt",
            "client_secret": new_secret(),
            "grant_types": ["client_credentials"],
            "scope": "catalog:read",
        },
        {
            "client_id": "television",
            "token_endpoint_auth_method": "none",
            "grant_types": [DEVICE],
            "scope": "openid",
        },
        {
            "client_id": "till",
            "client_secret": new_secret(),
            "grant_types": [CIBA],
            "backchannel_token_delivery_mode": "poll",
            "scope": "openid",
        },
    ]
    initial = new_secret()
    issuer.realm["registration"] = {"initial_access_tokens": [{"name": "node", "token": initial}]}
    issuer.realm["danger_backchannel_test_decisions"] = True
    await issuer.start()
    secrets = {client["client_id"]: client.get("client_secret", "") for client in issuer.realm["clients"]}
    return {
        "issuer": issuer.url,
        "secrets": secrets,
        "redirect_uri": CALLBACK,
        "goodbye": GOODBYE,
        "scope": SCOPE,
        "audience": CATALOG,
        "jwk": private,
        "initial_access_token": initial,
    }


OPENID_CLIENT = [
    *("code", "userinfo", "refresh", "introspection", "revocation", "logout", "client_credentials"),
    *("private_key_jwt", "private_key_jwt code", "client_secret_jwt", "public client"),
    *("PAR", "JAR", "JARM", "DPoP", "token exchange", "device", "registration", "CIBA"),
]
OAUTH4WEBAPI = [
    *("discovery, both ways", "code, with the signature of the ID token", "userinfo", "refresh"),
    *("signed introspection", "revocation", "a code works once"),
    *("client_credentials, and the JWT by RFC 9068", "private_key_jwt", "PAR and DPoP", "JARM"),
]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("script", "expected"), [("openid_client.mjs", OPENID_CLIENT), ("oauth4webapi.mjs", OAUTH4WEBAPI)]
)
async def test_a_client_in_node_goes_the_whole_way(unserved: RunningIssuer, script: str, expected: list[str]) -> None:
    given = await prepare(unserved)
    person = unserved.person("alice")
    steps = await run_node(script, given, lambda url: visit(person, url))
    assert steps[: len(expected)] == expected
