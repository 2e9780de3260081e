"""client_secret_jwt: an assertion made with the secret, by the rules of every client assertion."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import msgspec
import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.records.client import Client
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.client_secrets import sealed_secrets
from tests.issuer import Answer, Issuer, confidential
from tests.market import Market

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECRET = "s" * 64
OTHER = "t" * 64


def compact(header: dict[str, Any], claims: dict[str, Any], secret: str, digest: str = "sha256") -> str:
    """Return a JWS under a secret."""
    parts = [base64.urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=") for part in (header, claims)]
    signature = hmac.digest(secret.encode(), b".".join(parts), digest)
    return b".".join((*parts, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


class Knower:
    """A client that knows a secret."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.count = 0

    def claims(self, **changes: Any) -> dict[str, Any]:
        self.count += 1
        now = self.issuer.now
        good = {"iss": "knower", "sub": "knower", "aud": self.issuer.url, "jti": f"{self.count}", "exp": now + 60}
        return {name: value for name, value in (good | changes).items() if value is not None}

    async def ask(self, assertion: str) -> Answer:
        form = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": assertion}
        return await self.issuer.post("token", form)

    async def ask_with(self, algorithm: str = "HS256", secret: str = SECRET, **changes: Any) -> Answer:
        digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}.get(algorithm, "sha256")
        return await self.ask(compact({"alg": algorithm}, self.claims(**changes), secret, digest))


@pytest.fixture
async def knower(market: Market) -> Knower:
    """A client with two live secrets."""
    secrets = (SECRET, OTHER)
    await market.issuer.keep(
        confidential(
            "knower",
            token_endpoint_auth_method="client_secret_jwt",
            client_secret_digests=tuple(handle_digest(secret) for secret in secrets),
            client_secrets_sealed=sealed_secrets("acme", "knower", secrets, market.issuer.cx.sealer),
            grant_types=("client_credentials",),
            scope="catalog:read",
        )
    )
    return Knower(market.issuer)


@pytest.mark.spec("OpenID Connect Core 1.0 section 9")
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("secret", [SECRET, OTHER])
async def test_either_live_secret_authenticates(knower: Knower, algorithm: str, secret: str) -> None:
    assert (await knower.ask_with(algorithm, secret)).status == 200


@pytest.mark.attack("A1")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.test"},
        {"iss": "web"},
        {"jti": None},
        {"exp": 1_800_003_601},
        {"exp": None},
        {"sub": "web"},
    ],
)
async def test_the_claims_of_every_assertion_are_checked(knower: Knower, changes: dict[str, Any]) -> None:
    assert (await knower.ask_with(**changes)).error == "invalid_client"


@pytest.mark.attack("A1")
async def test_good_once(knower: Knower) -> None:
    assertion = compact({"alg": "HS256"}, knower.claims(), SECRET)
    assert (await knower.ask(assertion)).status == 200
    assert (await knower.ask(assertion)).error == "invalid_client"
    assert knower.issuer.journal.reason == "client.assertion_replayed"


@pytest.mark.spec("RFC 7518 section 3.2")
@pytest.mark.attack("J2")
async def test_wrong_secret_wrong_algorithm_or_a_public_key_as_secret(knower: Knower) -> None:
    assert (await knower.ask_with(secret="u" * 64)).error == "invalid_client"
    assert (await knower.ask_with("none", "")).error == "invalid_client"
    assert (await knower.ask(jws.sign(knower.claims(), generate("ES256"), "JWT"))).error == "invalid_client"
    await knower.issuer.change(Client, "knower", token_endpoint_auth_signing_alg="HS512")
    assert (await knower.ask_with("HS256")).error == "invalid_client"
    assert (await knower.ask_with("HS512")).status == 200
    short = "short-secret-of-40-characters-not-enough"
    sealed = sealed_secrets("acme", "knower", [short], knower.issuer.cx.sealer)
    await knower.issuer.change(Client, "knower", client_secrets_sealed=sealed)
    assert (await knower.ask_with("HS512", short)).error == "invalid_client"


async def test_a_public_key_never_verifies_as_a_secret(knower: Knower) -> None:
    key = generate("RS256")
    await knower.issuer.change(
        Client, "knower", token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.public().jwk()]}
    )
    for text in (msgspec.json.encode(key.public().jwk()).decode(), str(key.public().jwk()["n"])):
        assert (await knower.ask_with(secret=text)).error == "invalid_client"


@pytest.mark.spec("RFC 7591 section 3.2.1")
async def test_expired_secrets_are_no_secrets(knower: Knower) -> None:
    now = knower.issuer.now
    await knower.issuer.change(Client, "knower", client_secret_expiries=(EpochSeconds(0), EpochSeconds(now + 10)))
    assert (await knower.ask_with(secret=OTHER)).status == 200
    knower.issuer.later(10)
    assert (await knower.ask_with(secret=OTHER)).error == "invalid_client"
    assert (await knower.ask_with(secret=SECRET)).status == 200
    await knower.issuer.change(Client, "knower", client_secret_expires_at=EpochSeconds(now + 20))
    knower.issuer.later(10)
    assert (await knower.ask_with(secret=SECRET)).error == "invalid_client"


@pytest.mark.spec("RFC 7591 section 3.2.1")
async def test_a_retiring_secret_of_basic_ends_by_itself(market: Market) -> None:
    issuer = market.issuer
    digests = (handle_digest("new-secret"), handle_digest("old-secret"))
    await issuer.change(
        Client,
        "batch",
        client_secret_digests=digests,
        client_secret_expiries=(EpochSeconds(0), EpochSeconds(issuer.now + 60)),
    )

    async def ask(secret: str) -> int:
        return (await issuer.token("client_credentials", client="batch", secret=secret)).status

    assert [await ask("new-secret"), await ask("old-secret"), await ask("other")] == [200, 200, 401]
    issuer.later(60)
    assert [await ask("new-secret"), await ask("old-secret")] == [200, 401]
    assert issuer.journal.reason == "client.secret_expired"
