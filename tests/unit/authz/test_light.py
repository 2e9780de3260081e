"""Importing the engine costs a service next to nothing."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_engine_brings_no_database_and_no_server() -> None:
    script = (
        "import sys, keystead.authz\n"
        "heavy = {'sqlite3', 'asyncpg', 'asyncio', 'uvicorn', 'aiohttp', 'httpx2', 'yaml', 'keystead.storage.sqlite', "
        "'keystead.storage.memory', 'cryptography'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
