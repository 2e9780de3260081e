"""Client attestations: an attester vouches, the instance proves its key, and nobody else can use either."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.keys import PrivateKey
from keystead.core.records.client import Client
from keystead.core.records.client_vouchers import ClientAttester
from keystead.core.records.realm import Realm
from tests.issuer import VERIFIER, Answer, Issuer
from tests.market import Market

SPEC = "draft-ietf-oauth-attestation-based-client-auth section"
TYPE = "oauth-client-attestation+jwt"
ATTESTER = "https://attester.test"


class Instance:
    """One instance of an app, with its key and what its backend says of it."""

    def __init__(self, issuer: Issuer, attester: PrivateKey) -> None:
        self.issuer = issuer
        self.attester = attester
        self.key = generate("ES256")
        self.count = 0

    def attestation(
        self, key: PrivateKey | None = None, typ: str = "oauth-client-attestation+jwt", **claims: Any
    ) -> str:
        """Return an attestation of this instance."""
        jwk = {name: value for name, value in self.key.public().jwk().items() if name in ("kty", "crv", "x", "y")}
        good = {"iss": ATTESTER, "sub": "app", "exp": self.issuer.now + 3600, "cnf": {"jwk": jwk}}
        return jws.sign({k: v for k, v in (good | claims).items() if v is not None}, key or self.attester, typ)

    def proof(self, key: PrivateKey | None = None, typ: str = "oauth-client-attestation-pop+jwt", **claims: Any) -> str:
        """Return a proof that this instance holds its key."""
        self.count += 1
        good = {"iss": "app", "aud": self.issuer.url, "jti": f"{id(self)}-{self.count}", "iat": self.issuer.now}
        return jws.sign({k: v for k, v in (good | claims).items() if v is not None}, key or self.key, typ)

    async def ask(
        self, attestation: str | None = None, proof: str | None = None, path: str = "token", **form: Any
    ) -> Answer:
        """Call an endpoint."""
        headers = [
            (b"oauth-client-attestation", (attestation or self.attestation()).encode()),
            (b"oauth-client-attestation-pop", (proof or self.proof()).encode()),
        ]
        fields = {"grant_type": "client_credentials", "client_id": "app"} | form
        return await self.issuer.post(path, fields, headers=headers)


@pytest.fixture
async def instance(market: Market) -> Instance:
    """A realm that believes an attester, and a client it may vouch for."""
    key = generate("ES256")
    attester = ClientAttester(name="backend", issuer=ATTESTER, jwks={"keys": [key.public().jwk()]})
    await market.issuer.change(Realm, "acme", client_attesters=(attester,))
    await market.issuer.keep(
        Client(
            realm="acme",
            id="app",
            redirect_uris=("https://app.test/cb",),
            token_endpoint_auth_method="attest_jwt_client_auth",
            client_attesters=("backend",),
            grant_types=("client_credentials", "authorization_code", "refresh_token"),
            scope="openid catalog:read",
        )
    )
    return Instance(market.issuer, key)


@pytest.mark.spec(f"{SPEC} 5")
async def test_an_attested_instance_authenticates(instance: Instance) -> None:
    assert (await instance.ask()).status == 200
    assert (await instance.ask(proof=instance.proof(iss=None))).status == 200
    assert (await instance.ask(proof=instance.proof(iat=instance.issuer.now - 300))).status == 200


@pytest.mark.spec(f"{SPEC} 10")
@pytest.mark.attack("A1")
@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "web"},
        {"sub": None},
        {"exp": 1_800_000_000},
        {"exp": None},
        {"iss": "https://other.test"},
        {"iss": None},
        {"cnf": None},
        {"cnf": {}},
        {"cnf": {"jwk": {"kty": "oct", "k": "AAAA"}}},
        {"cnf": {"jkt": "x"}},
        {"typ": "JWT"},
    ],
)
async def test_attestations_that_are_refused(instance: Instance, claims: dict[str, Any]) -> None:
    answer = await instance.ask(instance.attestation(**claims))
    assert (answer.status, answer.error) == (401, "invalid_client")


@pytest.mark.spec(f"{SPEC} 10")
@pytest.mark.attack("A1")
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.test"},
        {"aud": "http://issuer.test:8080/realms/acme/token"},
        {"aud": ["http://issuer.test:8080/realms/acme"]},
        {"aud": None},
        {"jti": None},
        {"iat": None},
        {"iat": 1_799_999_699},
        {"iat": 1_800_000_061},
        {"exp": 1_800_000_000},
        {"iss": "web"},
        {"typ": "dpop+jwt"},
    ],
)
async def test_proofs_that_are_refused(instance: Instance, claims: dict[str, Any]) -> None:
    assert (await instance.ask(proof=instance.proof(**claims))).error == "invalid_client"


@pytest.mark.attack("A1")
async def test_another_key_another_attester_or_the_same_proof_again(instance: Instance) -> None:
    assert (await instance.ask(proof=instance.proof(generate("ES256")))).error == "invalid_client"
    assert (await instance.ask(instance.attestation(generate("ES256")))).error == "invalid_client"
    assert (await instance.ask(instance.attestation(instance.key))).error == "invalid_client"
    proof = instance.proof()
    assert (await instance.ask(proof=proof)).status == 200
    assert (await instance.ask(proof=proof)).error == "invalid_client"
    assert instance.issuer.journal.reason == "client.attestation_replayed"
    await instance.issuer.change(Client, "app", client_attesters=("another",))
    assert (await instance.ask()).error == "invalid_client"


async def test_both_headers_once_and_no_other_method_beside(instance: Instance) -> None:
    issuer, attestation = instance.issuer, instance.attestation().encode()
    one, proof = (
        (b"oauth-client-attestation", attestation),
        (b"oauth-client-attestation-pop", instance.proof().encode()),
    )
    form = {"grant_type": "client_credentials", "client_id": "app"}
    for headers in ([one], [one, one, proof], [one, proof, proof], [proof]):
        assert (await issuer.post("token", form, headers=headers)).error == "invalid_client"
    beside = await issuer.post("token", form | {"client_secret": "x"}, headers=[one, proof])
    assert beside.error == "invalid_request"
    assert (await issuer.post("token", form | {"client_id": "web"}, headers=[one, proof])).error == "invalid_client"


@pytest.mark.spec(f"{SPEC} 8")
async def test_a_challenge_is_demanded_handed_out_and_checked(instance: Instance) -> None:
    issuer = instance.issuer
    await issuer.change(Realm, "acme", require_attestation_challenge=True)
    refused = await instance.ask()
    assert (refused.status, refused.error) == (400, "use_attestation_challenge")
    challenge = refused.headers["oauth-client-attestation-challenge"]
    assert (await instance.ask(proof=instance.proof(challenge=challenge))).status == 200
    asked = (await issuer.send("attestation-challenge")).json["attestation_challenge"]
    assert (await instance.ask(proof=instance.proof(challenge=asked))).status == 200
    for wrong in ("x", "", 7):
        assert (await instance.ask(proof=instance.proof(challenge=wrong))).error == "use_attestation_challenge"
    issuer.later(240)
    assert (await instance.ask(proof=instance.proof(challenge=asked))).error == "use_attestation_challenge"


@pytest.mark.spec(f"{SPEC} 7")
async def test_discovery_says_so(instance: Instance) -> None:
    issuer = instance.issuer
    document = (await issuer.send(".well-known/openid-configuration", method="GET")).json
    assert document["challenge_endpoint"] == f"{issuer.url}/attestation-challenge"
    assert "attest_jwt_client_auth" in document["token_endpoint_auth_methods_supported"]
    assert "ES256" in document["client_attestation_signing_alg_values_supported"]
    assert "ES256" in document["client_attestation_pop_signing_alg_values_supported"]
    await issuer.change(Realm, "acme", client_attesters=())
    issuer.later(1)
    document = (await issuer.send(".well-known/openid-configuration", method="GET")).json
    assert "challenge_endpoint" not in document
    assert "attest_jwt_client_auth" not in document["token_endpoint_auth_methods_supported"]


@pytest.mark.spec(f"{SPEC} 9")
@pytest.mark.attack("F3")
async def test_a_refresh_token_belongs_to_one_instance(instance: Instance, market: Market) -> None:
    await market.issuer.consent(market.account, "app", ("openid",))
    code = await market.code("app", ("openid",))
    fields = {"code": code, "redirect_uri": "https://app.test/cb", "code_verifier": VERIFIER}
    tokens = (await instance.ask(grant_type="authorization_code", **fields)).json
    assert "refresh_token" in tokens, tokens
    other = Instance(market.issuer, instance.attester)
    stolen = await other.ask(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert stolen.error == "invalid_grant"
    own = await instance.ask(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert own.status == 200, own.body
