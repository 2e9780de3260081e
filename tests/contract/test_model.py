"""Every backend against the memory backend, step by step, over random histories."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from keystead.core.errors import VersionConflict
from keystead.core.values import EpochSeconds
from keystead.storage.memory import MemoryStore
from keystead.storage.ports import Write
from tests.contract.backends import BACKENDS, location
from tests.contract.histories import (
    Operations,
    at,
    current,
    families,
    mixed,
    one_time,
    outbox,
    record_reads,
    record_writes,
    relationship_reads,
    relationship_writes,
)

IN_MEMORY = Path("/dev/shm")
"""Durability is not under test here, and a disk would make it ten times slower."""

perhaps = st.integers(0, 7).map(lambda number: number == 0)


def some(*operations: Operations) -> st.SearchStrategy[list[Any]]:
    """Return a few operations, for one transaction."""
    return st.lists(mixed(*operations), min_size=1, max_size=4)


class Undone(Exception):
    """Raised by a transaction to be rolled back."""


class Comparison(RuleBasedStateMachine):
    """Do the same to both stores and demand the same answers."""

    backend = ""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        self.model = MemoryStore()
        self.store = BACKENDS[self.backend](location(Path(self.folder.name)))
        self.loop = asyncio.new_event_loop()
        self.now = 1000

    @rule(operations=some(record_reads))
    def look_at_records(self, operations: list[Any]) -> None:
        """Reads, through what the process keeps in memory."""
        self.look(operations)

    @rule(operations=some(relationship_reads))
    def look_at_relationships(self, operations: list[Any]) -> None:
        """Reads of tuples."""
        self.look(operations)

    @rule(operations=some(record_writes, record_writes, record_reads), undo=perhaps)
    def change_records(self, operations: list[Any], undo: bool) -> None:
        """Writes of records, and reads between them."""
        self.change(operations, undo)

    @rule(operations=some(one_time), undo=perhaps)
    def change_one_time(self, operations: list[Any], undo: bool) -> None:
        """Offers, claims, redemptions."""
        self.change(operations, undo)

    @rule(operations=some(families), undo=perhaps)
    def change_families(self, operations: list[Any], undo: bool) -> None:
        """Rotations and what goes with them."""
        self.change(operations, undo)

    @rule(operations=some(relationship_writes, relationship_reads), undo=perhaps)
    def change_relationships(self, operations: list[Any], undo: bool) -> None:
        """Writes of tuples."""
        self.change(operations, undo)

    @rule(operations=some(outbox, outbox, record_writes, one_time), undo=perhaps)
    def change_outbox(self, operations: list[Any], undo: bool) -> None:
        """Events, and what they tell of."""
        self.change(operations, undo)

    @rule(seconds=st.sampled_from([1, 2, -1]))
    def wait(self, seconds: int) -> None:
        """The clock moves, mostly forward."""
        self.now += seconds

    @rule()
    def sweep(self) -> None:
        """The sweeper comes by."""
        expected = self.answer(lambda: self.model.sweep(EpochSeconds(self.now)))
        assert self.answer(lambda: self.store.sweep(EpochSeconds(self.now))) == expected

    @rule()
    def newest(self) -> None:
        """How far the outbox is."""
        expected = self.answer(lambda: self.model.changed(0, 0))
        assert self.answer(lambda: self.store.changed(0, 0)) == expected

    def look(self, operations: list[Any]) -> None:
        """Run a transaction that looks."""

        def transaction() -> Any:
            answers = []
            for operation in operations:
                answers.append((yield at(operation, self.now)))
            return answers

        expected = self.answer(lambda: self.model.read(transaction()))
        assert self.answer(lambda: self.store.read(transaction())) == expected

    def change(self, operations: list[Any], undo: bool) -> None:
        """Run a transaction of several operations, undone at its end or not."""

        def transaction() -> Write[list[Any]]:
            answers = []
            for operation in operations:
                answers.append((yield (yield from current(at(operation, self.now)))))
            if undo:
                raise Undone(repr(answers))
            return answers

        expected = self.answer(lambda: self.model.write(transaction))
        assert self.answer(lambda: self.store.write(transaction)) == expected

    def answer(self, step: Callable[[], Any]) -> Any:
        """Return what a step answers, or how it fails."""
        try:
            return self.loop.run_until_complete(step())
        except (Undone, VersionConflict) as error:
            return type(error), str(error)

    def teardown(self) -> None:
        """Close and delete."""
        self.loop.run_until_complete(self.store.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()


@pytest.mark.parametrize(
    ("backend", "examples"),
    [
        ("sqlite", 60),
        ("postgres", 15),
        *(
            pytest.param(name, 3000, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])
            for name in BACKENDS
            if name != "memory"
        ),
    ],
)
def test_backend_answers_as_the_model(backend: str, examples: int) -> None:
    """Same answers, same failures, whatever the history."""
    machine = type("Compared", (Comparison,), {"backend": backend})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
