"""Says loudly, at the end of a run, what did not run and why, and which checks failed before the tests."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from keystead.cli.test import FAILED_VARIABLE, MISSING_VARIABLE


class NotRun:
    """Collects what was left out. Registered by `tests/conftest.py`."""

    def __init__(self) -> None:
        self._deselected = 0

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Count what `-m` or `-k` left out."""
        self._deselected += len(items)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write the section."""
        skipped = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", ()))
        failed = os.environ.get(FAILED_VARIABLE, "")
        missing = os.environ.get(MISSING_VARIABLE, "")
        if not (skipped or self._deselected or failed or missing):
            return
        terminalreporter.section("NOT RUN, and checks that failed", sep="!")
        if failed:
            terminalreporter.write_line(f"CHECKS FAILED before the tests: {failed}", red=True)
        if missing:
            terminalreporter.write_line(f"MISSING on this machine: {missing}", red=True)
        if self._deselected:
            terminalreporter.write_line(f"{self._deselected} left out by selection (slow ones: ./keystead test --all)")
        for reason, number in skipped.most_common():
            terminalreporter.write_line(f"{number} skipped: {reason}")


def _reason(report: Any) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(text).removeprefix("Skipped: ")
