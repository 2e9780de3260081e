"""A short storm over two nodes and their database in every run, the long one under `test --all`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.database_storm import storm


@pytest.mark.attack("F2")
async def test_a_short_storm_over_the_database_breaks_no_promise(tmp_path: Path) -> None:
    tally = await storm(4, 20261122, tmp_path)
    assert tally.passed(), str(tally)
    assert tally.refreshes


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_sixty_kills_of_database_and_nodes_break_no_promise(tmp_path: Path) -> None:
    tally = await storm(60, 7, tmp_path)
    assert tally.passed(), str(tally)
    assert tally.code_races
    assert tally.refresh_races
