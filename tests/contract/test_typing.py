"""The type checker refuses a write inside a read, and knows what every verb answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

MISTAKES = """
from keystead.core.records.account import Account
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Read, Store, get, put, redeem

NOW = EpochSeconds(0)


def sneaky() -> Read[None]:
    yield from redeem("acme", "code", "k", NOW)


async def mistakes(store: Store) -> None:
    await store.read(redeem("acme", "code", "k", NOW))
    account: Account = await store.read(get(Account, "acme", "a", NOW))
    outcome = await store.write(lambda: put(Account(realm="acme", id="a", username="a"), NOW))
    outcome.record
"""


def test_mypy_refuses_the_mistakes(tmp_path: Path) -> None:
    """Each of the four lines is an error: a write in a Read, in Store.read, a forgotten None, a forgotten Conflict."""
    snippet = tmp_path / "snippet.py"
    snippet.write_text(MISTAKES)
    cache = tmp_path / "cache"
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), str(snippet)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = {int(line.split(":")[1]) for line in run.stdout.splitlines() if "snippet.py" in line and "error" in line}
    expected = [number for number, line in enumerate(MISTAKES.splitlines(), 1) if line.startswith("    ")]
    expected.remove(next(n for n, line in enumerate(MISTAKES.splitlines(), 1) if "outcome = " in line))
    assert lines == set(expected), run.stdout
