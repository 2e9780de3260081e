"""Conditions: evaluations a second on one thread, beside Google's CEL (cel-cpp) in the same run.

    python -m benchmarks.authz_conditions [--rounds 5]

Times are CPU time, the best of the rounds. Ours takes the context as a request sends it (JSON: times, durations and
addresses as text), casts and evaluates; *prepared* has what a tuple stores cast once. The peer gets Python's own
`datetime` and `timedelta`, and has no `in_cidr`. It is a development dependency: `pip install cel-expr-python`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from keystead.authz.conditions import Condition, Unevaluable, compile_condition
from keystead.authz.model import ConditionDefinition, Parameter

EVALUATIONS = 20_000


class Case(msgspec.Struct, frozen=True):
    """One condition to measure. `types` are name -> declared type."""

    name: str
    expression: str
    types: dict[str, str]
    context: dict[str, Any]
    peer: bool = True


CASES = (
    Case("a number", "amount <= 1000", {"amount": "int"}, {"amount": 250}),
    Case(
        "strings",
        "method == 'GET' && department in ['sales', 'support'] && name.startsWith('order')",
        {"method": "string", "department": "string", "name": "string"},
        {"method": "GET", "department": "support", "name": "order:17"},
    ),
    Case(
        "a grant that ends",
        "current_time < granted_at + lasts",
        {"current_time": "timestamp", "granted_at": "timestamp", "lasts": "duration"},
        {"current_time": "2026-01-31T12:00:00Z", "granted_at": "2026-01-31T11:30:00Z", "lasts": "1h"},
    ),
    Case(
        "office hours",
        "now.getHours('Europe/Berlin') >= 8 && now.getHours('Europe/Berlin') < 18",
        {"now": "timestamp"},
        {"now": "2026-01-31T12:00:00Z"},
    ),
    Case(
        "a list of ten",
        "limits.exists(l, l > amount)",
        {"limits": "list<int>", "amount": "int"},
        {"limits": list(range(10)), "amount": 8},
    ),
    Case(
        "a map of anything",
        "resource.owner == user && (!has(resource.locked) || resource.locked == false)",
        {"resource": "map<any>", "user": "string"},
        {"resource": {"owner": "alice", "size": 5}, "user": "alice"},
    ),
    Case("a pattern", "name.matches('^order-[0-9]{2,8}(-draft)?$')", {"name": "string"}, {"name": "order-12345-draft"}),
    Case(
        "a network",
        "address.in_cidr('10.0.0.0/8')",
        {"address": "ipaddress"},
        {"address": "10.1.2.3"},
        peer=False,
    ),
)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print("| condition | ours, microseconds | prepared | Google's CEL | times | compiling, ms |")
    print("|---|---|---|---|---|---|")
    for case in CASES:
        condition, compiling = compiled(case)
        ours = best(lambda: condition.evaluate(case.context), rounds)  # noqa: B023  # called before the next turn
        cast = condition.prepare(case.context)
        prepared = best(lambda: condition.evaluate(cast), rounds)  # noqa: B023  # called before the next turn
        theirs = best(peer(case), rounds) if case.peer else 0.0
        times = f"{theirs / ours:.0f}" if theirs else ""
        print(f"| {case.name} | {ours:.2f} | {prepared:.2f} | {theirs or 0:.2f} | {times} | {compiling * 1e3:.1f} |")


def compiled(case: Case) -> tuple[Condition, float]:
    """Compile a condition; return it and the seconds that took."""
    definition = ConditionDefinition("measured", tuple(map(parameter, case.types.items())), case.expression)
    started = time.process_time()
    condition = compile_condition(definition)
    taken = time.process_time() - started
    assert not isinstance(condition.evaluate(case.context), Unevaluable)
    return condition, taken


def parameter(declared: tuple[str, str]) -> Parameter:
    """Read a declaration."""
    name, text = declared
    kind, _, generic = text.rstrip(">").partition("<")
    return Parameter(name, kind, generic)


def peer(case: Case) -> Callable[[], object]:
    """Compile a condition with Google's CEL and return what evaluates it."""
    from cel_expr_python import cel

    plain = {name: getattr(cel.Type, name.upper()) for name in ("int", "string", "timestamp", "duration")}
    types = plain | {"list<int>": cel.Type.List(cel.Type.INT), "map<any>": cel.Type.Map(cel.Type.STRING, cel.Type.DYN)}
    environment = cel.NewEnv(variables={name: types[kind] for name, kind in case.types.items()})
    expression = environment.compile(case.expression)
    context = {name: native(case.types[name], value) for name, value in case.context.items()}
    assert expression.eval(data=context).type() == cel.Type.BOOL
    return lambda: expression.eval(data=context).value()


def native(kind: str, value: Any) -> Any:
    """Turn a value into what the peer takes."""
    if kind == "timestamp":
        return datetime.fromisoformat(value)
    return timedelta(hours=1) if kind == "duration" else value


def best(ask: Callable[[], object], rounds: int) -> float:
    """Return the microseconds an evaluation takes, in the best round."""
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(EVALUATIONS):
            ask()
        taken.append(time.process_time() - started)
    return min(taken) / EVALUATIONS * 1e6


if __name__ == "__main__":
    main()
