"""A short storm in every run, the whole one under `test --all`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kill_storm import storm


@pytest.mark.attack("F2")
async def test_a_short_storm_breaks_no_promise(tmp_path: Path) -> None:
    tally = await storm(12, 20261122, tmp_path)
    assert tally.passed(), str(tally)
    assert tally.code_races
    assert tally.refresh_races


@pytest.mark.attack("F2")
async def test_a_storm_on_supervised_workers_breaks_no_promise(tmp_path: Path) -> None:
    tally = await storm(12, 20261123, tmp_path, supervised=True)
    assert tally.passed(), str(tally)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_two_hundred_kills_break_no_promise(tmp_path: Path) -> None:
    tally = await storm(200, 7, tmp_path)
    assert tally.passed(), str(tally)
