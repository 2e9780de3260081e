"""A million tuples: how long the engine takes to load them from SQLite, and what a tuple weighs.

    python -m benchmarks.authz_loading [--copies 5] [--memory]

The workload is `benchmarks.authz_workload`, several times over under other names. The rows are put into the file by
plain SQL, and loaded the way a service does: by the first question. `--memory` weighs every byte Python allocates
(`tracemalloc`) for one copy, names included, before and after the first list; that takes its time.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sqlite3
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from benchmarks.authz_workload import MODEL, tuples
from keystead.authz import open
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.plan import compile_model
from keystead.authz.language import read_model
from keystead.core.values import EpochSeconds
from keystead.storage.ports import TupleRow

INSERT = """
INSERT INTO relationships (realm, store, object, relation, "user", condition, context)
VALUES ('default', 'default', ?, ?, ?, '', '')"""


def rows(copies: int) -> Iterator[tuple[str, str, str]]:
    """Make the tuples, each copy under names of its own."""
    for copy in range(copies):
        for each in tuples():
            user, hash_mark, relation = each.user.partition("#")
            yield f"{each.object}x{copy}", each.relation, f"{user}x{copy}{hash_mark}{relation}"


async def load(copies: int) -> None:
    """Load from SQLite, showing progress."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "tuples.db"
        async with open(f"sqlite:///{path}", model=MODEL) as engine:
            await engine.write(["document:first#owner@user:first"])
        database = sqlite3.connect(path)
        with database:
            database.executemany(INSERT, rows(copies))
        database.close()
        heard: list[int] = []

        def progress(loaded: int) -> None:
            heard.append(loaded)
            print(f"\r{loaded:>12,} tuples", end="", flush=True)

        async with open(f"sqlite:///{path}", model=MODEL, progress=progress) as engine:
            started, wall = time.process_time(), time.monotonic()
            assert await engine.check("user:first", "viewer", "document:first")
            taken = f"{time.process_time() - started:.1f} s of CPU time, {time.monotonic() - wall:.1f} s by the clock"
            print(f"\r{heard[-1]:,} tuples from SQLite, first answer: {taken}")


def weigh() -> None:
    """Weigh one copy in memory, made of rows as a database hands them out: every name a string of its own."""

    def fresh() -> Iterator[TupleRow]:
        for object, relation, user in rows(1):
            yield object, relation, user, "", "", EpochSeconds(0)

    plan, count = compile_model(read_model(MODEL)), sum(1 for _ in tuples())
    gc.collect()
    tracemalloc.start()
    graph = Graph(plan)
    graph.load(fresh())
    gc.collect()
    checks = tracemalloc.get_traced_memory()[0]
    graph.reverse()
    gc.collect()
    lists = tracemalloc.get_traced_memory()[0]
    print(f"{count:,} tuples: {checks / count:.0f} B a tuple, {lists / count:.0f} B once objects have been listed")


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    asyncio.run(load(options.copies))
    if options.memory:
        weigh()


if __name__ == "__main__":
    main()
