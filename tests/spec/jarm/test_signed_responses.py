"""JARM: the answer as one JWT, that the client can verify, and read where it is encrypted."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from keystead.core.jose import jws
from keystead.core.jose.decryption_keys import generate_decryption_key
from keystead.core.jose.jwe import decrypt
from keystead.core.jose.outcomes import Rejected, VerifiedToken
from tests.harness.browser import Page
from tests.issuer import Issuer
from tests.shop import CALLBACK, authorize_url, browser_for, open_shop, reach_code, sign_in


async def read_response(issuer: Issuer, token: str) -> dict[str, Any]:
    """Return the claims of a response that verifies with the issuer's published keys."""
    outcome = jws.read(token, keys=await issuer.keys.key_set("acme", issuer.now), typ=("jwt",))
    assert isinstance(outcome, VerifiedToken)
    return outcome.claims


def response_of(page: Page) -> str:
    """Return the `response` of a redirect, which carries nothing else."""
    query = parse_qs(urlsplit(page.location).query)
    assert set(query) == {"response"}
    return query["response"][0]


@pytest.mark.spec("JARM section 2.1")
@pytest.mark.spec("JARM section 2.3.1")
@pytest.mark.spec("FAPI 2.0 Message Signing section 5.4.1")
@pytest.mark.parametrize("mode", ["query.jwt", "jwt"])
async def test_a_code_inside_a_jwt(issuer: Issuer, mode: str) -> None:
    await open_shop(issuer)
    page = await reach_code(browser_for(issuer), authorize_url(issuer, response_mode=mode))
    assert page.location.startswith(f"{CALLBACK}?response=")
    claims = await read_response(issuer, response_of(page))
    assert set(claims) == {"iss", "aud", "exp", "iat", "code", "state", "session_state"}
    assert (claims["iss"], claims["aud"], claims["state"]) == (issuer.url, "shop", "state-1")
    assert 10 < claims["exp"] - issuer.now <= 600
    assert (await issuer.redeem(claims["code"], client="shop")).status == 200


@pytest.mark.spec("JARM section 2.1")
async def test_an_error_travels_the_same_way(issuer: Issuer) -> None:
    await open_shop(issuer)
    url = authorize_url(issuer, response_mode="jwt", prompt="none", state=None)
    claims = await read_response(issuer, response_of(await browser_for(issuer).get(url, follow=False)))
    assert claims["error"] == "login_required"
    assert "state" not in claims
    assert "code" not in claims


@pytest.mark.spec("JARM section 2.3.3")
async def test_the_jwt_in_a_form(issuer: Issuer) -> None:
    await open_shop(issuer, skip_consent=True)
    browser = browser_for(issuer)
    page = await sign_in(browser, await browser.get(authorize_url(issuer, response_mode="form_post.jwt")))
    (form,) = page.forms
    assert (form.action, form.method, set(form.fields)) == (CALLBACK, "post", {"response"})
    assert (await read_response(issuer, form.fields["response"]))["code"].startswith("ksc_")


@pytest.mark.spec("JARM section 2.2")
@pytest.mark.parametrize("algorithm", ["RSA-OAEP-256", "ECDH-ES"])
async def test_the_jwt_encrypted_for_the_client(issuer: Issuer, algorithm: str) -> None:
    key = generate_decryption_key("RSA" if algorithm.startswith("RSA") else "EC")
    await open_shop(
        issuer,
        jwks={"keys": [dict(key.jwk())]},
        authorization_encrypted_response_alg=algorithm,
        authorization_encrypted_response_enc="A256GCM",
    )
    page = await reach_code(browser_for(issuer), authorize_url(issuer, response_mode="jwt"))
    opened = decrypt(response_of(page), keys=(key,), algorithms=(algorithm,), encryptions=("A256GCM",))
    assert not isinstance(opened, Rejected)
    assert (await read_response(issuer, opened.decode()))["code"]


@pytest.mark.spec("JARM section 2.2")
async def test_what_must_be_encrypted_never_goes_in_the_clear(issuer: Issuer) -> None:
    await open_shop(issuer, authorization_encrypted_response_alg="ECDH-ES")
    page = await browser_for(issuer).get(authorize_url(issuer, response_mode="jwt", prompt="none"), follow=False)
    assert (page.status, page.location) == (503, "")
    assert page.alert


@pytest.mark.spec("JARM section 3")
async def test_a_client_may_be_held_to_some_modes(issuer: Issuer) -> None:
    await open_shop(issuer, response_modes=("query.jwt", "form_post"))
    for mode, good in (("query.jwt", True), ("form_post", True), ("query", False), ("jwt", False), (None, False)):
        page = await browser_for(issuer).get(authorize_url(issuer, response_mode=mode), follow=False)
        assert ("/sign-in?" in page.location) is good, mode
        assert ("error=invalid_request" in page.location) is not good


@pytest.mark.spec("JARM section 4")
async def test_discovery_lists_the_modes(issuer: Issuer) -> None:
    await open_shop(issuer)
    document = (await issuer.send(".well-known/openid-configuration", method="GET")).json
    modes = {"query", "form_post", "query.jwt", "form_post.jwt", "jwt"}
    assert set(document["response_modes_supported"]) == modes
    assert "ES256" in document["authorization_signing_alg_values_supported"]
    assert "none" not in document["authorization_signing_alg_values_supported"]
