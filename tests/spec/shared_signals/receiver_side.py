"""A receiver of security events: gets tokens, asks the transmitter, verifies what it is given."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from keystead.core.jose import jws
from keystead.core.jose.outcomes import VerifiedToken
from keystead.core.records.client import Client
from keystead.core.values import EpochSeconds
from tests.issuer import Answer, Issuer, confidential

CREDENTIAL_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
PUSH = "urn:ietf:rfc:8935"
POLL = "urn:ietf:rfc:8936"


def receiver_client(id: str = "siem", scope: str = "ssf.manage ssf.read", **fields: Any) -> Client:
    """A client that may have streams."""
    return confidential(id, grant_types=("client_credentials",), redirect_uris=(), scope=scope, **fields)


@dataclass
class EventReceiver:
    """One receiver."""

    issuer: Issuer
    client: str = "siem"

    async def token(self, scope: str = "ssf.manage") -> str:
        """An access token of its own."""
        answer = await self.issuer.token("client_credentials", client=self.client, scope=scope)
        assert answer.status == 200, answer.body
        return str(answer.json["access_token"])

    async def call(
        self, method: str, path: str, document: Any = None, *, query: str = "", token: str | None = None
    ) -> Answer:
        """Call an endpoint."""
        token = await self.token() if token is None else token
        headers = [(b"content-type", b"application/json")]
        if token:
            headers.append((b"authorization", b"Bearer " + token.encode()))
        body = document if isinstance(document, bytes) else b"" if document is None else json.dumps(document).encode()
        return await self.issuer.send(path, body, method=method, headers=headers, query=query.encode())

    async def stream(self, **wanted: Any) -> dict[str, Any]:
        """Make a stream."""
        answer = await self.call("POST", "ssf/streams", wanted)
        assert answer.status == 201, answer.body
        return answer.json

    async def poll(self, stream: dict[str, Any], **asked: Any) -> dict[str, Any]:
        """Poll a stream."""
        query = stream["delivery"]["endpoint_url"].partition("?")[2]
        answer = await self.call("POST", "ssf/poll", {"returnImmediately": True, **asked}, query=query)
        assert answer.status == 200, answer.body
        return answer.json

    async def read(self, token: str) -> dict[str, Any]:
        """Verify a security event token and return its claims."""
        now = self.issuer.now
        keys = await self.issuer.keys.key_set("acme", now)
        verified = jws.read(token, keys=keys, typ=("secevent+jwt",))
        assert isinstance(verified, VerifiedToken), verified
        claims = verified.claims
        assert claims["iss"] == self.issuer.url
        assert claims["aud"] == self.client
        assert claims["jti"]
        assert claims["iat"] <= EpochSeconds(max(int(time.time()), now))
        assert "sub" not in claims
        assert "exp" not in claims
        assert len(claims["events"]) == 1
        return claims

    async def events(self, stream: dict[str, Any]) -> list[dict[str, Any]]:
        """Fetch and acknowledge everything that waits."""
        sets = (await self.poll(stream))["sets"]
        claims = [await self.read(token) for token in sets.values()]
        assert [one["jti"] for one in claims] == list(sets)
        await self.poll(stream, ack=list(sets), maxEvents=0)
        return claims


def only_event(claims: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The one event of a token: type and facts."""
    [(kind, facts)] = claims["events"].items()
    return kind, facts
