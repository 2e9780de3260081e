"""What stands in the repository: a lock that anybody can use, fragments an operator can read, decisions in form."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = ("feature", "fix", "security", "removal")
SECTIONS = ("Context", "Decision", "Evidence", "Alternatives")


def tracked() -> list[Path]:
    """Return every file under version control; outside a repository, nothing."""
    if shutil.which("git") is None:
        pytest.skip("no git here: what is under version control cannot be told")
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / line for line in done.stdout.splitlines()]


def test_the_lock_pins_every_requirement_by_hash_and_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    for requirement in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
        assert re.match(r"[A-Za-z0-9_.\-\[\]]+==", requirement), requirement[:80]
        assert "--hash=sha256:" in requirement, requirement[:80]


def test_every_change_fragment_is_short_and_of_a_known_kind() -> None:
    for path in (ROOT / "changes").glob("*.md"):
        if path.name == "README.md":
            continue
        assert path.name.split(".")[-2] in KINDS, path.name
        text = path.read_text().strip()
        assert text, path.name
        assert len(text) < 1200, f"{path.name}: two or three sentences for operators"


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_record_has_its_sections(path: Path) -> None:
    if path.name == "README.md":
        return
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", path.stem)
    text = path.read_text()
    for section in SECTIONS:
        assert re.search(rf"^(#+ |\*\*){section}", text, re.MULTILINE), f"{path.name} has no section {section}"


def test_two_decisions_never_share_a_number() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers))


def test_nothing_under_version_control_is_a_secret_or_a_database() -> None:
    suffixes = {".db", ".key", ".pem", ".db-wal", ".db-shm"}
    assert [path.name for path in tracked() if path.suffix in suffixes and "vectors" not in path.parts] == []
