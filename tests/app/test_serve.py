"""`keystead serve`: starts what the file says, on any number of processes, and ends as asked."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from tests.harness.configuration import CATALOG
from tests.harness.issuer import RunningIssuer
from tests.harness.processes import Process


async def test_a_code_becomes_tokens_over_real_http(served: RunningIssuer) -> None:
    web = served.client("web")
    code = await served.person("alice").authorize(web, scope="openid offline_access catalog:read")
    tokens = await web.redeem(code)
    assert tokens.status == 200, tokens.body
    again = await web.refresh(tokens["refresh_token"])
    assert again.status == 200
    told = (await web.introspect(again["access_token"])).json
    assert told["active"] is True
    assert CATALOG in told["aud"]
    assert (await web.userinfo(again["access_token"]))["sub"] == told["sub"]


@pytest.mark.spec("RFC 8414 section 3")
async def test_metadata_is_at_both_well_known_places(served: RunningIssuer) -> None:
    client = served.client("web")
    first = await client.send("GET", f"{served.url}/.well-known/openid-configuration")
    second = await client.send("GET", f"{served.base_url}/.well-known/oauth-authorization-server/realms/acme")
    assert first.status == second.status == 200
    assert first.json == second.json


async def test_a_base_url_with_a_path_serves_under_that_path(unserved: RunningIssuer) -> None:
    unserved.base_url += "/identity"
    unserved.configuration["server"]["base_url"] = unserved.base_url
    await unserved.start()
    batch = unserved.client("batch")
    assert (await batch.discover())["issuer"] == f"{unserved.base_url}/realms/acme"
    assert (await batch.token("client_credentials")).status == 200
    origin = unserved.base_url.removesuffix("/identity")
    moved = await batch.send("GET", f"{origin}/.well-known/oauth-authorization-server/identity/realms/acme")
    assert moved.json == batch.metadata
    assert (await batch.send("GET", f"{origin}/realms/acme/jwks")).status == 404


PATHS_OF_NOBODY = (
    "/realms/other/token",
    "/realms/ACME/jwks",
    "/realms/acme%2f/jwks",
    "/realms/%61cme/jwks",
    "/realms//jwks",
    "/realms/acme//jwks",
    "/realms/acme/./jwks",
    "/realms/other/../acme/jwks",
    "/realms/acme/jwks/",
    "/realms/acme;x/jwks",
    "//realms/acme/jwks",
    "/",
)


@pytest.mark.attack("T1")
async def test_only_exact_paths_of_known_realms_are_there(served: RunningIssuer) -> None:
    for path in PATHS_OF_NOBODY:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        reply = await reader.read()
        writer.close()
        assert reply.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 405 ")), (path, reply)


@pytest.mark.attack("T5")
async def test_a_disabled_realm_answers_nothing(nodes: RunningIssuer) -> None:
    batch = nodes.client("batch")
    token = (await batch.token("client_credentials"))["access_token"]
    nodes.realm["enabled"] = False
    other = await nodes.start_another()
    for origin in ("", other):
        client = nodes.client("batch", origin=origin)
        client.metadata = batch.metadata
        for endpoint in ("token_endpoint", "introspection_endpoint"):
            answer = await client.post(endpoint, {"grant_type": "client_credentials", "token": token})
            assert answer.status == 404
            assert answer.error == "not_found"
        assert (await client.send("GET", f"{nodes.url}/jwks")).status == 404


async def test_two_processes_on_one_database_are_one_issuer(nodes: RunningIssuer) -> None:
    other = await nodes.start_another()
    here, there = nodes.client("batch"), nodes.client("batch", origin=other)
    keys = [(await client.send("GET", f"{nodes.url}/jwks")).json for client in (here, there)]
    assert keys[0] == keys[1]
    token = (await here.token("client_credentials"))["access_token"]
    assert (await there.introspect(token)).json["active"] is True
    assert (await there.revoke(token)).status == 200
    assert (await here.introspect(token)).json == {"active": False}


async def test_several_workers_share_the_port_and_end_together(unstarted_nodes: RunningIssuer) -> None:
    await unstarted_nodes.start("--workers", "2")
    answers = await asyncio.gather(*(unstarted_nodes.client("batch").token("client_credentials") for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    deadline = time.perf_counter() + 40
    while len(unstarted_nodes.process.pids()) < 2 and time.perf_counter() < deadline:
        await asyncio.sleep(0.05)
    assert len(unstarted_nodes.process.pids()) == 2, unstarted_nodes.process.text()
    assert await unstarted_nodes.process.stop() == 0


async def test_a_worker_that_dies_is_replaced_at_once(unserved: RunningIssuer) -> None:
    await unserved.start("--workers", "1")
    batch = unserved.client("batch")
    await batch.discover()
    (first,) = unserved.process.pids()
    os.kill(first, signal.SIGKILL)
    deadline = time.perf_counter() + 40
    while len(unserved.process.pids()) < 2:
        assert time.perf_counter() < deadline, unserved.process.text()
        await asyncio.sleep(0.005)
    assert (await batch.token("client_credentials")).status == 200


async def test_workers_end_with_their_parent(unserved: RunningIssuer) -> None:
    await unserved.start("--workers", "2")
    unserved.process.kill()
    for pid in unserved.process.pids():
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.01)


async def test_it_is_the_same_issuer_after_kill_and_restart(nodes: RunningIssuer) -> None:
    batch = nodes.client("batch-opaque")
    token = (await batch.token("client_credentials"))["access_token"]
    nodes.process.kill()
    await nodes.process.start_and_wait()
    assert (await batch.introspect(token)).json["active"] is True


async def test_the_database_and_its_key_are_private(served: RunningIssuer) -> None:
    for name in ("keystead.db", "keystead.db.key"):
        assert stat.S_IMODE((served.directory / name).stat().st_mode) == 0o600


async def test_a_key_others_can_read_refuses_to_start(served: RunningIssuer) -> None:
    assert await served.process.stop() == 0
    (served.directory / "keystead.db.key").chmod(0o640)
    with pytest.raises(AssertionError, match="chmod 600"):
        await served.process.start_and_wait()


async def test_a_busy_port_is_said_and_nothing_else_happens(served: RunningIssuer) -> None:
    path = served.write("busy.yaml")

    process = Process(["serve", "--config", str(path)], served.directory, "busy")
    served.processes.append(process)
    with pytest.raises(AssertionError, match="ended before it was ready"):
        await process.start_and_wait()
    assert "cannot listen on" in process.text()
    assert "Traceback" not in process.text()


async def test_health_and_metrics_are_on_the_management_port_only(served: RunningIssuer) -> None:
    client = served.client("batch")
    management = f"http://127.0.0.1:{served.management_port}"
    await client.token("client_credentials")
    assert (await client.send("GET", f"{management}/health/live")).json == {"status": "live"}
    assert (await client.send("GET", f"{management}/health/ready")).json == {"status": "ready"}
    metrics = (await client.send("GET", f"{management}/metrics")).body.decode()
    assert 'keystead_http_requests_total{endpoint="token",status="200"} 1' in metrics
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert (await client.send("GET", served.base_url + path)).status == 404


async def test_log_lines_carry_the_callers_trace(served: RunningIssuer) -> None:
    batch = served.client("batch")
    trace = "0af7651916cd43dd8448eb211c80319c"
    url = (await batch.discover())["token_endpoint"]
    answer = await batch.send("POST", url, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert answer.headers["x-request-id"] == trace
    (decision,) = await served.process.heard("token.issue")
    assert decision["trace"]["trace_id"] == trace
    assert decision["trace"]["parent_id"] == "b7ad6b7169203331"
    assert decision["allowed"] is False


@pytest.mark.attack("T6")
async def test_line_breaks_and_escapes_from_outside_stay_inside_one_log_line(served: RunningIssuer) -> None:
    evil = 'x\r\n{"action":"forged"}\x1b[31m'
    await served.client("batch").token("client_credentials", scope=evil, client_id=evil)
    await served.person("alice").browser.get(f"{served.url}/authorize?client_id=%0d%0a%1b[31m&x=%00")
    assert not [line for line in served.process.lines() if line.get("action") == "forged"]
    assert "\x1b" not in served.process.text()
