"""`keystead agent`: starts from the file, makes its key, and is believed by the issuer of the same file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.attack.local_agent import request, send
from tests.harness.issuer import RunningIssuer
from tests.harness.processes import Process, free_port

ASK = """
import json, os, socket, sys, time
connection = socket.socket(socket.AF_UNIX)
connection.connect(os.environ["KEYSTEAD_AGENT"])
connection.sendall(b"GET /identity/token?resource=%s HTTP/1.1\\r\\nHost: localhost\\r\\n"
    b"Keystead-Metadata: true\\r\\nConnection: close\\r\\n\\r\\n" % sys.argv[1].encode())
reply = b""
while chunk := connection.recv(65536):
    reply += chunk
answer = json.loads(reply.partition(b"\\r\\n\\r\\n")[2])
print(json.dumps({"token_type": answer.get("token_type"), "error": answer.get("error")}), flush=True)
time.sleep(30)
"""


async def test_agent_and_issuer_of_one_file_give_a_workload_its_token(unserved: RunningIssuer) -> None:
    folder = unserved.directory
    catalog = "https%3A%2F%2Fcatalog.test"
    command = [sys.executable, "-c", ASK, catalog]
    unserved.realm["workloads"] = [
        {
            "name": "orders",
            "attest": {"spawned": {"name": "orders"}},
            "scope": "catalog:read",
            "audiences": ["https://catalog.test"],
        }
    ]
    unserved.realm["agents"] = [
        {"name": "node-1", "jwks_file": "agent/agent-public.json", "workloads": ["orders"]},
    ]
    unserved.configuration["agent"] = {
        "name": "node-1",
        "issuer": unserved.url,
        "realm": "acme",
        "socket": str(folder / "agent.sock"),
        "state_directory": str(folder / "agent"),
        "run": [{"name": "orders", "command": command, "output": str(folder / "orders.out")}],
    }
    folder.chmod(0o700)
    first = Process(["agent", "--config", str(unserved.write())], folder, "agent")
    unserved.processes.append(first)
    await first.start_and_wait()
    assert await first.stop() == 0
    unserved.processes.clear()
    await unserved.start()
    (folder / "orders.out").unlink(missing_ok=True)
    agent = Process(["agent", "--config", str(folder / "keystead.yaml")], folder, "agent-again")
    unserved.processes.append(agent)
    await agent.start_and_wait()
    while not (folder / "orders.out").exists() or not (folder / "orders.out").read_text().endswith("\n"):
        await asyncio.sleep(0.02)
    assert json.loads((folder / "orders.out").read_text()) == {"token_type": "Bearer", "error": None}
    assert await agent.stop() == 0
    public = msgspec.json.decode((folder / "agent" / "agent-public.json").read_bytes())
    assert set(public["keys"][0]) >= {"kty", "kid", "alg"}
    assert "d" not in public["keys"][0]


def agent_file(folder: Path, port: int) -> Path:
    """Write a file with an agent alone, which knows one workload."""
    folder.chmod(0o700)
    path = folder / "keystead.yaml"
    path.write_text(
        f"""
realms:
  acme:
    workloads: [{{name: orders, attest: {{spawned: {{name: orders}}}}}}]
    agents: [{{name: node-1, jwks_file: agent/agent-public.json, workloads: [orders]}}]
agent:
  {{name: node-1, issuer: "http://127.0.0.1:{port}/realms/acme", realm: acme,
    socket: agent.sock, state_directory: agent}}
"""
    )
    return path


WHO_AM_I = """
import os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(os.environ["KEYSTEAD_AGENT"])
connection.sendall(b"GET /identity/whoami HTTP/1.1\\r\\nKeystead-Metadata: true\\r\\n\\r\\n")
reply = b""
while chunk := connection.recv(65536):
    reply += chunk
sys.exit(7 if b'"workload":"orders"' in reply else 8)
"""


def test_run_starts_one_process_knows_it_and_ends_with_its_status(tmp_path: Path) -> None:
    path = agent_file(tmp_path, free_port())
    command = [sys.executable, "-m", "keystead.cli.main", "agent", "--config", str(path), "--run"]
    ask = ["--", sys.executable, "-c", WHO_AM_I]
    known = subprocess.run([*command, "orders", *ask], capture_output=True, timeout=90, check=False)
    assert known.returncode == 7, known.stderr
    unknown = subprocess.run([*command, "billing", *ask], capture_output=True, timeout=90, check=False)
    assert unknown.returncode == 8
    killed = subprocess.run(
        [*command, "x", "--", "sh", "-c", "kill -9 $$"], capture_output=True, timeout=90, check=False
    )
    assert killed.returncode == 137
    for wrong in (["orders"], ["orders", "--"]):
        assert subprocess.run([*command, *wrong], capture_output=True, timeout=90, check=False).returncode == 2


async def test_sighup_reads_the_rules_anew_and_a_wrong_file_changes_nothing(tmp_path: Path) -> None:
    path = agent_file(tmp_path, free_port())
    good = path.read_text()
    agent = Process(["agent", "--config", str(path)], tmp_path, "agent")
    await agent.start_and_wait()
    for text, reason in (
        (good.replace("spawned: {name: orders}", f"unix: {{uid: {os.getuid()}}}"), "agent.rules_read"),
        (good.replace("spawned", "spwned"), "agent.rules_refused"),
    ):
        path.write_text(text)
        os.kill(agent.pid, signal.SIGHUP)
        while reason not in [line["reason"] for line in agent.decisions("agent.rules")]:
            await asyncio.sleep(0.02)
        status, document = await send(str(tmp_path / "agent.sock"), request("/identity/whoami"))
        assert (status, document["workload"]) == (200, "orders")
    assert await agent.stop() == 0


@pytest.mark.attack("T8")
def test_an_issuer_off_this_machine_is_asked_over_tls_only(tmp_path: Path) -> None:
    path = agent_file(tmp_path, 80)
    path.write_text(path.read_text().replace("127.0.0.1", "id.example"))
    command = [sys.executable, "-m", "keystead.cli.main", "agent", "--config", str(path)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert refused.returncode == 1
    assert "agent.issuer must be https" in refused.stderr
