"""Token exchange over real HTTP: what is sent, what is kept for whom, and one question however many ask."""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import parse_qs

import pytest

from keystead.core.errors import ConfigurationError
from keystead.core.trace import TraceContext, new_trace
from keystead.core.values import Secret
from keystead.sdk import AgentUnavailable, IssuerUnavailable, TokenExchange, TokenRefused
from tests.unit.sdk.conftest import Clock
from tests.unit.sdk.loopback_issuer import Answer, LoopbackIssuer, json_answer

INVENTORY = "https://inventory.acme.example"
TOKEN = "/realms/acme/token"


class Assertions:
    """An agent that proves us with numbered assertions."""

    def __init__(self) -> None:
        self.made = 0
        self.gone = False

    async def assertion(self, issuer: str, *, trace: TraceContext | None = None) -> Secret:
        """Return the next assertion."""
        if self.gone:
            raise AgentUnavailable("gone")
        self.made += 1
        return Secret(f"assertion-{self.made}-for-{issuer}")


class Endpoint:
    """A token endpoint that answers with numbered tokens."""

    def __init__(self, issuer: LoopbackIssuer) -> None:
        self.issuer = issuer
        self.given = 0
        self.answer: Answer | None = None
        issuer.answers[TOKEN] = self.give

    def give(self) -> Answer:
        """Answer."""
        if self.answer is not None:
            return self.answer
        self.given += 1
        return json_answer({"access_token": f"t{self.given}", "token_type": "Bearer", "expires_in": 100, "scope": "a"})

    def forms(self) -> list[dict[str, str]]:
        """Return the forms received."""
        return [
            {name: values[0] for name, values in parse_qs(body.decode()).items()}
            for path, _, body in self.issuer.received
            if path == TOKEN
        ]


@pytest.fixture
def endpoint(issuer: LoopbackIssuer) -> Endpoint:
    """The token endpoint."""
    return Endpoint(issuer)


@pytest.fixture
def agent() -> Assertions:
    """Who proves us."""
    return Assertions()


@pytest.fixture
def exchange(issuer: LoopbackIssuer, agent: Assertions, clock: Clock) -> TokenExchange:
    """An exchange as a workload."""
    return TokenExchange(issuer=issuer.url, agent=agent, clock=clock)


@pytest.mark.spec("RFC 8693 section 2.1")
async def test_a_workload_shows_its_assertion_and_the_callers_token(
    issuer: LoopbackIssuer, endpoint: Endpoint, exchange: TokenExchange
) -> None:
    trace = new_trace()
    token = await exchange.exchange(Secret("of-alice"), INVENTORY, ["inventory:write", "inventory:read"], trace=trace)
    assert token.reveal() == "t1"
    assert endpoint.forms() == [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": "of-alice",
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": INVENTORY,
            "scope": "inventory:read inventory:write",
            "client_assertion_type": "urn:keystead:params:oauth:client-assertion-type:workload",
            "client_assertion": f"assertion-1-for-{issuer.url}",
        }
    ]
    assert issuer.received[-1][1]["traceparent"] == trace.traceparent()
    await exchange.close()


@pytest.mark.spec("RFC 6749 section 2.3.1")
async def test_a_client_with_a_secret_uses_basic(issuer: LoopbackIssuer, endpoint: Endpoint, clock: Clock) -> None:
    exchange = TokenExchange(issuer=issuer.url, client_id="a:b", client_secret="s e%", clock=clock)
    await exchange.exchange("of-alice", INVENTORY)
    scheme, _, pair = issuer.received[-1][1]["authorization"].partition(" ")
    assert (scheme, base64.b64decode(pair)) == ("Basic", b"a%3Ab:s+e%25")
    assert "scope" not in endpoint.forms()[0]


@pytest.mark.attack("K1")
async def test_what_is_kept_is_kept_for_exactly_one_question(endpoint: Endpoint, exchange: TokenExchange) -> None:
    questions: list[tuple[str, str, Any]] = [
        ("alice", "https://a", ()),
        ("bob", "https://a", ()),
        ("alice", "https://a ", ()),
        ("alice", "https://b", ()),
        ("alice", "https://a", ("b",)),
        ("alice", "https://a", ("b", "c")),
        ("alice", "https://a", ("b:c",)),
        ("alice", "https://ab", ("c",)),
        ("alice https://a", "", ()),
    ]
    first = [(await exchange.exchange(*question)).reveal() for question in questions]
    again = [(await exchange.exchange(*question)).reveal() for question in questions]
    assert len(set(first)) == len(questions)
    assert again == first
    same = await exchange.exchange(Secret("alice"), "https://a", "c b c")
    assert same.reveal() == first[5]


async def test_it_is_renewed_after_four_fifths(endpoint: Endpoint, exchange: TokenExchange, clock: Clock) -> None:
    for seconds, expected in ((0, "t1"), (79, "t1"), (1, "t2")):
        clock.forward(seconds)
        assert (await exchange.exchange("alice", INVENTORY)).reveal() == expected
    assert (await exchange.obtain("alice", INVENTORY)).scope == "a"


async def test_many_askers_cause_one_exchange_and_one_assertion(
    issuer: LoopbackIssuer, endpoint: Endpoint, exchange: TokenExchange, agent: Assertions
) -> None:
    issuer.delay = 0.03
    tokens = await asyncio.gather(*(exchange.exchange("alice", INVENTORY) for _ in range(64)))
    assert {token.reveal() for token in tokens} == {"t1"}
    assert (endpoint.given, agent.made) == (1, 1)


async def test_an_asker_that_goes_away_does_not_take_the_answer_along(
    issuer: LoopbackIssuer, endpoint: Endpoint, exchange: TokenExchange
) -> None:
    issuer.delay = 0.05
    first = asyncio.create_task(exchange.exchange("alice", INVENTORY))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(exchange.exchange("alice", INVENTORY))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).reveal() == "t1"


async def test_a_refusal_is_told_and_not_kept(endpoint: Endpoint, exchange: TokenExchange) -> None:
    endpoint.answer = json_answer({"error": "invalid_grant", "error_description": "revoked"}, 400)
    with pytest.raises(TokenRefused, match="revoked") as refused:
        await exchange.exchange("alice", INVENTORY)
    assert refused.value.error == "invalid_grant"
    assert "alice" not in str(refused.value)
    endpoint.answer = None
    assert (await exchange.exchange("alice", INVENTORY)).reveal() == "t1"


@pytest.mark.parametrize(("status", "raised"), [(400, TokenRefused), (401, TokenRefused), (500, IssuerUnavailable)])
async def test_a_failure_of_the_issuer_is_not_a_refusal(
    endpoint: Endpoint, exchange: TokenExchange, status: int, raised: type[Exception]
) -> None:
    endpoint.answer = json_answer({"error": "x", "error_description": "y"}, status)
    with pytest.raises(raised):
        await exchange.exchange("alice", INVENTORY)


async def test_an_old_token_serves_while_nobody_answers_but_not_after_a_refusal(
    issuer: LoopbackIssuer, endpoint: Endpoint, exchange: TokenExchange, agent: Assertions, clock: Clock
) -> None:
    await exchange.exchange("alice", INVENTORY)
    clock.forward(90)
    agent.gone = True
    assert (await exchange.exchange("alice", INVENTORY)).reveal() == "t1"
    agent.gone, issuer.down = False, True
    assert (await exchange.exchange("alice", INVENTORY)).reveal() == "t1"
    clock.forward(10)
    with pytest.raises(IssuerUnavailable):
        await exchange.exchange("alice", INVENTORY)


@pytest.mark.parametrize(
    "answer",
    [
        json_answer({"access_token": "t", "token_type": "N_A", "expires_in": 100}),
        json_answer({"access_token": "t", "token_type": "DPoP", "expires_in": 100}),
        json_answer({"access_token": 1, "token_type": "Bearer", "expires_in": 100}),
        json_answer({"access_token": "t", "token_type": "Bearer"}),
        json_answer({"access_token": "t", "token_type": "Bearer", "expires_in": 0}),
        json_answer({}, 500),
        (200, {}, b'{"access_token":"t","token_type":"Bearer","expires_in":100,"expires_in":1}'),
        (307, {"location": "https://evil.example"}, b"{}"),
    ],
)
async def test_a_strange_answer_is_no_token(endpoint: Endpoint, exchange: TokenExchange, answer: Answer) -> None:
    endpoint.answer = answer
    with pytest.raises((IssuerUnavailable, TokenRefused)):
        await exchange.exchange("alice", INVENTORY)


async def test_a_token_endpoint_elsewhere_over_plain_http_gets_nothing(
    issuer: LoopbackIssuer, endpoint: Endpoint, exchange: TokenExchange
) -> None:
    path = "/realms/acme/.well-known/openid-configuration"
    issuer.answers[path] = lambda: json_answer({**issuer.discovery(), "token_endpoint": "http://10.0.0.1/token"})
    with pytest.raises(IssuerUnavailable, match="token_endpoint must be https"):
        await exchange.exchange("alice", INVENTORY)


@pytest.mark.parametrize(
    "options", [{}, {"client_id": "x"}, {"client_secret": "x"}, {"agent": Assertions(), "client_secret": "x"}]
)
def test_it_needs_exactly_one_way_to_prove_itself(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="either an agent"):
        TokenExchange(issuer="https://id.example", **options)
