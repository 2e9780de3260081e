"""A realm for tests of tokens: a person, clients of every kind, and three APIs that call one another.

web ──▶ catalog
web ──▶ orders ──▶ inventory        (who may exchange towards whom)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keystead.core.jose import jws
from keystead.core.jose.outcomes import VerifiedToken
from keystead.core.records.account import Account
from keystead.core.records.api import Api, ExchangePolicy
from keystead.core.records.session import Session
from keystead.core.records.workload import Workload
from tests.issuer import SECRET, VERIFIER, Answer, Issuer, confidential

CATALOG = "https://catalog.test"
ORDERS = "https://orders.test"
INVENTORY = "https://inventory.test"
CLOSED = "https://closed.test"

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
WORKLOAD = "urn:keystead:params:oauth:client-assertion-type:workload"

PERSON_GRANTS = ("authorization_code", "refresh_token", EXCHANGE)
SCOPES = ("openid", "profile", "email", "catalog:read", "orders:read", "orders:write", "inventory:reserve")


@dataclass
class Market:
    """The realm, and the person who is signed in."""

    issuer: Issuer
    account: Account
    session: Session

    async def code(self, client: str = "web", scopes: tuple[str, ...] = SCOPES, **more: Any) -> str:
        """Return a fresh code for the person."""
        return await self.issuer.code(self.account, self.session, client=client, scopes=scopes, **more)

    async def tokens(self, client: str = "web", scopes: tuple[str, ...] = SCOPES, **more: Any) -> dict[str, Any]:
        """Sign in and return the tokens."""
        answer = await self.issuer.redeem(await self.code(client, scopes, **more), client=client)
        assert answer.status == 200, answer.body
        return answer.json

    async def refresh(self, token: str, client: str = "web", **form: Any) -> Answer:
        """Refresh."""
        return await self.issuer.token("refresh_token", client=client, refresh_token=token, **form)

    async def exchange(self, subject_token: str, audience: str, client: str = "web", **form: Any) -> Answer:
        """Exchange an access token."""
        return await self.issuer.token(EXCHANGE, client=client, **(subject(subject_token, audience) | form))

    async def as_bff(self, grant_type: str, **form: Any) -> Answer:
        """Ask the token endpoint as the client `bff`, authenticated as the workload behind it."""
        shown = {"client_id": "bff", "client_assertion_type": WORKLOAD, "client_assertion": "workload:gateway"}
        return await self.issuer.post("token", {"grant_type": grant_type, **shown, **form})

    async def bff_tokens(self) -> dict[str, Any]:
        """Sign in to the client `bff` and return the tokens."""
        fields = {"redirect_uri": "https://app.test/cb", "code_verifier": VERIFIER}
        answer = await self.as_bff("authorization_code", code=await self.code("bff"), **fields)
        assert answer.status == 200, answer.body
        return answer.json

    async def introspect(self, token: str, client: str = "web", **more: Any) -> Answer:
        """Introspect."""
        return await self.issuer.post("introspect", {"token": token}, basic=(client, SECRET), **more)

    async def active(self, token: str, client: str = "web") -> bool:
        """Return whether introspection says active."""
        answer = await self.introspect(token, client)
        assert answer.status == 200, answer.body
        found: bool = answer.json["active"]
        return found

    async def revoke(self, token: str, client: str = "web") -> Answer:
        """Revoke."""
        return await self.issuer.post("revoke", {"token": token}, basic=(client, SECRET))

    async def userinfo(self, token: str) -> Answer:
        """Ask for userinfo."""
        headers = [(b"authorization", b"Bearer " + token.encode())]
        return await self.issuer.send("userinfo", method="GET", headers=headers)

    async def claims(self, token: str) -> dict[str, Any]:
        """Verify a JWT access token with the published keys and return its claims."""
        return await self.verified(token, "at+jwt")

    async def verified(self, token: str, typ: str) -> dict[str, Any]:
        """Verify a JWT of a kind with the published keys and return its claims."""
        keys = await self.issuer.cx.keys.key_set("acme", self.issuer.now)
        outcome = jws.read(token, keys=keys, typ={typ})
        assert isinstance(outcome, VerifiedToken), outcome
        return outcome.claims


def subject(token: str, audience: str) -> dict[str, Any]:
    """Return the usual parameters of an exchange."""
    return {"subject_token": token, "subject_token_type": ACCESS_TOKEN, "audience": audience}


async def open_market(issuer: Issuer) -> Market:
    """Set the realm up and sign the person in."""
    scope = " ".join(("offline_access", "catalog:write", *SCOPES))
    web = {"scope": scope, "grant_types": PERSON_GRANTS}
    await issuer.set_up(
        Api(
            realm="acme",
            id=CATALOG,
            scopes=("catalog:read", "catalog:write"),
            scope_roles={"catalog:write": ("manager",)},
            served_by="catalog",
            exchange=ExchangePolicy(sources=("web", "gateway")),
        ),
        Api(
            realm="acme",
            id=ORDERS,
            scopes=("orders:read", "orders:write"),
            served_by="orders",
            introspection_clients=("auditor",),
            exchange=ExchangePolicy(sources=("web", "gateway"), scopes=("orders:read",)),
        ),
        Api(
            realm="acme",
            id=INVENTORY,
            scopes=("inventory:reserve",),
            served_by="inventory",
            exchange=ExchangePolicy(sources=("orders",)),
        ),
        Api(realm="acme", id=CLOSED, scopes=("closed:all",)),
        confidential("web", **web),
        confidential("jwtweb", access_token_format="jwt", **web),
        confidential("other", **web),
        confidential("spa", token_endpoint_auth_method="none", client_secret_digests=(), **web),
        confidential("poster", token_endpoint_auth_method="client_secret_post", **web),
        confidential("trusted", skip_consent=True, **web),
        confidential("bff", token_endpoint_auth_method="workload", workload="gateway", **web),
        confidential("batch", grant_types=("client_credentials", EXCHANGE), scope="catalog:read orders:read"),
        *(confidential(id, grant_types=("client_credentials", EXCHANGE)) for id in ("catalog", "orders", "inventory")),
        confidential("auditor", grant_types=()),
        Workload(realm="acme", id="gateway", scope="catalog:read"),
    )
    account, session = await issuer.signed_in(
        name="Alice Liddell", given_name="Alice", email="alice@acme.test", email_verified=True, roles=("customer",)
    )
    for client in ("web", "jwtweb", "other", "spa", "poster", "bff"):
        await issuer.consent(account, client, (*SCOPES, "offline_access", "catalog:write"))
    return Market(issuer, account, session)
