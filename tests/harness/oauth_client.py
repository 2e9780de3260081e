"""A client of the issuer, over real HTTP: finds endpoints by discovery, authenticates, remembers what it was given."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import msgspec

from tests.harness.configuration import CALLBACK
from tests.harness.witness import Witness


@dataclass
class Answer:
    """A reply, read."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        document: dict[str, Any] = msgspec.json.decode(self.body)
        return document

    @property
    def error(self) -> str:
        """The error code, empty when it is none."""
        return str(self.json.get("error", "")) if self.body.startswith(b"{") else ""

    def __getitem__(self, name: str) -> Any:
        return self.json[name]


@dataclass
class OAuthClient:
    """One client. `verifier` is the PKCE verifier of its latest authorization request.

    `origin` sends its calls to another process of the same issuer than the one its URLs name.
    """

    session: aiohttp.ClientSession
    issuer: str
    client_id: str
    secret: str
    witness: Witness
    verifier: str = ""
    origin: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    async def discover(self) -> dict[str, Any]:
        """Return the issuer's metadata, fetched once."""
        if not self.metadata:
            answer = await self.send("GET", f"{self.issuer}/.well-known/openid-configuration")
            assert answer.status == 200, answer.body
            self.metadata = answer.json
        return self.metadata

    async def send(self, method: str, url: str, *, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """Send one request, as it is."""
        if self.origin:
            url = self.origin + url.removeprefix(self.issuer.partition("/realms/")[0])
        async with self.session.request(method, url, data=body or None, headers=headers, allow_redirects=False) as got:
            answer = Answer(got.status, {name.lower(): value for name, value in got.headers.items()}, await got.read())
        if answer.body.startswith(b"{"):
            self.witness.saw_reply(answer.json)
        return answer

    async def post(self, endpoint: str, form: dict[str, Any], *, authenticate: bool = True) -> Answer:
        """Post a form to an endpoint named as in the metadata, for instance `token_endpoint`."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if authenticate and self.secret:
            headers["authorization"] = basic(self.client_id, self.secret)
        elif authenticate:
            form = {"client_id": self.client_id, **form}
        url = (await self.discover())[endpoint]
        return await self.send("POST", url, body=urlencode(form, doseq=True).encode(), headers=headers)

    async def token(self, grant_type: str, **form: Any) -> Answer:
        """Ask the token endpoint."""
        return await self.post("token_endpoint", {"grant_type": grant_type, **form})

    async def redeem(self, code: str, **form: Any) -> Answer:
        """Redeem a code."""
        self.witness.saw("code", code)
        usual = {"code": code, "redirect_uri": CALLBACK, "code_verifier": self.verifier}
        return await self.token("authorization_code", **{**usual, **form})

    async def refresh(self, refresh_token: str, **form: Any) -> Answer:
        """Use a refresh token."""
        return await self.token("refresh_token", refresh_token=refresh_token, **form)

    async def exchange(self, subject_token: str, audience: str, **form: Any) -> Answer:
        """Exchange a token for one meant for an audience (RFC 8693)."""
        return await self.token(
            "urn:ietf:params:oauth:grant-type:token-exchange",
            subject_token=subject_token,
            subject_token_type="urn:ietf:params:oauth:token-type:access_token",
            audience=audience,
            **form,
        )

    async def introspect(self, token: str) -> Answer:
        """Ask what a token is."""
        return await self.post("introspection_endpoint", {"token": token})

    async def revoke(self, token: str) -> Answer:
        """Take a token back."""
        return await self.post("revocation_endpoint", {"token": token})

    async def userinfo(self, token: str) -> Answer:
        """Ask about the person."""
        url = (await self.discover())["userinfo_endpoint"]
        return await self.send("GET", url, headers={"authorization": f"Bearer {token}"})

    async def authorization_url(self, **changes: str | None) -> str:
        """Return a fresh authorization request, with parameters changed, or left out by None."""
        self.verifier = self.witness.saw("code_verifier", secrets.token_urlsafe(32))
        digest = hashlib.sha256(self.verifier.encode()).digest()
        usual: dict[str, str | None] = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        query = {name: value for name, value in (usual | changes).items() if value is not None}
        return f"{(await self.discover())['authorization_endpoint']}?{urlencode(query)}"


def basic(client_id: str, secret: str) -> str:
    """Return the Authorization header of client_secret_basic."""
    return "Basic " + base64.b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
