"""private_key_jwt: an assertion for this issuer alone, good once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate, private_from_pem, private_to_pem
from keystead.core.jose.keys import PrivateKey
from keystead.core.records.client import Client
from tests.issuer import Answer, Issuer, confidential
from tests.market import Market

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Signer:
    """A client with a key of its own."""

    def __init__(self, issuer: Issuer, key: PrivateKey) -> None:
        self.issuer = issuer
        self.key = key
        self.count = 0

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return good claims, or changed ones; None takes a claim out."""
        self.count += 1
        now = self.issuer.now
        good = {"iss": "signer", "sub": "signer", "aud": self.issuer.url, "jti": f"jti-{self.count}"}
        claims = good | {"iat": now, "exp": now + 60} | changes
        return {name: value for name, value in claims.items() if value is not None}

    async def ask(self, assertion: str, **form: Any) -> Answer:
        """Ask for a token with an assertion."""
        fields = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": assertion}
        return await self.issuer.post("token", fields | form)

    async def ask_with(self, key: PrivateKey | None = None, typ: str = "JWT", **changes: Any) -> Answer:
        """Sign claims and ask."""
        return await self.ask(jws.sign(self.claims(**changes), key or self.key, typ))


@pytest.fixture
async def signer(market: Market) -> Signer:
    """A client registered with its public key."""
    key = generate("ES256")
    await market.issuer.keep(
        confidential(
            "signer",
            token_endpoint_auth_method="private_key_jwt",
            client_secret_digests=(),
            jwks={"keys": [key.public().jwk()]},
            grant_types=("client_credentials",),
            scope="catalog:read",
            profile="oauth21",
        )
    )
    return Signer(market.issuer, key)


@pytest.mark.spec("RFC 7523 section 2.2")
@pytest.mark.spec("RFC 7523 section 3")
@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt", ""])
async def test_a_good_assertion_authenticates(signer: Signer, typ: str) -> None:
    answer = await signer.ask_with(typ=typ)
    assert answer.status == 200, answer.body
    assert (await signer.ask(jws.sign(signer.claims(), signer.key, typ), client_id="signer")).status == 200


@pytest.mark.spec("RFC 7523 section 3")
@pytest.mark.attack("A1")
async def test_an_assertion_is_good_once(signer: Signer) -> None:
    assertion = jws.sign(signer.claims(), signer.key, "JWT")
    assert (await signer.ask(assertion)).status == 200
    answer = await signer.ask(assertion)
    assert (answer.status, answer.error) == (401, "invalid_client")
    assert signer.issuer.journal.decisions[-1].reason == "client.assertion_replayed"
    signer.issuer.later(59)
    assert (await signer.ask(assertion)).error == "invalid_client"
    signer.issuer.later(1)
    assert (await signer.ask(assertion)).error == "invalid_client"


@pytest.mark.attack("A1")
@pytest.mark.attack("J11")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "http://issuer.test:8080/realms/acme/token"},
        {"aud": ["http://issuer.test:8080/realms/acme"]},
        {"aud": "http://issuer.test:8080/realms/acme/"},
        {"aud": "http://issuer.test:8080/realms/other"},
        {"aud": None},
        {"iss": "other"},
        {"iss": None},
        {"sub": "web"},
        {"sub": "web", "iss": "web"},
        {"sub": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1_800_000_000},
        {"exp": 1_800_000_601},
        {"exp": 1_800_000_060.5},
        {"exp": 1_831_536_000},
        {"iat": 1_800_000_061},
        {"nbf": 1_800_000_061},
    ],
)
async def test_claims_that_are_not_exactly_right(signer: Signer, changes: dict[str, Any]) -> None:
    answer = await signer.ask_with(**changes)
    assert (answer.status, answer.json["error_description"]) == (401, "client authentication failed")


@pytest.mark.spec("RFC 7523 section 3")
async def test_a_clock_ten_seconds_ahead_is_forgiven(signer: Signer) -> None:
    now = signer.issuer.now
    assert (await signer.ask_with(iat=now + 10, nbf=now + 10)).status == 200


@pytest.mark.attack("A1")
@pytest.mark.attack("J1")
async def test_another_key_or_kind_or_no_signature(signer: Signer) -> None:
    assert (await signer.ask_with(key=generate("ES256"))).error == "invalid_client"
    assert (await signer.ask_with(key=generate("ES256", signer.key.kid))).error == "invalid_client"
    assert (await signer.ask_with(typ="at+jwt")).error == "invalid_client"
    good = jws.sign(signer.claims(), signer.key, "JWT")
    head, body, _ = good.split(".")
    for broken in ("", "x", f"{head}.{body}.", f"{head}.{body}", f".{body}.", f"{head}..{good.split('.')[2]}"):
        assert (await signer.ask(broken)).error == "invalid_client"


@pytest.mark.attack("A1")
async def test_the_issuers_own_tokens_are_no_assertions(signer: Signer) -> None:
    issuer_key = await signer.issuer.cx.keys.signer("acme", signer.issuer.now)
    assert (await signer.ask_with(key=issuer_key)).error == "invalid_client"


async def test_the_client_id_beside_it_must_agree(signer: Signer) -> None:
    answer = await signer.ask(jws.sign(signer.claims(), signer.key, "JWT"), client_id="web")
    assert answer.error == "invalid_client"


async def test_a_client_that_registered_for_a_secret_may_not_sign(signer: Signer) -> None:
    await signer.issuer.change(Client, "web", jwks={"keys": [signer.key.public().jwk()]})
    assert (await signer.ask_with(iss="web", sub="web")).error == "invalid_client"
    assert signer.issuer.journal.decisions[-1].reason == "client.wrong_method"


@pytest.mark.attack("J2")
async def test_a_symmetric_key_in_the_clients_set_is_refused(signer: Signer) -> None:
    await signer.issuer.change(Client, "signer", jwks={"keys": [{"kty": "oct", "k": "AAAA"}]})
    assert (await signer.ask_with()).error == "invalid_client"
    assert signer.issuer.journal.decisions[-1].reason == "client.without_keys"


@pytest.mark.spec("RFC 9126 section 2")
@pytest.mark.spec("OpenID Connect Core 1.0 section 9")
async def test_a_client_without_a_profile_may_name_the_token_endpoint(signer: Signer) -> None:
    await signer.issuer.change(Client, "signer", profile="")
    assert (await signer.ask_with(aud=signer.issuer.url)).status == 200
    assert (await signer.ask_with(aud=f"{signer.issuer.url}/token", exp=signer.issuer.now + 3600)).status == 200
    for audience in (
        f"{signer.issuer.url}/par",
        [f"{signer.issuer.url}/token"],
        "http://issuer.test:8080/realms/x/token",
    ):
        assert (await signer.ask_with(aud=audience)).error == "invalid_client", audience
    assert (await signer.ask_with(exp=signer.issuer.now + 3601)).error == "invalid_client"


@pytest.mark.spec("RFC 7591 section 2")
@pytest.mark.attack("J2")
async def test_only_the_registered_algorithm(signer: Signer) -> None:
    await signer.issuer.change(Client, "signer", token_endpoint_auth_signing_alg="PS256")
    assert (await signer.ask_with()).error == "invalid_client"
    await signer.issuer.change(Client, "signer", token_endpoint_auth_signing_alg="ES256")
    assert (await signer.ask_with()).status == 200


@pytest.mark.spec("RFC 7517 section 4.4")
async def test_an_rsa_key_without_algorithm_serves_the_one_the_assertion_names(signer: Signer) -> None:
    key = generate("PS256", "rsa")
    jwk = {name: text for name, text in key.public().jwk().items() if name != "alg"}
    await signer.issuer.change(Client, "signer", jwks={"keys": [jwk]})
    same = private_from_pem(private_to_pem(key), "RS256", "rsa")
    assert (await signer.ask_with(key)).status == 200
    assert (await signer.ask_with(same)).status == 200
    await signer.issuer.change(Client, "signer", jwks={"keys": [key.public().jwk()]})
    assert (await signer.ask_with(same)).error == "invalid_client"
    await signer.issuer.change(Client, "signer", jwks={"keys": [jwk]}, token_endpoint_auth_signing_alg="PS256")
    assert (await signer.ask_with(same)).error == "invalid_client"


@pytest.mark.spec("RFC 8705 section 5")
async def test_the_token_endpoint_for_certificates_may_be_meant_too(signer: Signer) -> None:
    issuer = signer.issuer
    issuer.cx = replace(issuer.cx, mtls_base_url="https://mtls.issuer.test")
    await issuer.change(Client, "signer", profile="")
    assert (await signer.ask_with(aud="https://mtls.issuer.test/realms/acme/token")).status == 200
    assert (await signer.ask_with(aud="https://mtls.issuer.test/realms/other/token")).error == "invalid_client"
    assert (await signer.ask_with(aud="https://evil.test/realms/acme/token")).error == "invalid_client"
    await issuer.change(Client, "signer", profile="oauth21")
    assert (await signer.ask_with(aud="https://mtls.issuer.test/realms/acme/token")).error == "invalid_client"
