"""`keystead breached`: a file is made of a list, asked, and put in place in one step."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.app.test_commands import keystead


def asked(password: str, *arguments: str, cwd: Path) -> int:
    """Type a password at `breached check`."""
    command = [sys.executable, "-W", "ignore", "-m", "keystead.cli.main", "breached", "check", *arguments]
    return subprocess.run(
        command, cwd=cwd, input=f"{password}\n", capture_output=True, text=True, timeout=90
    ).returncode


def test_a_file_is_built_and_asked(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("all the king's horses\nand all the king's men\n")
    built = keystead("breached", "build", "list.txt", "--output", "own.breached", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    assert "2 passwords" in built.stdout
    assert asked("all the king's horses", "own.breached", cwd=tmp_path) == 1
    assert asked("couldn't put Humpty", "own.breached", cwd=tmp_path) == 0
    assert asked("password123", cwd=tmp_path) == 1


def test_a_list_that_is_not_there_leaves_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "own.breached").write_bytes(b"as it was")
    told = keystead("breached", "build", "missing.txt", "--output", "own.breached", cwd=tmp_path)
    assert told.returncode == 1
    assert "missing.txt: No such file" in told.stderr
    assert "Traceback" not in told.stderr
    assert (tmp_path / "own.breached").read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [tmp_path / "own.breached"]
