"""Client assertions of a FAPI 2.0 client, at the PAR and the token endpoint: what the conformance modules send."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate, private_from_pem, private_to_pem
from keystead.core.jose.keys import PrivateKey
from keystead.core.records.client import Client
from tests.issuer import VERIFIER, Answer, Issuer, challenge
from tests.market import Market

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SPEC = "FAPI 2.0 Security Profile section"


class FapiClient:
    """A client of the profile, at either endpoint."""

    def __init__(self, issuer: Issuer, key: PrivateKey) -> None:
        self.issuer = issuer
        self.key = key
        self.count = 0

    def assertion(self, key: PrivateKey | None = None, **changes: Any) -> str:
        """Return an assertion, good or changed."""
        self.count += 1
        now = self.issuer.now
        good: dict[str, Any] = {"iss": "bank", "sub": "bank", "aud": self.issuer.url, "jti": f"fapi-{self.count}"}
        claims = good | {"iat": now, "nbf": now, "exp": now + 60} | changes
        return jws.sign({k: v for k, v in claims.items() if v is not None}, key or self.key, "")

    async def push(self, assertion: str | None) -> Answer:
        """Push an authorization request."""
        request = {
            "client_id": "bank",
            "response_type": "code",
            "redirect_uri": "https://app.test/cb",
            "scope": "openid",
            "state": "s",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
        }
        return await self.issuer.post("par", request | _shown(assertion))

    async def redeem(self, assertion: str | None) -> Answer:
        """Ask for tokens."""
        form = {"grant_type": "authorization_code", "client_id": "bank", "code": "ksc_x", "code_verifier": VERIFIER}
        return await self.issuer.post("token", form | {"redirect_uri": "https://app.test/cb"} | _shown(assertion))


def _shown(assertion: str | None) -> dict[str, str]:
    return {} if assertion is None else {"client_assertion_type": TYPE, "client_assertion": assertion}


@pytest.fixture
async def bank(market: Market) -> FapiClient:
    """A client of `fapi2_security` with an RSA key for PS256."""
    key = generate("PS256")
    client = Client(
        realm="acme",
        id="bank",
        profile="fapi2_security",
        redirect_uris=("https://app.test/cb",),
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [key.public().jwk()]},
        scope="openid",
    )
    await market.issuer.keep(client)
    return FapiClient(market.issuer, key)


def _refused(answer: Answer) -> bool:
    return answer.status in (400, 401) and answer.error in ("invalid_client", "invalid_request")


@pytest.mark.spec(f"{SPEC} 5.3.2.1")
async def test_the_issuer_as_a_single_text_is_the_audience(bank: FapiClient) -> None:
    assert (await bank.push(bank.assertion())).status == 201
    assert (await bank.redeem(bank.assertion())).error != "invalid_client"


@pytest.mark.spec(f"{SPEC} 5.3.2.1")
@pytest.mark.attack("A1")
@pytest.mark.parametrize("place", ["", "/token", "/par", "list", "list of par", "other"])
async def test_nothing_else_is(bank: FapiClient, place: str) -> None:
    url = bank.issuer.url
    wrong = {"": url + "/", "list": [url], "list of par": [url + "/par"], "other": "https://other.test"}
    audience = wrong.get(place, url + place)
    for answer in (await bank.push(bank.assertion(aud=audience)), await bank.redeem(bank.assertion(aud=audience))):
        assert _refused(answer), place


@pytest.mark.spec(f"{SPEC} 5.3.2.1")
async def test_clocks_eight_seconds_ahead_are_forgiven_and_a_minute_is_not(bank: FapiClient) -> None:
    now = bank.issuer.now
    assert (await bank.push(bank.assertion(nbf=now + 8, iat=now + 8))).status == 201
    assert _refused(await bank.push(bank.assertion(nbf=now + 61, iat=now + 61, exp=now + 120)))


@pytest.mark.spec(f"{SPEC} 5.3.2.2")
@pytest.mark.attack("A1")
async def test_expired_without_subject_or_none_at_all(bank: FapiClient) -> None:
    now = bank.issuer.now
    for assertion in (bank.assertion(exp=now - 300), bank.assertion(sub=None), None):
        assert _refused(await bank.redeem(assertion))
        assert _refused(await bank.push(assertion))


@pytest.mark.spec(f"{SPEC} 5.4.1")
@pytest.mark.attack("J2")
async def test_rs256_is_not_taken_even_from_a_key_without_algorithm(bank: FapiClient) -> None:
    same = private_from_pem(private_to_pem(bank.key), "RS256", bank.key.kid)
    assert (await bank.redeem(bank.assertion(same))).error == "invalid_client"
    jwk = {name: value for name, value in bank.key.public().jwk().items() if name != "alg"}
    await bank.issuer.change(Client, "bank", jwks={"keys": [jwk]})
    assert (await bank.redeem(bank.assertion(same))).error == "invalid_client"
    assert (await bank.push(bank.assertion())).status == 201


@pytest.mark.spec(f"{SPEC} 5.3.2.2")
@pytest.mark.attack("A1")
async def test_an_assertion_spent_at_one_endpoint_is_spent_at_the_other(bank: FapiClient) -> None:
    assertion = bank.assertion()
    assert (await bank.push(assertion)).status == 201
    assert (await bank.redeem(assertion)).error == "invalid_client"
