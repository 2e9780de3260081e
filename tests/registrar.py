"""A party that registers clients over the endpoint, for the tests of registration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from keystead.core.records.registration import InitialAccessToken, RegistrationPolicy, RegistrationRules
from keystead.core.values import handle_digest
from tests.issuer import Answer, Issuer

INITIAL = "ksi_an-initial-access-token-of-the-tests-0001"
REDIRECT = "https://app.test/cb"


@dataclass
class Registrar:
    """Knows an initial access token, unless told to show another or none."""

    issuer: Issuer

    async def post(self, metadata: Any, token: str | None = INITIAL, **more: Any) -> Answer:
        """Register."""
        body = metadata if isinstance(metadata, bytes) else msgspec.json.encode(metadata)
        return await self.issuer.send("register", body, headers=_headers(token), **more)

    async def registered(self, **metadata: Any) -> dict[str, Any]:
        """Register a client that must be admitted, and return its information."""
        answer = await self.post({"redirect_uris": [REDIRECT]} | metadata)
        assert answer.status == 201, answer.body
        return answer.json

    async def refused(self, **metadata: Any) -> str:
        """Register a client that must be refused, and return the error."""
        given = {"redirect_uris": [REDIRECT]} | metadata
        answer = await self.post({name: value for name, value in given.items() if value is not ...})
        assert answer.status == 400, answer.body
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        return answer.error

    async def manage(
        self, method: str, client_id: str, token: str | None, metadata: dict[str, Any] | None = None
    ) -> Answer:
        """Read, update or delete."""
        body = b"" if metadata is None else msgspec.json.encode(metadata)
        query = f"client_id={client_id}".encode()
        return await self.issuer.send("register", body, method=method, query=query, headers=_headers(token))


async def open_registrar(
    issuer: Issuer, *, uses: int | None = None, policy: RegistrationPolicy | None = None, **rules: Any
) -> Registrar:
    """Set a realm up that admits clients with the initial access token."""
    fields = {name: rules.pop(name) for name in ("signing_algorithm", "further_signing_algorithms") if name in rules}
    await issuer.set_up(
        InitialAccessToken(realm="acme", id=handle_digest(INITIAL), uses_left=uses, policy=policy),
        registration=RegistrationRules(**rules),
        **fields,
    )
    return Registrar(issuer)


def _headers(token: str | None) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", b"application/json")]
    return headers if token is None else [*headers, (b"authorization", f"Bearer {token}".encode())]
