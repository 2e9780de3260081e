"""The compiler against Google's own CEL: random typed expressions, random contexts, the same answers.

Its errors come back as values, so that an answer counts only when its type is bool.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from cel_expr_python import cel

from keystead.authz.conditions import Condition, Unevaluable, compile_condition
from keystead.authz.conditions.times import read_duration
from keystead.authz.errors import ModelError
from keystead.authz.model import ConditionDefinition, Parameter
from tests.unit.authz.conditions.random_expressions import PARAMETERS, Writer, random_context

_PLAIN: Final = {
    "int": cel.Type.INT, "uint": cel.Type.UINT, "double": cel.Type.DOUBLE, "string": cel.Type.STRING,
    "bool": cel.Type.BOOL, "timestamp": cel.Type.TIMESTAMP, "duration": cel.Type.DURATION,
    "list<int>": cel.Type.List(cel.Type.INT), "list<string>": cel.Type.List(cel.Type.STRING),
    "map<int>": cel.Type.Map(cel.Type.STRING, cel.Type.INT),
}  # fmt: skip
ENVIRONMENT: Final = cel.NewEnv(variables={name: _PLAIN[kind] for name, kind in PARAMETERS.items()})
DECLARED: Final = tuple(
    Parameter(name, *kind.rstrip(">").split("<")) if "<" in kind else Parameter(name, kind)
    for name, kind in PARAMETERS.items()
)


def theirs_of(text: str) -> Any:
    """Compile with the other implementation; None when it refuses."""
    try:
        return ENVIRONMENT.compile(text)
    except Exception:
        return None


def ours_of(text: str) -> Condition | None:
    """Compile with ours; None when it refuses."""
    try:
        return compile_condition(ConditionDefinition("random", DECLARED, text))
    except ModelError:
        return None


def their_answer(expression: Any, context: dict[str, Any]) -> bool | str:
    """Ask the other implementation."""
    given = dict(context)
    given["when"] = datetime.fromisoformat(context["when"])
    given["span"] = timedelta(microseconds=read_duration(context["span"]) // 1_000)
    answer = expression.eval(data=given)
    return answer.plain_value() if answer.type() == cel.Type.BOOL else "failed"


def our_answer(condition: Condition, context: dict[str, Any]) -> bool | str:
    """Ask ours."""
    answer = condition.evaluate(context)
    return answer.reason if isinstance(answer, Unevaluable) else answer


def compare(seed: int, count: int) -> dict[bool | str, int]:
    """Compare so many expressions, on two contexts each; return how often came which answer."""
    source = random.Random(seed)
    seen: dict[bool | str, int] = {}
    for _ in range(count):
        text = Writer(source).write("bool", source.randrange(1, 6))
        theirs, ours = theirs_of(text), ours_of(text)
        if theirs is None or ours is None:
            same = theirs is None and ours is None
            assert same or "[]" in text, text  # what an empty list holds is anybody's guess, and the guesses differ
            continue
        for _ in range(2):
            context = random_context(source)
            found = our_answer(ours, context)
            assert found == their_answer(theirs, context), (text, context)
            seen[found] = seen.get(found, 0) + 1
    return seen


def test_random_expressions_answer_alike() -> None:
    seen = compare(20261122, 1_500)
    assert min(seen.get(each, 0) for each in (True, False, "failed")) > 200, seen


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_many_random_expressions_answer_alike(seed: int) -> None:
    compare(seed, 10_000)


@pytest.mark.parametrize(
    "text",
    [
        "i < d", "i + u == 1", "i == s", "words.all(w, w)", "ints.map(x, x)", "s.size", "unknown == 1", "i.a == 1",
        "has(i)", "has(ages['a'])", "b ? 1 : 's'", "matches(s)", "s.matches('(')",
        "ints.exists(1, true)", "when + when == when", "-u == 0u", "-s == ''", "!i", "1 = 1", "i in s", "s in ints",
        "ages[1] == 1", "ints['a'] == 1", "in", "as == 1", "true &&", "('a'", "[1, 2", "{'a'}",
        "'unclosed", "1.e3 == 1.0", "0x == 0", "'\\q' == ''", "i..a == 1", "i.1 == 1", "", "// nothing", "b b",
    ],
)  # fmt: skip
def test_what_the_one_refuses_the_other_refuses(text: str) -> None:
    """An expression of wrong types, or no expression at all. Literals that could never be read we refuse earlier."""
    ours, theirs = ours_of(text), theirs_of(text)
    assert ours is None
    assert theirs is None or theirs.return_type() != cel.Type.BOOL or "matches" in text
