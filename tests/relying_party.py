"""A plain OpenID Connect client, as a certification suite plays it: no PKCE, client_secret_basic, a person signing in.

Shape: `RelyingParty.sign_in` goes from an authorization request to the callback's parameters; `redeem` and `userinfo`
do the rest. What holds of every ID token is checked wherever one comes in.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from keystead.core.jose import jws
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import VerifiedToken
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.values import handle_digest
from tests.harness.browser import Browser, Page, in_process
from tests.issuer import SECRET, Answer, Issuer
from tests.shop import PASSWORD, alice

CALLBACK: Final = "https://suite.test/callback"
SCOPES: Final = "openid profile email address phone offline_access"
OWN_CLAIMS: Final = frozenset(
    ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "sid", "jti")
)
EVERY_CLAIM: Final[dict[str, Any]] = {
    "middle_name": "Pleasance",
    "nickname": "Al",
    "profile": "https://alice.test/",
    "picture": "https://alice.test/face.png",
    "website": "https://alice.test/site",
    "gender": "female",
    "birthdate": "1852-05-04",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "phone_number": "+44 1865 1",
    "phone_number_verified": True,
    "address": {"street_address": "1 Rabbit Hole", "locality": "Oxford", "country": "England"},
}


def suite_client(id: str = "suite", **fields: Any) -> Client:
    """Return the client of a certification suite."""
    usual: dict[str, Any] = {
        "realm": "acme",
        "client_secret_digests": (handle_digest(SECRET),),
        "redirect_uris": (CALLBACK,),
        "grant_types": ("authorization_code", "refresh_token"),
        "scope": SCOPES,
        "skip_consent": True,
    }
    return Client(id=id, **(usual | fields))


def somebody() -> Account:
    """Return a person of whom everything standard is known."""
    return alice(claims=EVERY_CLAIM, given_name="Alice", family_name="Liddell", email_verified=True, updated_at=1)


@dataclass
class RelyingParty:
    """One client with one person's browser."""

    issuer: Issuer
    client_id: str = "suite"
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = Browser(in_process(self.issuer), home=f"{self.issuer.url}/")

    async def metadata(self) -> dict[str, Any]:
        """Return the discovery document."""
        return (await self.issuer.send(".well-known/openid-configuration", method="GET")).json

    async def keys(self) -> list[dict[str, Any]]:
        """Return the published keys."""
        found: list[dict[str, Any]] = (await self.issuer.send("jwks", method="GET")).json["keys"]
        return found

    def request(self, **changes: str | None) -> dict[str, str]:
        """Return the parameters of a request, with some changed, or left out by None."""
        usual: dict[str, str | None] = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "state": "a-state",
            "nonce": "a-nonce",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    async def ask(self, **changes: str | None) -> Page:
        """Send the browser to the authorization endpoint."""
        return await self.browser.get(f"{self.issuer.url}/authorize?{urlencode(self.request(**changes))}")

    async def finish(self, page: Page) -> Page:
        """Sign in and consent where asked."""
        if page.has("login-submit"):
            page = await self.browser.press(page, "login-submit", username="alice", password=PASSWORD)
        if page.has("consent-allow"):
            page = await self.browser.press(page, "consent-allow")
        return page

    async def sign_in(self, **changes: str | None) -> dict[str, str]:
        """Go from the request to the callback and return its parameters, checked as every answer is."""
        page = await self.finish(await self.ask(**changes))
        answer = self.answer_on(page)
        sent = self.request(**changes)
        assert answer.get("state") == sent.get("state")
        assert answer["iss"] == self.issuer.url
        assert "error" not in answer, answer
        assert len(answer["code"]) >= 43
        return answer

    def answer_on(self, page: Page) -> dict[str, str]:
        """Return the parameters that travel to the callback, by redirect or by a form that posts itself."""
        if page.location:
            assert page.location.startswith(CALLBACK + "?"), page.location
            return page.answer
        form = next(form for form in page.forms if form.action == CALLBACK)
        assert form.method.lower() == "post"
        return form.fields

    async def redeem(self, code: str, **more: Any) -> Answer:
        """Redeem a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **more}
        return await self.issuer.post("token", form, basic=(self.client_id, SECRET))

    async def refresh(self, token: str, **more: Any) -> Answer:
        """Refresh."""
        form = {"grant_type": "refresh_token", "refresh_token": token, **more}
        return await self.issuer.post("token", form, basic=(self.client_id, SECRET))

    async def userinfo(self, token: str) -> Answer:
        """Ask for userinfo by GET."""
        return await self.issuer.send(
            "userinfo", method="GET", headers=[(b"authorization", b"Bearer " + token.encode())]
        )

    async def flow(self, **changes: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Do all of it: return the token endpoint's answer and the ID token's claims, checked."""
        answer = await self.sign_in(**changes)
        tokens = await self.redeem(answer["code"])
        assert tokens.status == 200, tokens.body
        assert tokens.headers["content-type"].startswith("application/json")
        assert "no-store" in tokens.headers["cache-control"]
        assert tokens.json["token_type"].lower() == "bearer"
        assert tokens.json["expires_in"] > 0
        return tokens.json, await self.id_token(tokens.json, self.request(**changes))

    async def id_token(self, tokens: dict[str, Any], sent: dict[str, str]) -> dict[str, Any]:
        """Return the claims of the ID token, having checked what holds of every one."""
        keys = KeySet.from_jwks({"keys": await self.keys()})
        read = jws.read(tokens["id_token"], keys=keys, typ=("jwt",))
        assert isinstance(read, VerifiedToken), read
        claims, now = read.claims, self.issuer.now
        assert read.header.kid in {key["kid"] for key in await self.keys()}
        assert (claims["iss"], claims["aud"]) == (self.issuer.url, self.client_id)
        assert claims["iat"] <= now < claims["exp"]
        assert claims["auth_time"] <= now
        assert 0 < len(claims["sub"]) <= 255
        assert claims["sub"].isascii()
        assert claims.get("nonce") == sent.get("nonce")
        assert isinstance(claims["acr"], str)
        assert set(claims) <= OWN_CLAIMS, "claims nobody asked for"
        assert claims["at_hash"] == _half(tokens["access_token"])
        return claims


def _half(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
