"""The authorization engine beside what a Python developer would use instead: one table, one thread, CPU time.

    python -m benchmarks.authz_check [--questions 20000] [--seed 1] [--peers]

The workload is `benchmarks.authz_workload`: 239,000 tuples, half of the questions with a yes. Times are CPU time, the
best of five rounds; the load of the machine is printed beside them. `uncached` forgets the groups of every user before
each question. With `--peers` the same questions go to recursive SQL and, where they are installed, to pycasbin and
cedarpy, and every answer must be the same. Loading and memory: `python -m benchmarks.authz_loading`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TypeVar

from benchmarks.authz_peers import Ask, cedar, pycasbin, recursive_sql
from benchmarks.authz_workload import MODEL, Question, questions, tuples
from keystead.authz import open
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.overlay import overlaid
from keystead.authz.engine.plan import compile_model
from keystead.authz.engine.question import ask
from keystead.authz.engine.solver import Solver
from keystead.authz.language import read_model
from keystead.authz.names import relationship

ROUNDS = 5
EMBEDDED_TUPLES = 20_000
WITH_EXCLUSION = MODEL.replace(
    "type document\n  relations\n",
    "type document\n  relations\n    define blocked: [user]\n    define reader: viewer but not blocked\n",
)
T = TypeVar("T")


def load(seed: int, model: str = MODEL) -> Evaluator:
    """Build the graph."""
    graph = Graph(compile_model(read_model(model)))
    for each in tuples(seed):
        graph.add(each)
    return Evaluator(graph)


def half_and_half(evaluator: Evaluator, count: int, random: Random) -> list[Question]:
    """Make questions, half with a yes and half with a no."""
    chosen: dict[bool, list[Question]] = {True: [], False: []}
    while min(map(len, chosen.values())) < count // 2:
        question = questions(random)
        answers = chosen[evaluator.holds(*question)]
        if len(answers) < count // 2:
            answers.append(question)
    mixed = chosen[True] + chosen[False]
    random.shuffle(mixed)
    return mixed


def measure(name: str, asked: list[T], run: Callable[[T], object], rounds: int = ROUNDS) -> None:
    """Time one way of asking."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        for question in asked:
            run(question)
        best = min(best, time.process_time() - started)
    say(name, len(asked), best)


def say(name: str, count: int, seconds: float) -> None:
    """Print a line of the table."""
    print(f"{name:58} {count / seconds:>11,.0f} /s {seconds / count * 1e6:10.1f} us")


def measure_checks(evaluator: Evaluator, asked: list[Question]) -> None:
    """Time checks in memory."""
    graph = evaluator.graph

    def uncached(question: Question) -> bool:
        graph.closures.clear()
        return evaluator.holds(*question)

    measure("check, uncached", asked, uncached)
    measure("check, groups of a user remembered", asked, lambda question: evaluator.holds(*question))
    measure("check with its proof", asked[: len(asked) // 4], lambda question: evaluator.explain(*question))
    extra = [relationship("document:new#viewer@user:1"), relationship("group:1#member@user:new")]
    measure(
        "check with two contextual tuples",
        asked[: len(asked) // 4],
        lambda question: Evaluator(overlaid(graph, extra)).holds(*question),
    )
    measure(
        "check by the solver, as circles need it",
        asked[: len(asked) // 20],
        lambda question: Solver(graph, ask(graph, *question), evaluator.judge).decide(),
    )


def measure_exclusion(seed: int, asked: list[Question], random: Random) -> None:
    """Time a rule with `but not`."""
    evaluator = load(seed, WITH_EXCLUSION)
    for user, _, document in random.sample(asked, len(asked) // 10):
        evaluator.graph.add(relationship(f"{document}#blocked@{user}"))
    measure(
        "check of `viewer but not blocked`",
        asked,
        lambda question: evaluator.holds(question[0], "reader", question[2]),
    )


def measure_lists(evaluator: Evaluator, random: Random) -> None:
    """Time lists of objects."""
    users = [questions(random)[0] for _ in range(500)]
    listed = sum(len(list_objects(evaluator, "document", "viewer", user)) for user in users)
    measure(
        f"list-objects, {listed / len(users):.0f} documents on average, in order",
        users,
        lambda user: list_objects(evaluator, "document", "viewer", user),
    )


async def measure_embedded(asked: list[Question]) -> None:
    """Time the embedded surface over SQLite: each question asks the database whether anything is new first."""
    stored = [each for _, each in zip(range(EMBEDDED_TUPLES), tuples(), strict=False)]
    with tempfile.TemporaryDirectory() as directory:
        async with open(f"sqlite:///{Path(directory) / 'tuples.db'}", model=MODEL) as engine:
            for start in range(0, len(stored), 5_000):
                await engine.write(stored[start : start + 5_000])
            best = float("inf")
            for _ in range(ROUNDS):
                started = time.process_time()
                for question in asked:
                    await engine.check(*question)
                best = min(best, time.process_time() - started)
            say("embedded over SQLite, check with its proof", len(asked), best)
            snapshot = await engine.snapshot()
            measure("embedded, a snapshot's `allows`", asked, lambda question: snapshot.allows(*question))


def measure_peers(evaluator: Evaluator, asked: list[Question], seed: int) -> None:
    """Time what one would use instead, and hold its answers against ours."""
    stored = list(tuples(seed))
    peers: list[tuple[str, int, Ask | None]] = [
        ("recursive SQL, SQLite in memory", 2_000, recursive_sql(stored)),
        ("cedarpy, entities put together for the question", 500, cedar(stored)),
        ("pycasbin, two role hierarchies", 10, pycasbin(stored)),
    ]
    for name, count, peer in peers:
        if peer is not None:
            some = asked[:count]
            wrong = sum(peer(question) is not evaluator.holds(*question) for question in some)
            measure(f"{name}{f' ({wrong} WRONG)' if wrong else ''}", some, peer, rounds=2)


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    random = Random(options.seed)
    evaluator = load(options.seed)
    asked = half_and_half(evaluator, options.questions, random)
    print(f"{sum(1 for _ in tuples(options.seed)):,} tuples; load of the machine: {os.getloadavg()[0]:.1f}")
    measure_checks(evaluator, asked)
    measure_exclusion(options.seed, asked, random)
    measure_lists(evaluator, random)
    asyncio.run(measure_embedded(asked[:2_000]))
    if options.peers:
        measure_peers(evaluator, asked, options.seed)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
