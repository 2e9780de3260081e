"""`keystead agent`: starts from the file, makes its key, and is believed by the issuer of the same file."""

from __future__ import annotations

import asyncio
import json
import sys

import msgspec

from tests.harness.issuer import RunningIssuer
from tests.harness.processes import Process

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
