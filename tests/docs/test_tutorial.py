"""The tutorial, done as it says: its files, its commands, and the answers it promises."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorials" / "protect-your-first-service.md"
FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| .* \| (\d{3})[ ,|]", re.MULTILINE)
PATIENCE = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            httpx2.get(url)
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{url} did not answer")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The tutorial's folder with its issuer and its service running, on free ports."""
    issuer, service = free_port(), free_port()
    for name, text in FILE.findall(TUTORIAL.read_text()):
        (tmp_path / name).write_text(text.replace("8080", str(issuer)).replace("8101", str(service)))
    environment = {**os.environ, "REPORTER_SECRET": secrets.token_urlsafe(32)}
    commands = (
        [sys.executable, "-m", "keystead.cli.main", "serve", "--config", "keystead.yaml"],
        [sys.executable, "-m", "uvicorn", "notes:app", "--port", str(service)],
    )
    started = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        wait_for(f"http://127.0.0.1:{issuer}/realms/acme/jwks")
        wait_for(f"http://127.0.0.1:{service}/notes")
        yield environment
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(10)


def test_the_tutorial_does_what_it_says(running: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "call.py"], cwd=tmp_path, env=running, capture_output=True, text=True, check=True, timeout=60
    )
    lines = done.stdout.splitlines()
    promised = ROW.findall(TUTORIAL.read_text())
    assert [line.split(": ")[1][:3] for line in lines] == promised
    assert "insufficient_scope" in lines[2]
    assert "owner" in lines[4]
    assert "denied" in lines[5]
