"""D1: models in JSON, modules and manifests made to be slow or deep. They are read or refused in linear time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest

from keystead.authz.engine.plan import compile_model
from keystead.authz.errors import ModelError
from keystead.authz.language import SERVED, Bounds, merge_modules, read_model, to_dsl
from keystead.authz.language.manifest import read_manifest
from keystead.core.errors import ConfigurationError

pytestmark = pytest.mark.attack("D1")
SECONDS: Final = 20  # a second or two on a quiet machine; what is not bounded takes for ever
LARGE: Final = Bounds(types=200_000, conditions=200_000, characters=100_000_000)
USER: Final[dict[str, Any]] = {"type": "user"}
DIRECT: Final = {"directly_related_user_types": [{"type": "user"}]}


def model(relations: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    """Put relations into a type."""
    definition = {"type": "t", "relations": relations, "metadata": {"relations": about}}
    return {"schema_version": "1.1", "type_definitions": [USER, definition]}


def nested(depth: int, kind: str) -> str:
    """Write a rewrite so deep that decoding it by recursion would end the process."""
    opening = {"union": '{"union":{"child":[', "difference": '{"difference":{"subtract":{"this":{}},"base":'}[kind]
    closing = {"union": "]}}", "difference": "}}"}[kind]
    rewrite = opening * depth + '{"this":{}}' + closing * depth
    head = '{"schema_version":"1.1","type_definitions":[{"type":"user"},{"type":"t","relations":{"r":'
    return f'{head}{rewrite}}},"metadata":{{"relations":{{"r":{json.dumps(DIRECT)}}}}}}}]}}'


def deep_mapping(depth: int) -> dict[str, Any]:
    """Make the same of dictionaries, which no decoder has bounded."""
    rewrite: dict[str, Any] = {"this": {}}
    for _ in range(depth):
        rewrite = {"intersection": {"child": [rewrite]}}
    return model({"r": rewrite}, {"r": DIRECT})


COUNT: Final = 20_000
NAMES: Final = [f"r{number}" for number in range(COUNT)]
SHAPES: Final[dict[str, Callable[[], Any]]] = {
    "nested unions": lambda: nested(50_000, "union"),
    "nested exclusions": lambda: nested(50_000, "difference"),
    "a deep mapping": lambda: deep_mapping(900),
    "as deep as allowed": lambda: deep_mapping(100),
    "many relations": lambda: model({name: {"this": {}} for name in NAMES}, dict.fromkeys(NAMES, DIRECT)),
    "a long chain": lambda: model(
        {"r0": {"this": {}}} | {f"r{n + 1}": {"computedUserset": {"relation": f"r{n}"}} for n in range(COUNT)},
        {"r0": DIRECT},
    ),
    "a wide union": lambda: model(
        {"r": {"union": {"child": [{"computedUserset": {"relation": name}} for name in NAMES]}}}, {}
    ),
    "many restrictions": lambda: model(
        {"r": {"this": {}}}, {"r": {"directly_related_user_types": [{"type": "user"}] * COUNT}}
    ),
    "many types": lambda: {"schema_version": "1.1", "type_definitions": [{"type": name} for name in NAMES]},
    "a long name": lambda: model({"r" * 1_000_000: {"this": {}}}, {"r" * 1_000_000: DIRECT}),
    "open brackets": lambda: '{"type_definitions":' + "[" * 250_000,
    "surrogates": lambda: model({"\ud800": {"this": {}}}, {"\ud800": DIRECT}),
    "a long text": lambda: "{" + " " * 20_000_000,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_json_is_read_or_refused_in_linear_time(shape: str) -> None:
    source = SHAPES[shape]()
    started = time.process_time()
    with suppress(ModelError):
        read = read_model(source, LARGE)
        compile_model(read)
        to_dsl(read)
    assert time.process_time() - started < SECONDS


def test_what_is_as_deep_as_allowed_is_read() -> None:
    read = read_model(deep_mapping(100))
    assert read_model(to_dsl(read)).relation("t", "r") is not None


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        (
            {"schema_version": "1.1", "type_definitions": [{"type": f"t{n}"} for n in range(101)]},
            "101 type definitions",
        ),
        ("model\n  schema 1.1\n" + "".join(f"type t{n}\n" for n in range(101)), "101 type definitions"),
        (
            "model\n  schema 1.1\ntype user\n"
            + "".join(f"condition c{n}(x: int) {{\n x == 1\n}}\n" for n in range(26)),
            "26 conditions",
        ),
        ("model\n  schema 1.1\n" + "#" * 262_144, "longer than 262,144"),
        (b"{" + b" " * 262_144, "longer than 262,144"),
    ],
    ids=["types in JSON", "types", "conditions", "text", "JSON"],
)
def test_a_served_model_has_the_bounds_of_openfga(source: Any, hint: str) -> None:
    with pytest.raises(ModelError, match=hint):
        read_model(source, SERVED)


def test_many_modules_merge_in_linear_time() -> None:
    files = {"core.fga": "module core\ntype user\n"}
    files |= {
        f"m{n}.fga": f"module m{n}\nextend type user\n  relations\n    define r{n}: [user]\ntype t{n}\n"
        for n in range(2_000)
    }
    started = time.process_time()
    assert len(merge_modules(files).types) == 2_001
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "a: " * 50_000,
        "schema: &a ['1.2']\ncontents: *a\n",
        "schema: '1.2'\ncontents: [&a [*a]]\n",
        "schema: !!python/object/apply:os.system [ls]\ncontents: []\n",
        "- schema",
        "",
        "\0",
        "schema: '1.2'\ncontents: ['a\0.fga']\n",
    ],
    ids=range(9),
)
def test_a_hostile_manifest_is_refused(text: str) -> None:
    with pytest.raises((ModelError, ConfigurationError)):
        read_manifest(text)
