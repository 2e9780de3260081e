"""Another trust domain: an issuer with keys of its own that this realm may or may not believe."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from keystead.core.jose import jws
from keystead.core.jose.algorithms import generate
from keystead.core.jose.keys import PrivateKey
from keystead.core.records.trusted_issuer import AccountMatch, ClaimCondition, TrustedIssuer
from keystead.core.records.workload import Workload
from tests.issuer import Answer, confidential
from tests.market import EXCHANGE, Market

FOREIGN = "https://ci.elsewhere.test"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"
ID_JAG_TYP = "oauth-id-jag+jwt"
REPOSITORY = "repo:acme/shop:ref:refs/heads/main"

_numbers = itertools.count()


@dataclass
class Elsewhere:
    """An issuer elsewhere."""

    market: Market
    key: PrivateKey = field(default_factory=lambda: generate("ES256"))
    issuer: str = FOREIGN

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return good claims, or changed ones; None takes a claim out."""
        now = self.market.issuer.now
        good = {
            "iss": self.issuer,
            "sub": REPOSITORY,
            "aud": self.market.issuer.url,
            "iat": now,
            "exp": now + 300,
            "jti": f"jti-{next(_numbers)}",
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def assertion(self, typ: str = "JWT", key: PrivateKey | None = None, **changes: Any) -> str:
        """Sign an assertion."""
        return jws.sign(self.claims(**changes), key or self.key, typ)

    async def trusted(self, id: str = "ci", **fields: Any) -> None:
        """Trust this issuer: by default, for the workload `deployer`, on one branch."""
        usual: dict[str, Any] = {
            "issuer": self.issuer,
            "jwks": {"keys": [self.key.public().jwk()]},
            "conditions": (ClaimCondition("sub", equals=REPOSITORY),),
            "workload": "" if fields.get("account") or fields.get("client") else "deployer",
        }
        await self.market.issuer.keep(TrustedIssuer(realm="acme", id=id, **(usual | fields)))

    async def trusted_for_people(self, **fields: Any) -> None:
        """Trust it to speak of people to the client `trusted`."""
        usual: dict[str, Any] = {
            "conditions": (ClaimCondition("org", equals="acme"),),
            "account": AccountMatch("preferred_username", "username"),
            "clients": ("trusted", "web"),
        }
        await self.trusted(**(usual | fields))

    async def bring(self, assertion: str, **form: Any) -> Answer:
        """Bring an assertion without client credentials."""
        fields = {"grant_type": JWT_BEARER, "assertion": assertion, "scope": "catalog:read", **form}
        return await self.market.issuer.post("token", fields)

    async def bring_as(self, client: str, assertion: str, **form: Any) -> Answer:
        """Bring an assertion as a client."""
        return await self.market.issuer.token(JWT_BEARER, client=client, assertion=assertion, **form)

    async def exchange(self, assertion: str, audience: str, **form: Any) -> Answer:
        """Exchange an assertion without client credentials."""
        fields = {"subject_token": assertion, "subject_token_type": JWT_TYPE, "audience": audience}
        return await self.market.issuer.post("token", {"grant_type": EXCHANGE, **fields, **form})

    def person(self, **changes: Any) -> dict[str, Any]:
        """Return claims about the market's person."""
        return {"sub": "u-1", "org": "acme", "preferred_username": self.market.account.username, **changes}


async def open_elsewhere(market: Market) -> Elsewhere:
    """Make a workload and clients that may bring assertions."""
    grants = ("authorization_code", "refresh_token", EXCHANGE, JWT_BEARER)
    scope = "openid profile email offline_access catalog:read catalog:write orders:read orders:write"
    await market.issuer.keep(
        Workload(realm="acme", id="deployer", scope="catalog:read orders:read", audiences=("https://bus.test",)),
    )
    for client in ("trusted", "web", "other", "spa"):
        await market.issuer.change(type(confidential()), client, grant_types=grants, scope=scope)
    return Elsewhere(market)
