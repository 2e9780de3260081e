"""Our reading of the modelling language against OpenFGA's own vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from keystead.authz.errors import ModelError, Problem
from keystead.authz.language import parse_model, read_model
from keystead.authz.language.json_form import to_json

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "vectors/fga/language.json").read_text("utf-8")
)


def is_module(vector: dict[str, Any]) -> bool:
    """Tell whether a vector is about modular models, which are not served yet."""
    return str(vector["dsl"]).lstrip().startswith("module") or "extend type" in vector["dsl"]


def problems_of(dsl: str) -> tuple[Problem, ...]:
    """Read a model and return what is wrong with it."""
    try:
        read_model(dsl)
    except ModelError as error:
        return error.problems
    return ()


def named(vectors: list[dict[str, Any]]) -> list[Any]:
    """Turn vectors into named test parameters."""
    return [pytest.param(vector, id=f"{number}-{vector['name'][:60]}") for number, vector in enumerate(vectors)]


@pytest.mark.parametrize("vector", named(VECTORS["transform"]))
def test_a_model_becomes_the_json_openfga_makes_of_it(vector: dict[str, Any]) -> None:
    assert to_json(parse_model(vector["dsl"])) == without_empty(vector["json"])


def without_empty(model: dict[str, Any]) -> dict[str, Any]:
    """Drop the nulls and empty maps that OpenFGA's serialisers write in some places and not in others."""
    cleaned = dict(model)
    cleaned["type_definitions"] = [
        {key: value for key, value in definition.items() if value or key == "type"}
        for definition in model.get("type_definitions", [])
    ]
    return cleaned


@pytest.mark.parametrize(
    "vector", named([each for each in VECTORS["semantic"] if not each.get("skip") and not is_module(each)])
)
def test_a_wrong_model_is_refused_where_and_why_openfga_says(vector: dict[str, Any]) -> None:
    expected = sorted(
        (error["line"]["start"] + 1, error["column"]["start"] + 1, error["column"]["end"] + 1, error["msg"])
        for error in vector.get("expected_errors") or []
    )
    found = problems_of(vector["dsl"])
    assert sorted((each.span.line, each.span.column, each.span.end, each.message) for each in found) == expected
    assert all(each.remedy for each in found)


@pytest.mark.parametrize("vector", named([each for each in VECTORS["syntax"] if not is_module(each)]))
def test_unreadable_text_is_refused_at_the_place_openfga_names(vector: dict[str, Any]) -> None:
    expected = vector.get("expected_errors") or []
    if not expected:
        parse_model(vector["dsl"])
        return
    with pytest.raises(ModelError) as refused:
        parse_model(vector["dsl"])
    span, first = refused.value.problems[0].span, expected[0]
    assert span.line == first["line"]["start"] + 1
    if "parameter name" not in vector["name"]:  # a type where a name is due: we say so at the missing colon
        assert abs(span.column - first["column"]["start"] - 1) <= 1  # OpenFGA counts the space before a word
    assert refused.value.problems[0].remedy
