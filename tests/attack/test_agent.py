"""The agent against what surrounds it: fooled web servers, other users, processes that are not who they seem."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
import textwrap
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from keystead.core.decisions import Denied
from keystead.core.errors import ConfigurationError
from keystead.core.jose.jws import peek_claims_unverified
from keystead.workload import peer, supervisor
from keystead.workload.settings import SupervisedProcess
from tests.attack.local_agent import HEADER, LocalAgent, ask_as, hang_up, local_agent, request, send

RESOURCE = "https://inventory.acme.example"
TARGET = f"/identity/token?resource={urllib.parse.quote(RESOURCE, safe='')}"
ME: dict[str, dict[str, Any]] = {"unix": {"uid": os.getuid()}}

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="becoming another user takes root")


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[LocalAgent]:
    async with local_agent(tmp_path, {"orders": ME}) as running:
        yield running


async def test_a_known_process_gets_its_token_and_only_that(agent: LocalAgent) -> None:
    status, document = await send(agent.socket, request(TARGET))
    assert status == 200
    assert document["token_type"] == "Bearer"
    assert document["resource"] == RESOURCE
    assert 295 <= document["expires_in"] <= 300
    claims = peek_claims_unverified(document["access_token"])
    assert claims
    assert (claims["sub"], claims["aud"]) == ("orders", RESOURCE)
    assert agent.journal.reasons("agent.attest") == ["agent.attested"]
    [decision] = [one for one in agent.journal.decisions if one.action == "agent.token"]
    assert (decision.reason, decision.subject) == ("agent.issued", "orders")
    assert decision.issued
    assert decision.issued.audience == (RESOURCE,)
    assert document["access_token"] not in repr(agent.journal.decisions)


async def test_whoami(agent: LocalAgent) -> None:
    status, document = await send(agent.socket, request("/identity/whoami"))
    assert (status, document["workload"], document["attested"]["uid"]) == (200, "orders", os.getuid())


async def test_for_the_issuer_itself_a_fresh_assertion_each_time(agent: LocalAgent) -> None:
    target = f"/identity/token?resource={urllib.parse.quote(agent.issuer.url, safe='')}"
    documents = [(await send(agent.socket, request(target)))[1] for _ in range(2)]
    claims = [peek_claims_unverified(document["access_token"]) or {} for document in documents]
    assert {document["token_type"] for document in documents} == {"N_A"}
    assert claims[0]["jti"] != claims[1]["jti"]
    assert claims[0]["aud"] == agent.issuer.url
    assert claims[0]["attested"]["pid"] == os.getpid()
    assert agent.issuer.calls == []


# --- requests that a fooled web server would make ------------------------------------------------------------


@pytest.mark.attack("S1")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Keystead-Metadata": "false"},
        {"Keystead-Metadata": "True"},
        {"Keystead-Metadata": ""},
        {"Keystead_Metadata": "true"},
        {"Metadata": "true"},
        {**HEADER, "Host": "169.254.169.254"},
        {**HEADER, "Host": "localhost:80"},
        {**HEADER, "Host": "localhost.evil.example"},
        {**HEADER, "X-Forwarded-For": "127.0.0.1"},
        {**HEADER, "x_forwarded_for": "127.0.0.1"},
        {**HEADER, "X-Forwarded-Host": "localhost"},
        {**HEADER, "X-FORWARDED-PROTO": "https"},
        {**HEADER, "Forwarded": "for=127.0.0.1"},
        {**HEADER, "Via": "1.1 proxy"},
        {**HEADER, "X-Real-IP": "127.0.0.1"},
        {**HEADER, "Origin": "null"},
        {**HEADER, "Referer": "http://localhost/"},
        {**HEADER, "Cookie": "a=b"},
        {**HEADER, "Content-Length": "4"},
        {**HEADER, "Transfer-Encoding": "chunked"},
        {**HEADER, "Upgrade": "websocket", "Connection": "Upgrade"},
        {**HEADER, "Expect": "100-continue"},
    ],
)
async def test_forged_or_forwarded(agent: LocalAgent, headers: dict[str, str]) -> None:
    status, document = await send(agent.socket, request(TARGET, headers))
    assert (status, document["error"]) == (400, "invalid_request")
    assert agent.issuer.calls == []


@pytest.mark.attack("S1")
async def test_header_twice(agent: LocalAgent) -> None:
    for name, value in (("Keystead-Metadata", "true"), ("Host", "localhost")):
        extra = f"{name}: {value}\r\n" * 2
        rest = "" if name == "Keystead-Metadata" else "Keystead-Metadata: true\r\n"
        status, _ = await send(agent.socket, f"GET {TARGET} HTTP/1.1\r\n{extra}{rest}\r\n")
        assert status == 400


@pytest.mark.attack("S1")
@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("POST", TARGET, 405),
        ("PUT", TARGET, 405),
        ("HEAD", TARGET, 405),
        ("OPTIONS", TARGET, 405),
        ("GET", "/identity/token", 400),
        ("GET", "/identity/token?resource=", 400),
        ("GET", f"{TARGET}&resource=https%3A%2F%2Fother.example", 400),
        ("GET", f"{TARGET}&scope=a&scope=b", 400),
        ("GET", "/identity/token?resource=%zz", 400),
        ("GET", "/identity/token?resource=" + "x" * 5000, 400),
        ("GET", "/", 404),
        ("GET", "//identity/token?resource=a", 404),
        ("GET", "/identity/../identity/token?resource=a", 404),
        ("GET", "/Identity/token?resource=a", 404),
        ("GET", "http://localhost/identity/token?resource=a", 404),
    ],
)
async def test_other_methods_paths_and_parameters(agent: LocalAgent, method: str, target: str, expected: int) -> None:
    status, _ = await send(agent.socket, request(target, method=method))
    assert status == expected
    assert agent.issuer.calls == []


@pytest.mark.attack("P6")
@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 40 + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_malformed_requests_are_refused_and_the_agent_lives_on(agent: LocalAgent, raw: bytes) -> None:
    status, _ = await send(agent.socket, raw)
    assert status in {400, 431}
    assert (await send(agent.socket, request(TARGET)))[0] == 200


@pytest.mark.attack("P6")
async def test_a_second_request_in_the_same_connection_is_not_read(agent: LocalAgent) -> None:
    reader, writer = await asyncio.open_unix_connection(agent.socket)
    writer.write(request("/identity/whoami").encode() * 2)
    reply = await reader.read()
    await hang_up(writer)
    assert reply.count(b"HTTP/1.1 200") == 1


# --- other processes ----------------------------------------------------------------------------------------


@needs_root
async def test_another_user_gets_nothing(agent: LocalAgent, open_path: Path) -> None:
    status, document = await ask_as("nobody", agent.socket, request(TARGET))
    assert (status, document["error"]) == (403, "access_denied")
    [decision] = [one for one in agent.journal.decisions if one.action == "agent.attest"]
    assert decision.reason == "attest.no_match"
    assert decision.checks[0].name == "orders: unix.user"
    assert "65534" in decision.checks[0].why
    assert agent.issuer.calls == []
    assert "65534" not in document["error_description"]


@needs_root
async def test_each_user_is_its_own_workload(tmp_path: Path, open_path: Path) -> None:
    rules: dict[str, Any] = {
        "orders": ME,
        "billing": {"unix": {"user": "nobody"}},
        "elsewhere": {"unix": {"user": "no-such-user"}},
    }
    async with local_agent(tmp_path, rules) as agent:
        _, mine = await send(agent.socket, request("/identity/whoami"))
        _, theirs = await ask_as("nobody", agent.socket, request("/identity/whoami"))
    assert (mine["workload"], theirs["workload"]) == ("orders", "billing")


@needs_root
async def test_a_process_with_two_users_is_neither(tmp_path: Path, open_path: Path) -> None:
    program = "import json, os, socket, sys; os.setresuid(0, 65534, 0)\n" + textwrap.dedent(ask_program())
    async with local_agent(tmp_path, {"billing": {"unix": {"user": "nobody"}}, "orders": ME}) as agent:
        status, _ = await ask_as(None, agent.socket, request("/identity/whoami"), program)
    assert status == 403


async def test_the_program_alone_is_no_rule(tmp_path: Path) -> None:
    for selectors in ({"executable": sys.executable}, {"executable_sha256": "0" * 64, "group": "root"}):
        with pytest.raises(ConfigurationError, match="give user or uid"):
            async with local_agent(tmp_path, {"orders": {"unix": selectors}}):
                pass


@needs_root
async def test_exec_trick_another_user_borrows_the_right_program(tmp_path: Path, open_path: Path) -> None:
    """Connect, fork, exec the expected program in the parent; the child asks. The program fits, the user does not."""
    expected = os.path.realpath("/bin/sleep")
    program = f"""
import os, socket, sys, time
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
os.set_inheritable(connection.fileno(), True)
if os.fork():
    os.execv({expected!r}, ["sleep", "0.8"])
time.sleep(0.3)
connection.sendall(sys.argv[2].encode())
reply = b""
while chunk := connection.recv(65536):
    reply += chunk
sys.stdout.write(reply.decode())
"""
    rules = {"orders": {"unix": {"uid": 0, "executable": expected}}}
    async with local_agent(tmp_path, rules) as agent:
        status, _ = await ask_as("nobody", agent.socket, request("/identity/whoami"), program)
        assert status == 403
        [decision] = [one for one in agent.journal.decisions if one.action == "agent.attest"]
        assert decision.facts["exe"] == expected  # the trick works as far as the program goes


async def test_a_peer_that_has_ended_gets_nothing(agent: LocalAgent) -> None:
    """The socket lives on in a child; the process that connected is gone."""
    program = """
import os, socket, sys, time
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
if os.fork():
    os._exit(0)
time.sleep(0.5)
connection.sendall(sys.argv[2].encode())
reply = b""
while chunk := connection.recv(65536):
    reply += chunk
sys.stdout.write(reply.decode())
"""
    status, _ = await ask_as(None, agent.socket, request(TARGET), program)
    assert status == 403
    assert agent.journal.reasons("agent.attest") in (["attest.peer_gone"], ["peer.gone"])


@needs_root
async def test_kernels_without_peer_pidfd(tmp_path: Path, open_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Linux 6.5: the pidfd is opened by number; a process that began after the connection is not the peer."""
    monkeypatch.setattr(peer, "SO_PEERPIDFD", 9_999)
    async with local_agent(tmp_path, {"orders": ME}) as agent:
        assert (await send(agent.socket, request("/identity/whoami")))[0] == 200
        assert (await ask_as("nobody", agent.socket, request("/identity/whoami")))[0] == 403
    here, there = socket.socketpair()
    with here, there:
        assert isinstance(peer.open_peer(here, accepted_at=0.0), Denied)
        held = peer.open_peer(here, peer.boot_clock())
        assert isinstance(held, peer.Peer)
        held.close()


def test_under_uvloop(tmp_path: Path) -> None:
    async def story() -> str:
        rules = {"orders": {"spawned": {"name": "orders"}}}
        run = [spawned("orders", ask_program(), tmp_path / "out")]
        async with local_agent(tmp_path, rules, run=run) as agent:
            await agent.running.supervisor.wait()
            assert (await send(agent.socket, request(TARGET)))[0] == 403
        return (tmp_path / "out").read_text()

    assert '"workload":"orders"' in uvloop.run(story())


async def test_no_rule_and_empty_rule_match_nobody(tmp_path: Path) -> None:
    async with local_agent(tmp_path, {"orders": {}}) as agent:
        assert (await send(agent.socket, request(TARGET)))[0] == 403
    with pytest.raises(ConfigurationError, match="at least one selector"):
        async with local_agent(tmp_path, {"orders": {"unix": {}}}):
            pass


@pytest.mark.parametrize(
    ("attest", "message"),
    [
        ({"unix": {"usr": "orders"}}, "usr"),
        ({"unix": {"uid": "0"}}, "int"),
        ({"kubernetes": {"namespace": "a"}}, "unknown attestor kubernetes"),
        ({"unix": {"uid": 0, "user": "root"}}, "not both"),
        ({"spawned": {}}, "at least one selector"),
    ],
)
async def test_rules_that_say_nothing_we_know_are_refused(tmp_path: Path, attest: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        async with local_agent(tmp_path, {"orders": attest}):
            pass


async def test_two_rules_that_fit_give_no_identity(tmp_path: Path) -> None:
    async with local_agent(tmp_path, {"orders": ME, "billing": ME}) as agent:
        assert (await send(agent.socket, request(TARGET)))[0] == 403
        assert agent.journal.reasons("agent.attest") == ["attest.ambiguous"]


# --- processes the agent starts -----------------------------------------------------------------------------


def ask_program() -> str:
    from tests.attack.local_agent import ASK

    return ASK


def spawned(name: str, program: str, output: Path, *, user: str = "") -> SupervisedProcess:
    raw = request("/identity/whoami")
    prelude = f"import os, sys; sys.argv = ['-', os.environ['KEYSTEAD_AGENT'], {raw!r}]\n"
    return SupervisedProcess(
        name=name, command=(sys.executable, "-I", "-c", prelude + program), output=str(output), user=user
    )


async def test_exactly_the_started_processes(tmp_path: Path) -> None:
    rules = {name: {"spawned": {"name": name}} for name in ("orders", "billing")}
    run = [spawned(name, ask_program(), tmp_path / name) for name in rules]
    async with local_agent(tmp_path, rules, run=run) as agent:
        await agent.running.supervisor.wait()
        for name in rules:
            assert f'"workload":"{name}"' in (tmp_path / name).read_text()
        assert (await send(agent.socket, request("/identity/whoami")))[0] == 403  # same user, not started by it
    assert agent.journal.reasons("agent.process") == ["process.ended"] * 2


async def test_children_of_started_processes_are_not_they(tmp_path: Path) -> None:
    program = f"import subprocess\nsubprocess.run([sys.executable, '-I', '-c', {ask_program()!r}, *sys.argv[1:]])"
    rules = {"orders": {"spawned": {"name": "orders"}}}
    async with local_agent(tmp_path, rules, run=[spawned("orders", program, tmp_path / "out")]) as agent:
        await agent.running.supervisor.wait()
    assert "403 Forbidden" in (tmp_path / "out").read_text()


@needs_root
@pytest.mark.skipif(not os.path.exists("/usr/bin/perl"), reason="needs a program that every user may run")
async def test_started_as_another_user(tmp_path: Path, open_path: Path) -> None:
    program = """
use IO::Socket::UNIX;
my $agent = IO::Socket::UNIX->new(Type => SOCK_STREAM(), Peer => $ENV{KEYSTEAD_AGENT}) or die $!;
print $agent "GET /identity/whoami HTTP/1.1\\r\\nKeystead-Metadata: true\\r\\n\\r\\n";
print while <$agent>;
"""
    rules = {"orders": {"spawned": {"name": "orders"}, "unix": {"user": "nobody"}}}
    orders = SupervisedProcess(
        name="orders", command=("/usr/bin/perl", "-e", program), output=str(tmp_path / "out"), user="nobody"
    )
    async with local_agent(tmp_path, rules, run=[orders]) as agent:
        await agent.running.supervisor.wait()
    assert '"uid":65534' in (tmp_path / "out").read_text()


async def test_closing_ends_what_it_started_even_when_it_does_not_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GRACE", 0.3)
    program = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"
    )
    stubborn = SupervisedProcess(
        name="stubborn", command=(sys.executable, "-I", "-c", program), output=str(tmp_path / "out")
    )
    willing = SupervisedProcess(name="willing", command=("sleep", "60"))
    async with local_agent(tmp_path, {}, run=[stubborn, willing]) as agent:
        while not (tmp_path / "out").read_text():
            await asyncio.sleep(0.02)
        ended = agent.journal
    assert {one.facts["process"]: one.facts["status"] for one in ended.decisions} == {"stubborn": -9, "willing": -15}


async def test_a_program_that_is_not_there_stops_the_agent_at_once(tmp_path: Path) -> None:
    missing = SupervisedProcess(name="orders", command=("/no/such/program",))
    with pytest.raises(ConfigurationError, match="cannot start /no/such/program"):
        async with local_agent(tmp_path, {}, run=[missing]):
            pass
    assert not (tmp_path / "agent" / "agent.sock").exists()


# --- tokens -------------------------------------------------------------------------------------------------


async def test_one_purchase_however_many_ask_and_none_until_80_percent(agent: LocalAgent) -> None:
    agent.issuer.delay = 0.1
    replies = await asyncio.gather(*(send(agent.socket, request(TARGET)) for _ in range(20)))
    assert {status for status, _ in replies} == {200}
    assert len({document["access_token"] for _, document in replies}) == 1
    assert len(agent.issuer.calls) == 1
    agent.clock.ahead = 238
    assert (await send(agent.socket, request(TARGET)))[1]["expires_in"] <= 62
    assert len(agent.issuer.calls) == 1
    agent.clock.ahead = 242
    await send(agent.socket, request(TARGET))
    assert len(agent.issuer.calls) == 2


@pytest.mark.attack("K1")
async def test_tokens_never_cross_resource_scope_or_workload(tmp_path: Path, open_path: Path) -> None:
    rules: dict[str, Any] = {"orders": ME, "billing": {"unix": {"user": "nobody"}}}
    targets = [TARGET, f"{TARGET}&scope=a", f"{TARGET}&scope=a+b", "/identity/token?resource=https%3A%2F%2Fb.example"]
    async with local_agent(tmp_path, rules) as agent:
        seen = {(await send(agent.socket, request(target)))[1]["access_token"] for target in targets * 2}
        assert len(seen) == 4
        if os.getuid() == 0:
            _, theirs = await ask_as("nobody", agent.socket, request(TARGET))
            assert (peek_claims_unverified(theirs["access_token"]) or {})["sub"] == "billing"
    assert [call.get("scope") for call in agent.issuer.calls[:4]] == [None, "a", "a b", None]


async def test_issuer_away_the_old_token_serves_to_its_end_and_no_longer(agent: LocalAgent) -> None:
    first = (await send(agent.socket, request(TARGET)))[1]["access_token"]
    agent.issuer.down = True
    agent.clock.ahead = 290
    assert (await send(agent.socket, request(TARGET)))[1]["access_token"] == first
    agent.clock.ahead = 301
    status, document = await send(agent.socket, request(TARGET))
    assert (status, document["error"]) == (503, "temporarily_unavailable")


@pytest.mark.attack("F4")
async def test_disowned_by_the_issuer_every_token_is_forgotten(agent: LocalAgent) -> None:
    await send(agent.socket, request(TARGET))
    agent.issuer.refuse = "invalid_client"
    other = "/identity/token?resource=https%3A%2F%2Fother.example"
    assert (await send(agent.socket, request(other)))[0] == 403
    assert (await send(agent.socket, request(TARGET)))[0] == 403


@pytest.mark.attack("F4")
async def test_a_rule_taken_away_holds_from_the_next_request_on(agent: LocalAgent) -> None:
    assert (await send(agent.socket, request(TARGET)))[0] == 200
    agent.running.replace_rules({})
    assert (await send(agent.socket, request(TARGET)))[0] == 403


async def test_what_the_issuer_refuses_is_said(agent: LocalAgent) -> None:
    agent.issuer.refuse = "invalid_target"
    status, document = await send(agent.socket, request(TARGET))
    assert (status, document["error"]) == (400, "invalid_target")
    assert agent.journal.reasons("agent.token") == ["issuer.invalid_target"]


# --- bounds, files ------------------------------------------------------------------------------------------


@pytest.mark.attack("P6")
async def test_a_user_that_asks_too_often_or_holds_too_many_is_bounded(tmp_path: Path) -> None:
    async with local_agent(tmp_path, {"orders": ME}, requests_per_second=5, connections_per_user=4) as agent:
        idle = [await asyncio.open_unix_connection(agent.socket) for _ in range(4)]
        await asyncio.sleep(0.05)
        assert (await send(agent.socket, request(TARGET)))[0] == 429
        for _, writer in idle:
            await hang_up(writer)
        await asyncio.sleep(0.05)
        statuses = [(await send(agent.socket, request(TARGET)))[0] for _ in range(12)]
        assert statuses.count(200) <= 7
        assert statuses[-1] == 429
        await asyncio.sleep(0.5)
        assert (await send(agent.socket, request(TARGET)))[0] == 200


@pytest.mark.attack("T8")
async def test_files_nobody_else_can_read_or_replace(tmp_path: Path) -> None:
    async with local_agent(tmp_path, {}, socket_mode="0660") as agent:
        key = tmp_path / "state" / "agent-key.pem"
        assert key.stat().st_mode & 0o777 == 0o600
        assert Path(agent.socket).stat().st_mode & 0o777 == 0o660
        public = (tmp_path / "state" / "agent-public.json").read_text()
        assert '"kty": "EC"' in public
        assert '"d"' not in public
    assert not Path(agent.socket).exists()
    key.chmod(0o640)
    with pytest.raises(ConfigurationError, match="others may read"):
        async with local_agent(tmp_path, {}):
            pass


@pytest.mark.attack("T8")
async def test_a_socket_directory_others_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent").chmod(0o777)
    with pytest.raises(ConfigurationError, match="chmod go-w"):
        async with local_agent(tmp_path, {}):
            pass


async def test_a_dead_agents_socket_is_taken_over_a_living_ones_not(tmp_path: Path) -> None:
    place = tmp_path / "agent"
    place.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place / "agent.sock"))
    async with local_agent(tmp_path, {"orders": ME}) as agent:
        assert (await send(agent.socket, request("/identity/whoami")))[0] == 200
        with pytest.raises(ConfigurationError, match="another agent answers"):
            async with local_agent(tmp_path, {}):
                pass
        assert (await send(agent.socket, request("/identity/whoami")))[0] == 200
    (place / "agent.sock").write_text("a file")
    with pytest.raises(ConfigurationError, match="no socket of ours"):
        async with local_agent(tmp_path, {}):
            pass


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """Let other users reach the socket: pytest keeps its folders to itself."""
    common = Path(tempfile.gettempdir())
    for folder in (tmp_path, *tmp_path.parents):
        if folder == common or not folder.is_relative_to(common):
            break
        status = folder.stat()
        if status.st_uid == os.getuid() and not status.st_mode & 0o001:
            folder.chmod(status.st_mode & 0o777 | 0o011)
    return tmp_path
