"""One realm in which every feature is open, and one client that may do everything.

The same client gets every handle and offers it everywhere, so that nothing but the kind of handle can refuse it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.keys import PrivateKey
from keystead.core.records.account import Account
from keystead.core.records.api import Api, ExchangePolicy
from keystead.core.records.client import Client
from keystead.core.records.client_vouchers import ClientAttester
from keystead.core.records.registration import InitialAccessToken, RegistrationRules
from keystead.core.records.transaction_rules import TransactionRules
from keystead.core.records.trusted_issuer import AccountMatch, ClaimCondition, PartnerServer, TrustedIssuer
from keystead.core.records.workload import Workload
from keystead.core.values import handle_digest
from keystead.oauth.catalogue import grants
from tests.client_requests import jwks, signed_request
from tests.harness.browser import Browser, Page
from tests.issuer import SECRET, Answer, Issuer, confidential
from tests.registrar import INITIAL, Registrar
from tests.shop import CATALOG, ORDERS, authorize_url, browser_for, password_hash, reach_code, sign_in

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"
FOREIGN = "https://ci.elsewhere.test"
CHAT = "https://chat.test/"
DOMAIN = "shop.internal"
SCOPES = "openid profile email offline_access catalog:read orders:read ciba:approve"
SERVICE = "ssf.manage global_token_revocation"
ASSERTED_METHODS = ("private_key_jwt", "client_secret_jwt", "spiffe_jwt", "trusted_issuer", "workload")

_numbers = itertools.count(1)


@dataclass
class World:
    """The realm, and alice's browser at which she is signed in. `registered` says whose a management token is."""

    issuer: Issuer
    browser: Browser
    foreign_key: PrivateKey = field(default_factory=lambda: generate("ES256"))
    attester_key: PrivateKey = field(default_factory=lambda: generate("ES256"))
    instance_key: PrivateKey = field(default_factory=lambda: generate("ES256"))
    registered: dict[str, str] = field(default_factory=dict)

    @property
    def registrar(self) -> Registrar:
        """Whoever registers clients."""
        return Registrar(self.issuer)

    def address(self) -> str:
        """An address that nobody used: the brakes on guessing are not what is tried here."""
        number = next(_numbers)
        return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def visitor(self) -> Browser:
        """A browser that was never here."""
        return browser_for(self.issuer, self.address())

    async def token(self, grant_type: str, **form: Any) -> Answer:
        """Ask the token endpoint, as the client that may do everything."""
        return await self.issuer.token(grant_type, client="shop", **form)

    async def post(self, path: str, **form: Any) -> Answer:
        """Post a form as that client."""
        return await self.issuer.post(path, form, basic=("shop", SECRET))

    async def bearer(self, path: str, token: str, *, method: str = "GET", body: bytes = b"", query: str = "") -> Answer:
        """Call an endpoint with an access token and JSON."""
        headers = [(b"authorization", b"Bearer " + token.encode()), (b"content-type", b"application/json")]
        return await self.issuer.send(path, body, method=method, headers=headers, query=query.encode())

    async def page(self, path: str, browser: Browser | None = None, **query: str) -> Page:
        """Open a page, and follow no redirect."""
        return await (browser or self.visitor()).get(f"{path}?{urlencode(query)}", follow=False)

    async def code(self, **changes: str | None) -> str:
        """Alice goes through the front door."""
        page = await reach_code(self.browser, authorize_url(self.issuer, **({"scope": SCOPES} | changes)))
        return page.answer["code"]

    async def tokens(self, **changes: str | None) -> dict[str, Any]:
        """The tokens of a fresh sign-in."""
        answer = await self.issuer.redeem(await self.code(**changes), client="shop")
        assert answer.status == 200, answer.body
        return answer.json

    async def service_token(self) -> str:
        """The client's own token for the issuer's endpoints."""
        answer = await self.token("client_credentials", scope=SERVICE)
        assert answer.status == 200, answer.body
        return str(answer.json["access_token"])

    async def exchanged(self, audience: str = CATALOG) -> str:
        """A JWT for an API, in the person's name."""
        token = (await self.tokens(scope="openid catalog:read orders:read"))["access_token"]
        answer = await self.exchange(token, "access_token", audience)
        assert answer.status == 200, answer.body
        return str(answer.json["access_token"])

    async def exchange(self, token: str, kind: str, audience: str = CATALOG, **form: Any) -> Answer:
        """Exchange something."""
        fields = {"subject_token": token, "subject_token_type": TOKEN_TYPE + kind, "audience": audience}
        return await self.token(EXCHANGE, **(fields | form))

    def assertion(self, key: PrivateKey | None = None, *, typ: str = "JWT", **claims: Any) -> str:
        """What the trusted issuer says about alice, or a JWT like it."""
        now = self.issuer.now
        good = {"iss": FOREIGN, "sub": "alice", "aud": self.issuer.url, "iat": now, "exp": now + 300}
        return jws.sign({**good, "jti": f"j-{next(_numbers)}", **claims}, key or self.foreign_key, typ)

    def request_object(self, **changes: Any) -> str:
        """A signed authorization request."""
        return signed_request(self.issuer, scope=SCOPES, **changes)

    def attested(self, challenge: str) -> list[tuple[bytes, bytes]]:
        """The headers of an attested instance that answers a challenge."""
        now = self.issuer.now
        public = self.instance_key.public().jwk()
        jwk = {name: public[name] for name in ("kty", "crv", "x", "y")}
        said = {"iss": "https://attester.test", "sub": "app", "exp": now + 3600, "cnf": {"jwk": jwk}}
        proof = {"iss": "app", "aud": self.issuer.url, "jti": f"p-{next(_numbers)}", "iat": now, "challenge": challenge}
        return [
            (b"oauth-client-attestation", jws.sign(said, self.attester_key, "oauth-client-attestation+jwt").encode()),
            (
                b"oauth-client-attestation-pop",
                jws.sign(proof, self.instance_key, "oauth-client-attestation-pop+jwt").encode(),
            ),
        ]


async def open_world(issuer: Issuer) -> World:
    """Set everything up and sign alice in."""
    world = World(issuer, browser_for(issuer))
    policy = ExchangePolicy(sources=("shop", "gateway"))
    own = f"{issuer.url}/ciba"
    await issuer.set_up(
        Api(realm="acme", id=CATALOG, scopes=("catalog:read",), exchange=policy, served_by="catalog"),
        Api(
            realm="acme",
            id="https://depot.test",
            exchange=ExchangePolicy(sources=("catalog",)),
            served_by="depot",
        ),
        confidential("depot", grant_types=("client_credentials",)),
        Api(realm="acme", id=ORDERS, scopes=("orders:read",), exchange=policy),
        Api(realm="acme", id=own, scopes=("ciba:approve",)),
        Account(
            realm="acme", id="usr_alice", username="alice", name="Alice", password_hash=password_hash(), roles=("c",)
        ),
        confidential(
            "shop",
            grant_types=tuple(grants()),
            scope=f"{SCOPES} {SERVICE}",
            first_party=True,
            request_uris=("https://app.test/request",),
            post_logout_redirect_uris=("https://app.test/bye",),
            jwks=jwks(),
            authorization_details_types=("payment",),
        ),
        confidential("catalog", grant_types=("client_credentials", EXCHANGE), scope="catalog:read"),
        confidential("nonced", grant_types=("client_credentials",), scope="catalog:read", require_dpop_nonce=True),
        *(_asserted(method) for method in ASSERTED_METHODS),
        Workload(realm="acme", id="gateway", scope="catalog:read"),
        Workload(realm="acme", id="deployer", scope="catalog:read"),
        confidential(
            "app",
            token_endpoint_auth_method="attest_jwt_client_auth",
            client_secret_digests=(),
            client_attesters=("backend",),
            grant_types=("client_credentials",),
            scope="catalog:read",
        ),
        InitialAccessToken(realm="acme", id=handle_digest(INITIAL), uses_left=None),
        PartnerServer(realm="acme", id=CHAT, clients={"shop": "there"}, scopes=("chat.read",), formats=("id_jag",)),
        TrustedIssuer(
            realm="acme",
            id="ci",
            issuer=FOREIGN,
            jwks={"keys": [world.foreign_key.public().jwk()]},
            conditions=(ClaimCondition("sub", equals="alice"),),
            account=AccountMatch("sub", "username"),
            clients=("shop",),
            scope="openid catalog:read",
        ),
        registration=RegistrationRules(open=True),
        transaction_tokens=TransactionRules(trust_domain=DOMAIN, sources=("shop",), replaced_by=("shop",)),
        client_attesters=(
            ClientAttester(
                name="backend", issuer="https://attester.test", jwks={"keys": [world.attester_key.public().jwk()]}
            ),
        ),
        require_attestation_challenge=True,
        danger_backchannel_test_decisions=True,
        status_lists=True,
        sign_up="open",
        features=("first_party", "id_jag_issuer", "id_jag_receiver", "trusted_issuers"),
    )
    await issuer.consent(Account(realm="acme", id="usr_alice", username="alice"), "shop", SCOPES.split())
    await sign_in(world.browser, await world.browser.get("sign-in"))
    return world


def _asserted(method: str) -> Client:
    fields: dict[str, Any] = {"jwks": jwks(), "workload": "gateway"} if method == "workload" else {"jwks": jwks()}
    return confidential(
        f"by_{method}",
        token_endpoint_auth_method=method,
        client_secret_digests=(),
        grant_types=("client_credentials",),
        scope="catalog:read",
        **fields,
    )
