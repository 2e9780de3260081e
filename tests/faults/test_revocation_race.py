"""Revoked under load, refused everywhere: the figure is printed; how soon on a quiet machine the benchmark says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.revocation_race import Race, race
from tests.harness.databases import DATABASES


@pytest.mark.attack("F5")
@pytest.mark.spec("RFC 7009 section 3")
@pytest.mark.parametrize("database", DATABASES)
async def test_a_token_revoked_at_any_node_is_refused_by_every_service_within_moments(
    tmp_path: Path, database: str
) -> None:
    """A second is promised. The bound here is wide, for machines that do much else; nothing may be missed at all."""
    outcome = await race(Race(database=database), tmp_path)
    print(outcome)
    assert (outcome.never, outcome.wrongly) == (0, 0), str(outcome)
    assert len(outcome.delays) == 3 * 35
    assert outcome.share(0.5) < 10, str(outcome)
