"""JWT-SVIDs as client authentication: signed by the trust domain, for this issuer alone, of this client."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.keys import PrivateKey
from keystead.core.records.client import Client
from keystead.core.records.client_vouchers import SpiffeTrustDomain
from keystead.core.records.realm import Realm
from tests.harness.documents import document_server
from tests.issuer import Answer, Issuer, confidential

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
SPEC = "draft-ietf-oauth-spiffe-client-auth section 3.2"
ID = "spiffe://example.org/ns/shop/orders"


def in_bundle(key: PrivateKey, use: str = "jwt-svid") -> dict[str, Any]:
    """Return a key as a SPIFFE bundle has it: by its use, without an algorithm."""
    return {name: value for name, value in key.public().jwk().items() if name != "alg"} | {"use": use}


class Workload:
    """A workload and the key of its trust domain."""

    def __init__(self, issuer: Issuer, key: PrivateKey) -> None:
        self.issuer = issuer
        self.key = key

    def svid(self, key: PrivateKey | None = None, typ: str = "JWT", **changes: Any) -> str:
        """Return a JWT-SVID, as SPIRE makes them."""
        now = self.issuer.now
        good: dict[str, Any] = {"sub": ID, "aud": [self.issuer.url], "iat": now, "exp": now + 300}
        return jws.sign({k: v for k, v in (good | changes).items() if v is not None}, key or self.key, typ)

    async def ask(self, svid: str, client_id: str = "orders") -> Answer:
        """Ask for a token."""
        form = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": svid}
        return await self.issuer.post("token", form | ({"client_id": client_id} if client_id else {}))


@pytest.fixture
async def workload(issuer: Issuer) -> Workload:
    """A realm that believes a trust domain, and a client of it."""
    key = generate("ES256")
    bundle = {"keys": [in_bundle(key), {"kty": "EC", "use": "x509-svid", "x5c": ["AAAA"]}], "spiffe_sequence": 1}
    await issuer.set_up(
        confidential(
            "orders",
            token_endpoint_auth_method="spiffe_jwt",
            client_secret_digests=(),
            spiffe_id=ID,
            grant_types=("client_credentials",),
        ),
        spiffe_trust_domains=(SpiffeTrustDomain(name="example.org", bundle=bundle),),
    )
    return Workload(issuer, key)


@pytest.mark.spec(SPEC)
async def test_an_svid_authenticates_and_may_be_shown_again(workload: Workload) -> None:
    svid = workload.svid()
    for client_id in ("orders", "", "orders"):
        assert (await workload.ask(svid, client_id)).status == 200
    assert (await workload.ask(workload.svid(aud=workload.issuer.url, typ="JOSE"))).status == 200


@pytest.mark.spec(SPEC)
@pytest.mark.attack("A1")
@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "spiffe://example.org/ns/shop/other"},
        {"sub": "spiffe://evil.org/ns/shop/orders"},
        {"sub": ID + "/x"},
        {"sub": ID.upper()},
        {"sub": "orders"},
        {"sub": None},
        {"aud": ["http://issuer.test:8080/realms/acme", "https://other.test"]},
        {"aud": ["http://issuer.test:8080/realms/acme/token"]},
        {"aud": None},
        {"exp": None},
        {"exp": 1_800_000_000},
        {"exp": 1_800_003_601},
        {"nbf": 1_800_000_100},
    ],
)
async def test_svids_that_are_refused(workload: Workload, changes: dict[str, Any]) -> None:
    assert (await workload.ask(workload.svid(**changes))).error == "invalid_client"
    assert (await workload.ask(workload.svid(**changes), "")).error == "invalid_client"


@pytest.mark.attack("J1")
async def test_only_keys_the_bundle_has_for_svids(workload: Workload) -> None:
    assert (await workload.ask(workload.svid(generate("ES256")))).error == "invalid_client"
    assert (await workload.ask(workload.svid(generate("ES256", workload.key.kid)))).error == "invalid_client"
    domain = SpiffeTrustDomain(name="example.org", bundle={"keys": [in_bundle(workload.key, "x509-svid")]})
    await workload.issuer.change(Realm, "acme", spiffe_trust_domains=(domain,))
    assert (await workload.ask(workload.svid())).error == "invalid_client"


@pytest.mark.spec(SPEC)
async def test_a_client_may_be_a_part_of_the_trust_domain(workload: Workload) -> None:
    await workload.issuer.change(Client, "orders", spiffe_id="spiffe://example.org/ns/shop/*")
    assert (await workload.ask(workload.svid())).status == 200
    for subject in ("spiffe://example.org/ns/shop/", "spiffe://example.org/ns/shopping/x", "spiffe://example.org/ns"):
        assert (await workload.ask(workload.svid(sub=subject))).error == "invalid_client"
    assert (await workload.ask(workload.svid(), "")).error == "invalid_client", "then it has to be named"


@pytest.mark.spec(SPEC)
async def test_a_bundle_at_its_endpoint_is_renewed(workload: Workload) -> None:
    old, new = generate("RS256"), generate("RS256")
    async with document_server() as server:
        address = server.put("/bundle", {"keys": [in_bundle(old)]})
        domain = SpiffeTrustDomain(name="example.org", bundle_url=address)
        await workload.issuer.change(Realm, "acme", spiffe_trust_domains=(domain,))
        assert (await workload.ask(workload.svid(old))).status == 200
        server.put("/bundle", {"keys": [in_bundle(new)]})
        assert (await workload.ask(workload.svid(new))).status == 200
        assert (await workload.ask(workload.svid(old))).error == "invalid_client"


@pytest.mark.attack("A1")
async def test_other_methods_are_not_mixed_up(workload: Workload) -> None:
    await workload.issuer.keep(confidential("web", spiffe_id="spiffe://example.org/web"))
    assert (await workload.ask(workload.svid(sub="spiffe://example.org/web"), "web")).error == "invalid_client"
    await workload.issuer.change(Client, "orders", enabled=False)
    assert (await workload.ask(workload.svid())).error == "invalid_client"


async def test_discovery_offers_it_where_it_can_be_used(workload: Workload) -> None:
    async def offered() -> bool:
        document = (await workload.issuer.send(".well-known/openid-configuration", method="GET")).json
        return "spiffe_jwt" in document["token_endpoint_auth_methods_supported"]

    assert await offered()
    await workload.issuer.change(Realm, "acme", spiffe_trust_domains=())
    workload.issuer.later(1)
    assert not await offered()
