"""Coverage-guided fuzzing of each parser, for as long as is allowed; only where atheris is installed."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.test_parsers import TARGETS

SECONDS = int(os.environ.get("KEYSTEAD_FUZZ_SECONDS", "20"))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.attack("J7")
@pytest.mark.parametrize("name", [target.name for target in TARGETS])
async def test_coverage_leads_to_no_crash(name: str, tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        pytest.skip("ATHERIS DID NOT RUN: it is not installed (pip install atheris)")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.fuzz.storm",
        name,
        str(SECONDS),
        str(tmp_path),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode(errors="replace")[-4_000:]
