"""Our reading of the modelling language against OpenFGA's own vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from keystead.authz.errors import ModelError, Problem
from keystead.authz.language import merge_modules, parse_model, read_model, read_model_file, to_dsl
from keystead.authz.language.json_form import to_json
from keystead.authz.language.json_reader import model_from_json
from keystead.authz.language.manifest import read_manifest

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "vectors/fga/language.json").read_text("utf-8")
)


def problems_of(source: Any) -> tuple[Problem, ...]:
    """Read a model and return what is wrong with it."""
    try:
        read_model(source)
    except ModelError as error:
        return error.problems
    return ()


def named(vectors: list[dict[str, Any]]) -> list[Any]:
    """Turn vectors into named test parameters."""
    return [pytest.param(vector, id=f"{number}-{vector['name'][:60]}") for number, vector in enumerate(vectors)]


def place(problem: Problem) -> tuple[str, int, int, int, str]:
    """Say where and what, as the vectors do."""
    span = problem.span
    return span.file, span.line, span.column, span.end, problem.message


def expected_places(errors: list[dict[str, Any]]) -> list[tuple[str, int, int, int, str]]:
    """Return the places of a vector, counted from 1."""
    return sorted(
        (
            each.get("file", ""),
            each["line"]["start"] + 1,
            each["column"]["start"] + 1,
            each["column"]["end"] + 1,
            each["msg"],
        )
        for each in errors
    )


@pytest.mark.parametrize("vector", named(VECTORS["transform"]))
def test_a_model_becomes_the_json_openfga_makes_of_it(vector: dict[str, Any]) -> None:
    assert to_json(parse_model(vector["dsl"])) == without_empty(vector["json"])


@pytest.mark.parametrize("vector", named(VECTORS["transform"]))
def test_the_json_becomes_the_model_again(vector: dict[str, Any]) -> None:
    model = model_from_json(vector["json"])
    assert to_json(model) == without_empty(vector["json"])
    assert to_json(parse_model(to_dsl(model))) == without_empty(vector["json"])


def without_empty(model: dict[str, Any]) -> dict[str, Any]:
    """Drop the nulls and empty maps that OpenFGA's serialisers write in some places and not in others."""
    cleaned = dict(model)
    cleaned["type_definitions"] = [
        {key: value for key, value in definition.items() if value or key == "type"}
        for definition in model.get("type_definitions", [])
    ]
    return cleaned


@pytest.mark.parametrize("vector", named([each for each in VECTORS["semantic"] if not each.get("skip")]))
def test_a_wrong_model_is_refused_where_and_why_openfga_says(vector: dict[str, Any]) -> None:
    found = problems_of(vector["dsl"])
    assert sorted(map(place, found)) == expected_places(vector.get("expected_errors") or [])
    assert all(each.remedy for each in found)


@pytest.mark.parametrize("vector", named([each for each in VECTORS["semantic"] if each.get("skip")]))
def test_what_openfga_itself_cannot_decide_yet_is_decided_by_whether_anybody_can_get_in(vector: dict[str, Any]) -> None:
    """Cases its checkers leave out: unions in circles. Some of their members let people in, so the models are sound."""
    assert problems_of(vector["dsl"]) == ()


@pytest.mark.parametrize("vector", named(VECTORS["syntax"]))
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


@pytest.mark.parametrize("vector", named(VECTORS["json"]))
def test_wrong_json_is_refused_as_openfga_does(vector: dict[str, Any]) -> None:
    found = problems_of(vector["json"])
    expected = [(each["msg"], each["metadata"]["symbol"]) for each in vector["expected_errors"] or []]
    assert [(each.message, each.symbol) for each in found] == expected
    assert problems_of(json.loads(vector["json"])) == found
    assert all(each.remedy for each in found)


@pytest.mark.parametrize("vector", named(VECTORS["json_syntax"]))
def test_json_becomes_text_where_there_are_words_for_it(vector: dict[str, Any]) -> None:
    model = model_from_json(vector["json"])
    if vector.get("error_message"):
        with pytest.raises(ModelError) as refused:
            to_dsl(model)
        assert refused.value.problems[0].message == vector["error_message"]
    else:
        assert read_model(to_dsl(model)).types


@pytest.mark.parametrize("vector", named(VECTORS["fga_mod"]))
def test_manifests_are_read_or_refused_as_openfga_does(vector: dict[str, Any]) -> None:
    if not vector.get("expected_errors"):
        expected = json.loads(vector["json"])
        manifest = read_manifest(vector["modFile"], "")
        entries = [manifest.schema, *manifest.contents]
        assert [(each.value, each.span.line - 1, each.span.column - 1, each.span.end - 1) for each in entries] == [
            (each["value"], each["line"]["start"], each["column"]["start"], each["column"]["end"])
            for each in [expected["schema"], *expected["contents"]["value"]]
        ]
        return
    with pytest.raises(ModelError) as refused:
        read_manifest(vector["modFile"], "")
    assert sorted(map(place, refused.value.problems)) == expected_places(vector["expected_errors"])
    assert all(each.remedy for each in refused.value.problems)


@pytest.mark.parametrize("vector", named([each for each in VECTORS["modules"] if "expected_errors" not in each]))
def test_modules_become_the_model_openfga_makes_of_them(vector: dict[str, Any], tmp_path: Path) -> None:
    for name, text in vector["files"].items():
        (tmp_path / name).write_text(text, "utf-8")
    contents = "".join(f"  - {name}\n" for name in vector["files"])
    (tmp_path / "fga.mod").write_text(f"schema: '1.2'\ncontents:\n{contents}", "utf-8")
    if vector["files"]:
        model = read_model_file(tmp_path / "fga.mod")
    else:
        model = read_model(vector["authorization-model"], lenient=True)  # it has a condition nobody uses
    assert by_type(to_json(model)) == by_type(without_empty(vector["authorization-model"]))
    for file, sources in (("combined.fga", False), ("combined-sourceinfo.fga", True)):
        if file in vector:
            assert to_dsl(model, sources=sources) == vector[file]
    modules = {each.module for each in model.types} | {each.module for each in model.conditions}
    modules |= {relation.module for each in model.types for relation in each.relations}
    assert sorted(modules - {""}) == sorted(vector["expected_modules"])


@pytest.mark.parametrize("vector", named([each for each in VECTORS["modules"] if "expected_errors" in each]))
def test_wrong_modules_are_refused_with_file_line_and_column(vector: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as refused:
        merge_modules(vector["files"])
    expected = expected_places([each for each in vector["expected_errors"] if each.get("type") != "syntax"])
    unread = [each for each in vector["expected_errors"] if each.get("type") == "syntax"]
    found = sorted(place(each) for each in refused.value.problems if each.code != "syntax")
    assert found == expected
    assert [each[:4] for each in map(place, refused.value.problems) if each[0] == "syntax-error.fga"] == [
        each[:4] for each in expected_places(unread)
    ]


def by_type(model: dict[str, Any]) -> dict[str, Any]:
    """Order the types by name: which file comes first is the manifest's affair."""
    return {**model, "type_definitions": sorted(model["type_definitions"], key=lambda each: str(each["type"]))}
