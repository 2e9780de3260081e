"""The guides on conditions, modular models and store files, done as they say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

GUIDES: Final = Path(__file__).parents[2] / "docs/guides"
FILE: Final = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
SESSION: Final = re.compile(r"^```console\n\$ keystead (authz .*?)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMES: Final = ("conditions.md", "modular-models.md", "store-files.md")


def put_files(guide: str, folder: Path) -> str:
    """Write the files of a guide into a folder; return the guide's text."""
    text = (GUIDES / guide).read_text("utf-8")
    for name, content in FILE.findall(text):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    return text


@pytest.mark.parametrize("guide", NAMES)
def test_the_commands_print_what_the_guide_says(guide: str, tmp_path: Path) -> None:
    sessions = SESSION.findall(put_files(guide, tmp_path))
    assert sessions
    for command, printed in sessions:
        line = [sys.executable, "-m", "keystead.cli.main", *shlex.split(command)]
        run = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (run.stdout, run.stderr) == (printed, "")


def test_the_program_prints_what_the_guide_says(tmp_path: Path) -> None:
    put_files("modular-models.md", tmp_path)
    run = subprocess.run([sys.executable, "boards.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ((tmp_path / "boards.txt").read_text("utf-8"), "")


def test_a_failing_test_is_told_as_the_guide_says(tmp_path: Path) -> None:
    text = put_files("store-files.md", tmp_path)
    file = tmp_path / "shop.fga.yaml"
    file.write_text(file.read_text("utf-8").replace("{viewer: true, owner: false}", "{viewer: false}"), "utf-8")
    line = [sys.executable, "-m", "keystead.cli.main", "authz", "test", str(file)]
    run = subprocess.run(line, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert f"```text\n{run.stdout.partition('5 passed')[0]}```" in text
