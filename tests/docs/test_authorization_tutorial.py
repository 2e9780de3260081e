"""The tutorial on deciding, done as it says: its programs, its commands, the server, and what each prints."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_tutorial import free_port, wait_for

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorials" / "decide-who-may-see-what.md"
FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ keystead (authz .*)$", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the tutorial."""
    for name, text in FILE.findall(TUTORIAL.read_text("utf-8")):
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    """Run Python and return what it printed; what it complains about is a failure."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def test_deciding_testing_and_explaining_do_what_the_tutorial_says(folder: Path) -> None:
    for _ in range(2):  # a second run finds its tuples written
        printed = run(folder, "decide.py")
        assert printed.startswith((folder / "output").read_text("utf-8"))
        assert "bob allowed" in printed
        assert "mallory denied (authz.excluded)" in printed
        assert "carol denied (authz.no_path)" in printed
        assert "dora {'amount': 50} allowed" in printed
        assert "dora {'amount': 500} denied" in printed
        assert "dora {} conditional (authz.condition_missing)" in printed
        assert "missing amount" in printed
        assert "['order:17']" in printed
    commands = COMMAND.findall(TUTORIAL.read_text("utf-8"))
    assert len(commands) == 4
    answers = [run(folder, "-m", "keystead.cli.main", *shlex.split(command)) for command in commands]
    assert "5 passed, 0 failed" in answers[0]
    assert all(answer.startswith("allowed") for answer in answers[1:])


def test_the_filter_shows_what_the_tutorial_says(folder: Path) -> None:
    assert run(folder, "orders.py") == (folder / "orders output").read_text("utf-8")


def test_the_server_answers_what_the_tutorial_says(folder: Path) -> None:
    port = free_port()
    for name in ("keystead.yaml", "ask.py"):
        (folder / name).write_text((folder / name).read_text().replace("8080", str(port)))
    environment = {**os.environ, "SHOP_SECRET": secrets.token_urlsafe(32), "ALICE_PASSWORD": secrets.token_urlsafe(12)}
    command = [sys.executable, "-m", "keystead.cli.main", "serve", "--config", "keystead.yaml"]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=quiet, stderr=quiet)
    try:
        wait_for(f"http://127.0.0.1:{port}/realms/acme/jwks")
        done = subprocess.run(
            [sys.executable, "ask.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.stderr) == ("alice True\nbob True\ncarol False\n", "")
    finally:
        server.terminate()
        server.wait(10)
