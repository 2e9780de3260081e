"""`keystead gateway` as a process: its management port, and how it ends."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from keystead.app import gateway_process
from keystead.app.settings.load import load_settings
from keystead.storage.ports import Store
from tests.harness.processes import Process, free_port

FILE = """
gateway:
  listen: 127.0.0.1:LISTEN
  management_listen: 127.0.0.1:MANAGEMENT
  issuer: http://localhost:1/realms/acme
  client_id: shop
  client_secret: correct-horse-battery
"""


async def test_the_management_port_answers_while_the_issuer_does_not(tmp_path: Path) -> None:
    listen, management = free_port(), free_port()
    file = tmp_path / "keystead.yaml"
    file.write_text(FILE.replace("LISTEN", str(listen)).replace("MANAGEMENT", str(management)))
    gateway = Process(["gateway"], tmp_path, "gateway")
    try:
        await gateway.start_and_wait()
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{management}") as client:
            assert (await client.get("/health/live")).json() == {"status": "live"}
            assert (await client.get("/health/ready")).json() == {"status": "ready"}
            assert "process_resident_memory_bytes" in (await client.get("/metrics")).text
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{listen}") as client:
            assert (await client.get("/health/ready")).status_code == 404
        assert await gateway.stop() == 0
    finally:
        gateway.kill()


def test_a_busy_management_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        (tmp_path / "keystead.yaml").write_text(FILE.replace("LISTEN", str(free_port())).replace("MANAGEMENT", port))
        command = [sys.executable, "-m", "keystead.cli.main", "gateway"]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=90)
    assert said.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in said.stderr
    assert "Traceback" not in said.stderr


async def test_work_beside_the_gateway_that_breaks_ends_it_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(store: Store) -> None:
        raise RuntimeError("the sweeper broke")

    file = tmp_path / "keystead.yaml"
    file.write_text(FILE.replace("LISTEN", str(free_port())).replace("MANAGEMENT", str(free_port())))
    monkeypatch.setattr(gateway_process, "sweep_forever", broken)
    settings = gateway_process.complete(load_settings(file))
    with pytest.raises(RuntimeError, match="the sweeper broke"):
        await asyncio.wait_for(gateway_process._serve(settings, tmp_path), 40)
