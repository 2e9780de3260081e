"""Whatever somebody writes into a condition: it is refused with `ModelError` or compiles, and answers, quickly."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.authz.conditions import Condition, Unevaluable, compile_condition
from keystead.authz.errors import ModelError
from keystead.authz.model import ConditionDefinition, Parameter
from tests.unit.authz.conditions.random_expressions import PARAMETERS, Writer, random_context

pytestmark = pytest.mark.attack("D1")
DECLARED: Final = tuple(
    Parameter(name, *kind.rstrip(">").split("<")) if "<" in kind else Parameter(name, kind)
    for name, kind in PARAMETERS.items()
)
SECONDS: Final = 5  # each takes some hundredths; what is not bounded would take for ever

MANY: Final = 6_000
SHAPES: Final[dict[str, Callable[[], str]]] = {
    "parentheses": lambda: "(" * MANY + "true" + ")" * MANY,
    "open parentheses": lambda: "(" * 30_000,
    "open lists": lambda: "[" * 30_000,
    "open maps": lambda: "{1:" * 10_000,
    "nots": lambda: "!" * 30_001 + "b",
    "minuses": lambda: "-" * 30_001 + "i == 1",
    "fields": lambda: "ages" + ".a" * MANY + " == 1",
    "indexes": lambda: "ints" + "[0]" * MANY + " == 1",
    "calls": lambda: "string(" * MANY + "i" + ")" * MANY + " == ''",
    "choices": lambda: "b ? true : " * MANY + "true",
    "choices before": lambda: "b ? " * MANY + "true" + " : true" * MANY,
    "a sum": lambda: " + ".join(["i"] * MANY) + " == 1",
    "a conjunction": lambda: " && ".join(["b"] * 4_000),
    "a conjunction of what may fail": lambda: " && ".join(["i/j==1"] * 1_000),
    "comparisons": lambda: " == ".join(["b"] * MANY),
    "alternating": lambda: "(b || " * 3_000 + "b" + " && i/j==1)" * 3_000,
    "alternating, allowed": lambda: "(i/j==2 || (i/j==1 && " * 15 + "b" + "))" * 15,
    "macros": lambda: "ints.all(x, " * 2_000 + "true" + ")" * 2_000,
    "macros, allowed": lambda: "ints.all(x, " * 30 + "x / j == 1" + ")" * 30,
    "macros one after another": lambda: "ints" + ".map(x, x)" * 3_000 + " == ints",
    "a long list": lambda: f"i in [{','.join(map(str, range(4_000)))}]",
    "too long a list": lambda: f"i in [{','.join(['1'] * 16_000)}]",
    "nested lists": lambda: "[" * 39 + "]" * 39 + " == []",
    "a long string": lambda: "s == '" + "a" * 32_000 + "'",
    "an open string": lambda: "s == '" + "\\\\" * 16_000,
    "open triple quotes": lambda: "s == " + "'''" + "\\'" * 16_000,
    "a long number": lambda: "i == " + "9" * 32_000,
    "a long fraction": lambda: "d == 0." + "9" * 32_000,
    "an exponent": lambda: "d == 1e" + "9" * 32_000,
    "a long name": lambda: "x" * 32_000,
    "too much": lambda: "b" * 10_000_000,
    "nothing but space": lambda: " " * 32_000,
    "comments": lambda: "//" * 16_000,
    "surrogates": lambda: "s == '\ud800'",
    "zero bytes": lambda: "\0 == 1",
    "patterns": lambda: "s.matches('" + "(a*)*" * 150 + "b') || t.matches('" + "(?:a{20}){20}" + "')",
}  # fmt: skip


def compiled(text: str) -> Condition | None:
    """Compile, or None when it is refused as it should be."""
    try:
        return compile_condition(ConditionDefinition("hostile", DECLARED, text))
    except ModelError:
        return None


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_made_to_be_slow_or_deep(shape: str) -> None:
    text = SHAPES[shape]()
    started = time.process_time()
    condition = compiled(text)
    if condition is not None:
        condition.evaluate(random_context(random.Random(1)))
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    "shape", ["alternating, allowed", "macros, allowed", "a conjunction", "a long list", "nested lists"]
)
def test_what_is_within_the_bounds_compiles(shape: str) -> None:
    condition = compiled(SHAPES[shape]())
    assert condition is not None
    assert not isinstance(condition.evaluate(random_context(random.Random(1)) | {"j": 1}), Unevaluable)


@given(st.text(st.sampled_from("ab1.'\"\\()[]{}<>=!&|+-*/%?:, \n\t0xuinrbe`#~ä\ud800"), max_size=60))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    compiled(text)


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_a_broken_expression_compiles_or_is_refused(seed: int, damage: int) -> None:
    text, source = Writer(random.Random(seed)).write("bool", 4), random.Random(damage)
    for _ in range(source.randrange(1, 4)):
        at = source.randrange(len(text) + 1)
        text = (
            text[:at]
            + source.choice(["", "(", "]", "'", "..", "&&", "9" * 25, "null", "\\"])
            + text[at + source.randrange(3) :]
        )
    condition = compiled(text)
    if condition is not None:
        assert isinstance(condition.evaluate(random_context(source)), bool | Unevaluable)


ANYTHING: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=2)
    | st.just(object()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=8,
)
KINDS: Final = ["any", "bool", "string", "int", "uint", "double", "duration", "timestamp", "ipaddress", "list", "map"]


@settings(max_examples=60)
@given(st.sampled_from(KINDS), st.sampled_from(KINDS[:-2]), ANYTHING)
def test_any_value_is_taken_or_refused(kind: str, generic: str, value: Any) -> None:
    parameter = Parameter("x", kind, generic if kind in ("list", "map") else "")
    condition = compile_condition(ConditionDefinition("given", (parameter,), "dyn(x) == dyn(x) || type(x) == type(x)"))
    assert isinstance(condition.evaluate({"x": value}), bool | Unevaluable)


@pytest.mark.parametrize("deep", [[], {}], ids=["list", "map"])
def test_a_deep_context_is_refused(deep: Any) -> None:
    for _ in range(100_000):
        deep = [deep] if isinstance(deep, list) else {"a": deep}
    condition = compile_condition(ConditionDefinition("deep", (Parameter("x", "any"),), "x == x"))
    found = condition.evaluate({"x": deep})
    assert isinstance(found, Unevaluable)
    assert found.reason == "wrong_type"
    while deep:
        deep = deep[0] if isinstance(deep, list) else deep["a"]  # taken apart by hand: Python does so by recursion


def test_values_grown_deep_by_macros_are_compared_within_bounds() -> None:
    text = f"[1]{'.map(x, [x])' * 60} == [1]{'.map(x, [x])' * 60}"
    condition = compile_condition(ConditionDefinition("grown", (), text))
    assert condition.evaluate({}) is True
