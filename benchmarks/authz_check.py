"""The authorization engine: checks a second on one thread, in memory and through the embedded surface.

    python -m benchmarks.authz_check [--questions 20000] [--seed 1]

The workload is `benchmarks.authz_workload`: 234,000 tuples, half of the questions with a yes. Times are CPU time, the
best of five rounds. `uncached` forgets the groups of every user before each question.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from benchmarks.authz_workload import MODEL, Question, questions, tuples
from keystead.authz import AuthorizationEngine, open
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.plan import compile_model
from keystead.authz.engine.question import ask
from keystead.authz.engine.solver import Solver
from keystead.authz.language import read_model

ROUNDS = 5
EMBEDDED_QUESTIONS = 2_000
EMBEDDED_TUPLES = 20_000


def load(seed: int) -> Evaluator:
    """Build the graph and say what that took."""
    stored = list(tuples(seed))
    graph = Graph(compile_model(read_model(MODEL)))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    for each in stored:
        graph.add(each)
    taken, grown = time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    memory = f"{grown / 1024:.0f} MiB, {grown * 1024 / len(stored):.0f} B a tuple"
    print(f"loading {len(stored):,} tuples: {taken:.2f} s, {memory}")
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


def measure(name: str, asked: list[Question], run: Callable[[Question], object]) -> None:
    """Time one way of asking."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for question in asked:
            run(question)
        best = min(best, time.process_time() - started)
    print(f"{name:44} {len(asked) / best:>11,.0f} /s {best / len(asked) * 1e6:8.1f} us")


def measure_engine(evaluator: Evaluator, asked: list[Question], random: Random) -> None:
    """Time the engine in memory."""
    graph = evaluator.graph

    def uncached(question: Question) -> bool:
        graph.closures.clear()
        return evaluator.holds(*question)

    measure("check, uncached", asked, uncached)
    measure("check, groups of a user remembered", asked, lambda question: evaluator.holds(*question))
    measure("check with its proof", asked, lambda question: evaluator.explain(*question))
    measure(
        "check by the solver (rules with and, but not)",
        asked[: len(asked) // 5],
        lambda question: Solver(graph, ask(graph, *question), evaluator.judge).decide(),
    )
    users = [(user, relation, "document") for user, relation, _ in random.sample(asked, 500)]
    listed = sum(len(list_objects(evaluator, type, relation, user)) for user, relation, type in users)
    measure(
        f"list-objects, {listed / len(users):.0f} documents on average",
        users,
        lambda question: list_objects(evaluator, question[2], question[1], question[0]),
    )


async def measure_embedded(engine: AuthorizationEngine, asked: list[Question]) -> None:
    """Time the embedded surface over SQLite: each question asks the database for its revision first."""
    stored = [each for _, each in zip(range(EMBEDDED_TUPLES), tuples(), strict=False)]
    for start in range(0, len(stored), 5_000):
        await engine.write(stored[start : start + 5_000])
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for question in asked:
            await engine.check(*question)
        best = min(best, time.process_time() - started)
    rate, each = len(asked) / best, best / len(asked) * 1e6
    print(f"{'embedded over SQLite, check with its proof':44} {rate:>11,.0f} /s {each:8.1f} us")


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = Random(options.seed)
    evaluator = load(options.seed)
    asked = half_and_half(evaluator, options.questions, random)
    measure_engine(evaluator, asked, random)
    with tempfile.TemporaryDirectory() as directory:
        engine = open(f"sqlite:///{Path(directory) / 'tuples.db'}", model=MODEL)

        async def run() -> None:
            async with engine:
                await measure_embedded(engine, asked[:EMBEDDED_QUESTIONS])

        asyncio.run(run())


if __name__ == "__main__":
    main()
