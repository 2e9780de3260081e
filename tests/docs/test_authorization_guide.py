"""The guide on deciding in a service, done as it says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "authorize-in-a-service.md"
FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ keystead (authz .*)$", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the guide."""
    for name, text in FILE.findall(GUIDE.read_text("utf-8")):
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_the_program_prints_what_the_guide_says(folder: Path) -> None:
    programs = [("decide.py", "output"), ("decide.py", "output"), ("conditions.py", "conditions.txt")]
    for program, output in programs:  # a second run finds its tuples written
        run = subprocess.run([sys.executable, program], cwd=folder, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (0, "")
        assert run.stdout == (folder / output).read_text("utf-8")


def test_rows_and_tuples_go_together_as_the_guide_says(folder: Path) -> None:
    for program, output in (("migrate.py", ""), ("orders.py", "orders.txt")):
        run = subprocess.run([sys.executable, program], cwd=folder, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (0, "")
        assert run.stdout == ((folder / output).read_text("utf-8") if output else "")


def test_the_commands_work(folder: Path) -> None:
    commands = COMMAND.findall(GUIDE.read_text("utf-8"))
    assert len(commands) == 2
    answers = []
    for command in commands:
        line = [sys.executable, "-m", "keystead.cli.main", *shlex.split(command)]
        run = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True)
        answers.append(run.stdout)
    assert answers[0] == "3 passed, 0 failed\n"
    assert answers[0] in GUIDE.read_text("utf-8")
    assert answers[1].startswith("allowed\n")
