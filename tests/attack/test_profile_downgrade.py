"""A client of a strict profile does nothing weaker than it, by whichever door."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from keystead.core.jose import jws
from keystead.core.records.client import Client
from tests.client_requests import client_key, jwks
from tests.dpop import Sender, dpop
from tests.issuer import VERIFIER, Issuer, challenge
from tests.shop import PASSWORD, open_shop

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def shown(issuer: Issuer) -> dict[str, str]:
    """Return what authenticates the client as its profile demands."""
    claims = {"iss": "shop", "sub": "shop", "aud": issuer.url, "exp": issuer.now + 60, "jti": uuid4().hex}
    return {"client_assertion_type": ASSERTION, "client_assertion": jws.sign(claims, client_key("ES256"), "JWT")}


@pytest.mark.attack("U3")
@pytest.mark.parametrize("profile", ["fapi2_security", "fapi2_message_signing"])
async def test_the_challenge_is_no_way_around_pushed_requests(issuer: Issuer, profile: str) -> None:
    """A password typed into the application, and no pushed and no signed request: not under FAPI."""
    await open_shop(issuer)
    await issuer.change(
        Client,
        "shop",
        first_party=True,
        skip_consent=True,
        profile=profile,
        token_endpoint_auth_method="private_key_jwt",
        jwks=jwks("ES256"),
        client_secret_digests=(),
    )
    form: dict[str, Any] = {
        "response_type": "code",
        "scope": "openid catalog:read",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
        "username": "alice",
        "password": PASSWORD,
    }
    proof = dpop(Sender().proof("POST", f"{issuer.url}/authorization_challenge", issuer.now))
    answer = await issuer.post("authorization_challenge", form | shown(issuer), headers=[proof])
    assert answer.error == "unauthorized_client", answer.body


@pytest.mark.attack("U3")
@pytest.mark.parametrize("demand", [{"require_signed_request_object": True}, {"profile": "fapi2_message_signing"}])
async def test_no_door_takes_an_unsigned_request_of_a_client_that_must_sign(
    issuer: Issuer, demand: dict[str, Any]
) -> None:
    await open_shop(issuer)
    device = "urn:ietf:params:oauth:grant-type:device_code"
    await issuer.change(
        Client,
        "shop",
        first_party=True,
        skip_consent=True,
        grant_types=("authorization_code", device),
        token_endpoint_auth_method="private_key_jwt",
        jwks=jwks("ES256"),
        client_secret_digests=(),
        **demand,
    )
    form = {
        "response_type": "code",
        "scope": "openid catalog:read",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
        "username": "alice",
        "password": PASSWORD,
    }
    for path in ("authorization_challenge", "device_authorization"):
        proof = dpop(Sender().proof("POST", f"{issuer.url}/{path}", issuer.now))
        answer = await issuer.post(path, form | shown(issuer), headers=[proof])
        assert answer.error in ("invalid_request", "unauthorized_client"), (path, answer.body)
