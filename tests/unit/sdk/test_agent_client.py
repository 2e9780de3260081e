"""The agent's clients over a real unix socket: what they ask, what they keep, and what they say when nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from keystead.core.trace import new_trace
from keystead.sdk import AgentClient, AgentUnavailable, SyncAgentClient, TokenRefused
from tests.unit.sdk.conftest import Clock
from tests.unit.sdk.loopback_issuer import Answer, LoopbackIssuer, json_answer

BUS = "https://bus.acme.example"


class Agent:
    """An agent that hands out numbered tokens."""

    def __init__(self, path: Path) -> None:
        self.socket = str(path)
        self.http = LoopbackIssuer(0)
        self.http.answers["/identity/token"] = self.token
        self.handed_out = 0
        self.refuse: Answer | None = None

    def token(self) -> Answer:
        """Hand out the next token."""
        if self.refuse is not None:
            return self.refuse
        self.handed_out += 1
        return json_answer(
            {
                "access_token": f"t{self.handed_out}",
                "token_type": "Bearer",
                "expires_in": 100,
                "expires_on": 0,
                "resource": BUS,
            }
        )


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Agent]:
    """A running agent."""
    running = Agent(tmp_path / "agent.sock")
    server = await asyncio.start_unix_server(running.http.serve, running.socket)
    yield running
    server.close()
    await server.wait_closed()


async def test_it_asks_as_the_agent_demands(agent: Agent, clock: Clock) -> None:
    client = AgentClient(agent.socket, clock=clock)
    trace = new_trace()
    assert (await client.token(BUS, "bus:send", trace=trace)).reveal() == "t1"
    path, headers, body = agent.http.received[0]
    assert parse_qs(urlsplit(path).query) == {"resource": [BUS], "scope": ["bus:send"]}
    assert headers["keystead-metadata"] == "true"
    assert headers["host"] == "localhost"
    assert headers["traceparent"] == trace.traceparent()
    assert not any(name.startswith(("x-forwarded", "forwarded", "via", "cookie", "origin")) for name in headers)
    assert body == b""
    await client.close()


async def test_a_token_is_kept_until_four_fifths_of_its_life(agent: Agent, clock: Clock) -> None:
    client = AgentClient(agent.socket, clock=clock)
    for seconds, expected in ((0, "t1"), (79, "t1"), (1, "t2"), (0, "t2")):
        clock.forward(seconds)
        assert (await client.token(BUS)).reveal() == expected
    assert (await client.token(BUS, "b a")).reveal() == "t3"
    assert (await client.token(BUS, "a b")).reveal() == "t3"
    assert (await client.token(BUS + "/", "a b")).reveal() == "t4"
    assert (await client.obtain(BUS)).expires_at == clock.now + 100


async def test_many_askers_cause_one_question(agent: Agent, clock: Clock) -> None:
    agent.http.delay = 0.05
    client = AgentClient(agent.socket, clock=clock)
    tokens = await asyncio.gather(*(client.token(BUS) for _ in range(50)))
    assert {token.reveal() for token in tokens} == {"t1"}
    assert agent.handed_out == 1


async def test_an_assertion_is_never_kept(agent: Agent, clock: Clock) -> None:
    client = AgentClient(agent.socket, clock=clock)
    assert [(await client.assertion("https://id.example")).reveal() for _ in range(3)] == ["t1", "t2", "t3"]


async def test_an_old_token_serves_while_nobody_answers_but_not_past_its_end(agent: Agent, clock: Clock) -> None:
    client = AgentClient(agent.socket, clock=clock)
    await client.token(BUS)
    agent.http.down = True
    clock.forward(99)
    assert (await client.token(BUS)).reveal() == "t1"
    clock.forward(1)
    with pytest.raises(AgentUnavailable, match="agent"):
        await client.token(BUS)


async def test_a_refusal_is_told_and_takes_the_place_of_an_old_token(agent: Agent, clock: Clock) -> None:
    client = AgentClient(agent.socket, clock=clock)
    await client.token(BUS)
    clock.forward(90)
    agent.refuse = json_answer({"error": "invalid_target", "error_description": "not for you"}, 400)
    with pytest.raises(TokenRefused, match="not for you") as refused:
        await client.token(BUS)
    assert refused.value.error == "invalid_target"


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"{}"),
        (200, {}, b'{"access_token":"t","expires_in":"100"}'),
        (200, {}, b'{"access_token":"","expires_in":100}'),
        (200, {}, b'{"access_token":"t","expires_in":true}'),
        (200, {}, b"not JSON"),
        (200, {}, b'{"access_token":"t","access_token":"u","expires_in":100}'),
        (302, {"location": "http://127.0.0.1/"}, b"{}"),
        (503, {}, b'{"error":"temporarily_unavailable"}'),
        (200, {}, b" " * 70_000),
    ],
)
async def test_a_strange_answer_is_no_token(agent: Agent, clock: Clock, answer: Answer) -> None:
    agent.refuse = answer
    with pytest.raises((AgentUnavailable, TokenRefused)):
        await AgentClient(agent.socket, clock=clock).token(BUS)
    with pytest.raises((AgentUnavailable, TokenRefused)):
        await asyncio.to_thread(SyncAgentClient(agent.socket, clock=clock).token, BUS)


@pytest.mark.parametrize(("status", "raised"), [(400, TokenRefused), (403, TokenRefused), (500, AgentUnavailable)])
async def test_a_failure_of_the_agent_is_not_a_refusal(
    agent: Agent, clock: Clock, status: int, raised: type[Exception]
) -> None:
    agent.refuse = json_answer({"error": "x", "error_description": "y"}, status)
    with pytest.raises(raised):
        await AgentClient(agent.socket, clock=clock).token(BUS)


async def test_code_without_an_event_loop_asks_the_same(agent: Agent, clock: Clock) -> None:
    client = SyncAgentClient(agent.socket, clock=clock)

    def ask() -> list[str]:
        tokens = [client.token(BUS, "b a"), client.token(BUS, "a b"), client.assertion("https://id.example")]
        return [token.reveal() for token in tokens]

    assert await asyncio.to_thread(ask) == ["t1", "t1", "t2"]
    assert agent.http.received[0][1]["keystead-metadata"] == "true"


async def test_it_says_which_socket_is_missing(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYSTEAD_AGENT", str(tmp_path / "missing.sock"))
    for call in (AgentClient().token(BUS), asyncio.to_thread(SyncAgentClient().token, BUS)):
        with pytest.raises(AgentUnavailable, match=r"missing\.sock"):
            await call


async def test_it_tells_which_workload_we_are(agent: Agent) -> None:
    agent.http.answers["/identity/whoami"] = lambda: json_answer({"workload": "orders"})
    assert await AgentClient(agent.socket).workload() == "orders"
