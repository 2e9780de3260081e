"""Calls to one other service: the token goes there and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from keystead.core.errors import ConfigurationError
from keystead.core.trace import TraceContext
from keystead.core.values import Secret
from keystead.sdk import AgentClient, TokenExchange, VerifiedCaller, Verifier
from keystead.sdk.service_client import ServiceClient
from tests.unit.sdk.conftest import Clock
from tests.unit.sdk.loopback_issuer import LoopbackIssuer, json_answer, loopback_issuer

ORDERS = "https://orders.acme.example"
INVENTORY = "https://inventory.acme.example"


class Ourselves(AgentClient):
    """An agent that needs no socket."""

    async def token(self, resource: str, scope: str = "", *, trace: TraceContext | None = None) -> Secret:
        """Return a token of our own."""
        return Secret(f"own-token-for-{resource}-{scope}")

    async def assertion(self, issuer: str, *, trace: TraceContext | None = None) -> Secret:
        """Return an assertion."""
        return Secret("assertion")


@pytest.fixture
async def service() -> AsyncIterator[LoopbackIssuer]:
    """Another service."""
    async with loopback_issuer() as running:
        running.answers["/items"] = lambda: (200, {"set-cookie": "a=b; Path=/"}, b"{}")
        running.answers["/moved"] = lambda: (302, {"location": "/items"}, b"")
        running.answers["/away"] = lambda: (307, {"location": "http://127.0.0.1:1/"}, b"")
        yield running


@pytest.fixture
async def caller(issuer: LoopbackIssuer, clock: Clock) -> VerifiedCaller:
    """Alice, calling orders."""
    issuer.answers["/realms/acme/token"] = lambda: json_answer(
        {"access_token": "exchanged", "token_type": "Bearer", "expires_in": 60}
    )
    verified = await Verifier(issuer=issuer.url, audience=ORDERS, clock=clock, timer=clock).verify(
        issuer.token(ORDERS, clock())
    )
    assert isinstance(verified, VerifiedCaller)
    return verified


async def test_on_behalf_of_a_caller(issuer: LoopbackIssuer, service: LoopbackIssuer, caller: VerifiedCaller) -> None:
    exchange = TokenExchange(issuer=issuer.url, agent=Ourselves())
    client = ServiceClient(service.origin, INVENTORY, exchange=exchange)
    reply = await client.request("POST", "/items", caller=caller, scopes="inventory:reserve", json={"a": 1})
    assert reply.status_code == 200
    _, headers, body = service.received[0]
    assert headers["authorization"] == "Bearer exchanged"
    assert headers["traceparent"] == caller.trace.traceparent()
    assert body == b'{"a":1}'
    await client.request("GET", "/items", caller=caller)
    assert "cookie" not in service.received[1][1]
    await client.close()


async def test_as_ourselves(service: LoopbackIssuer) -> None:
    client = ServiceClient(service.origin + "/", INVENTORY, agent=Ourselves())
    await client.request("GET", "/items", scopes=["a", "b"], headers={"authorization": "Bearer other", "x": "y"})
    headers = service.received[0][1]
    assert headers["authorization"] == f"Bearer own-token-for-{INVENTORY}-a b"
    assert headers["x"] == "y"


@pytest.mark.attack("P5")
async def test_a_redirect_is_not_followed(service: LoopbackIssuer) -> None:
    client = ServiceClient(service.origin, INVENTORY, agent=Ourselves())
    for path, status in (("/moved", 302), ("/away", 307)):
        assert (await client.request("GET", path)).status_code == status
    assert service.requests["/items"] == 0


@pytest.mark.attack("P5")
@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:1/", "//127.0.0.1:1/", "items", "", "@127.0.0.1:1/", "/\\evil.example", ":1/items"]
)
async def test_a_path_cannot_lead_elsewhere(service: LoopbackIssuer, path: str) -> None:
    client = ServiceClient(service.origin, INVENTORY, agent=Ourselves())
    with pytest.raises(ConfigurationError):
        await client.request("GET", path)
    assert not service.received


async def test_it_says_what_is_missing(service: LoopbackIssuer, caller: VerifiedCaller) -> None:
    with pytest.raises(ConfigurationError, match="exchange"):
        await ServiceClient(service.origin, INVENTORY, agent=Ourselves()).request("GET", "/items", caller=caller)
    with pytest.raises(ConfigurationError, match="https"):
        ServiceClient("http://10.0.0.1", INVENTORY)
