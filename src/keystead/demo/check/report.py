"""What `--check` prints: one line a step, what was seen, and a verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec


class Step(msgspec.Struct, frozen=True):
    """One thing the story must show. `run` returns what was seen, or raises AssertionError with what was not."""

    part: str
    title: str
    run: Callable[[], str]


class Report:
    """Runs steps and prints them. Colour only on a terminal."""

    def __init__(self) -> None:
        self._colour = sys.stdout.isatty()
        self._part = ""
        self.failed: list[str] = []
        self.passed = 0

    def run(self, step: Step) -> bool:
        """Run one step; say how it went."""
        if step.part != self._part:
            self._part = step.part
            print(f"\n{self._paint(step.part, '1')}", flush=True)
        try:
            seen = step.run()
        except Exception as error:  # noqa: BLE001 - a step that breaks is a step that failed, and the next must still run
            self.failed.append(step.title)
            print(f"  {self._paint('✗', '31')} {step.title}\n      {type(error).__name__}: {error}", flush=True)
            return False
        self.passed += 1
        first, *more = seen.split("\n")
        print(f"  {self._paint('✓', '32')} {step.title:<58} {self._paint(first, '2')}", flush=True)
        for line in more:
            print(f"      {self._paint(line, '2')}", flush=True)
        return True

    def close(self) -> bool:
        """Print the verdict. Answer: whether everything held."""
        if self.failed:
            print(f"\n{len(self.failed)} of {self.passed + len(self.failed)} did not hold: {'; '.join(self.failed)}")
        else:
            print(f"\nAll {self.passed} steps held: the story is true.")
        return not self.failed

    def _paint(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text
