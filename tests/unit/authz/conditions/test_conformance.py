"""CEL's own conformance cases, those about the language itself."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

import pytest

from keystead.authz.conditions.problems import Unreadable
from keystead.authz.conditions.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    map_of,
)
from keystead.authz.conditions.values import BoolKey, Duration, Failure, Timestamp, TypeName, Unsigned
from tests.unit.authz.conditions.expressions import compute

CASES: Final[list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[3] / "vectors/cel/conformance.json").read_text("utf-8")
)["cases"]
TYPES: Final = {
    "bool": BOOL, "int": INT, "uint": UINT, "double": DOUBLE, "string": STRING, "bytes": BYTES, "null": NULL,
    "timestamp": TIMESTAMP, "duration": DURATION, "dyn": DYN,
}  # fmt: skip


def value_of(written: dict[str, Any]) -> Any:
    """Read a value of the vectors."""
    ((kind, value),) = written.items()
    match kind:
        case "uint":
            return Unsigned(value)
        case "double":
            return float(value)
        case "bytes":
            return bytes(value)
        case "timestamp":
            return Timestamp(value)
        case "duration":
            return Duration(value)
        case "type":
            return TypeName(value)
        case "list":
            return [value_of(each) for each in value]
        case "map":
            entries = [(value_of(key), value_of(each)) for key, each in value]
            return {BoolKey(key) if isinstance(key, bool) else key: each for key, each in entries}
        case _:
            return value


def type_of(text: str) -> Type:
    """Read a type of the vectors."""
    if text.startswith("list<"):
        return list_of(type_of(text[5:-1]))
    if text.startswith("map<"):
        key, _, value = text[4:-1].partition(",")
        return map_of(type_of(key), type_of(value))
    return TYPES[text]


def alike(one: Any, two: Any) -> bool:
    """Compare types as well as values; what is not a number is alike."""
    if type(one) is not type(two):
        return False
    if isinstance(one, list):
        return len(one) == len(two) and all(map(alike, one, two))
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(alike(each, two[key]) for key, each in one.items())
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(two)
    return bool(one == two)


@pytest.mark.parametrize("case", [pytest.param(each, id=each["name"]) for each in CASES])
def test_a_conformance_case(case: dict[str, Any]) -> None:
    types = {name: type_of(each) for name, each in case.get("types", {}).items()}
    values = {name: value_of(each) for name, each in case.get("bindings", {}).items()}
    types = dict.fromkeys(values, DYN) | {name: each for name, each in types.items() if name in values}
    if case.get("error"):
        with pytest.raises((Failure, Unreadable)):
            compute(case["expr"], types, values)
        return
    assert alike(compute(case["expr"], types, values), value_of(case["value"]))
