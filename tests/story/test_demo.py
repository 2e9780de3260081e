"""The main job, as a newcomer runs it: `keystead demo`, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

COMMAND = [sys.executable, "-m", "keystead.cli.main", "demo"]
PATIENCE = 60


@pytest.mark.timeout(180)
def test_the_check_holds(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--check", "--keep", str(tmp_path)], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the story is true" in done.stdout
    assert "✗" not in done.stdout


@pytest.mark.timeout(120)
def test_it_survives_busy_ports_and_stops_cleanly_on_ctrl_c(tmp_path: Path) -> None:
    with socket.socket() as busy, socket.socket() as busy_too:
        for taken, port in ((busy, 8000), (busy_too, 8080)):
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind(("127.0.0.1", port))
                taken.listen(1)
            except OSError:
                pass  # busy with somebody else: as good
        demo = subprocess.Popen(
            [*COMMAND, "--keep", str(tmp_path)], stdout=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
        )
        try:
            said = _until_ready(demo)
            shop = re.search(r"http://localhost:(\d+)", said)
            assert shop is not None
            assert shop[1] != "8000"
            assert httpx2.get(shop[0]).status_code == 200
            assert all(name in said for name in ("alice", "bob", "carol"))
            children = _children(demo.pid)
            assert len(children) >= 5, "each part is its own process"
            demo.send_signal(signal.SIGINT)
            assert demo.wait(45) == 0
        finally:
            demo.kill()
            demo.wait()
            assert demo.stdout is not None
            demo.stdout.close()
    assert not [pid for pid in children if _alive(pid)], "a part was left behind"


def _until_ready(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout is not None
    said, deadline = "", time.monotonic() + PATIENCE
    while "Ctrl-C" not in said and time.monotonic() < deadline:
        line = demo.stdout.readline()
        if not line:
            break
        said += line
    assert "Ctrl-C" in said, said
    return said


def _children(pid: int) -> list[int]:
    direct = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return direct + [grandchild for child in direct for grandchild in _children(child)]


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
