"""Small and quick: what an idle issuer costs. CPU time stands for start-up time.

The bounds are two to five times what a quiet machine shows: they catch a leak or
a busy loop, on slow machines too.
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from tests.harness.issuer import RunningIssuer

START_CPU_SECONDS = 2.5
IDLE_MEBIBYTES = 90
IDLE_CPU_SECONDS = 0.3


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mebibytes(pid: int) -> float:
    """Return the memory of a process, its share of what it shares (PSS)."""
    match = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert match
    return int(match[1]) / 1024


async def test_an_issuer_starts_quickly_and_idles_on_little(served: RunningIssuer) -> None:
    assert await served.process.stop() == 0
    await served.process.start_and_wait()
    pid = served.process.pid
    assert cpu_seconds(pid) < START_CPU_SECONDS
    await asyncio.sleep(2)
    before = cpu_seconds(pid)
    await asyncio.sleep(3)
    assert cpu_seconds(pid) - before < IDLE_CPU_SECONDS
    assert mebibytes(pid) < IDLE_MEBIBYTES
