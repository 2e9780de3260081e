"""Text, model, JSON and back: nothing is lost on the way, whatever the model."""

from __future__ import annotations

import random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.authz.errors import ModelError
from keystead.authz.language import merge_modules, parse_model, read_model, to_dsl, to_json
from keystead.authz.language.json_reader import model_from_json

NAMES: Final = (
    "user",
    "group",
    "doc-1",
    "a.b",
    "x/y",
    "_",
    "type",
    "model",
    "schema",
    "module",
    "extend",
    "relation",
    "Z9",
)
EXPRESSIONS: Final = (
    "x == 'a'",
    'x == "}" || x == "{"',
    "x in ['a', 'b']",
    "{'a': x}['a'] == 'b' // don't",
    "x ==\n  r'\\'",
)


class Author:
    """Writes random models as JSON; `in_order`: `this` stands first and once, as the language wants it."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)

    def model(self) -> dict[str, Any]:
        """Write a model. It may be senseless; it is well formed."""
        types = [self._type(name) for name in self._source.sample(NAMES, self._source.randrange(1, 6))]
        conditions = {
            f"c{number}": {
                "name": f"c{number}",
                "expression": self._source.choice(EXPRESSIONS),
                "parameters": {"x": {"type_name": "TYPE_NAME_STRING"}, "l": self._list()},
            }
            for number in range(self._source.randrange(3))
        }
        written: dict[str, Any] = {"schema_version": self._source.choice(("1.1", "1.2")), "type_definitions": types}
        return written | ({"conditions": conditions} if conditions else {})

    def _list(self) -> dict[str, Any]:
        return {"type_name": "TYPE_NAME_LIST", "generic_types": [{"type_name": "TYPE_NAME_DURATION"}]}

    def _type(self, name: str) -> dict[str, Any]:
        relations: dict[str, Any] = {}
        about: dict[str, Any] = {}
        for relation in self._source.sample(NAMES, self._source.randrange(4)):
            direct = self._source.random() < 0.6
            relations[relation] = self._rewrite(3, direct=direct)
            listed = [self._restriction() for _ in range(self._source.randrange(1, 4))] if direct else []
            about[relation] = {"directly_related_user_types": listed}
        return {"type": name} | ({"relations": relations, "metadata": {"relations": about}} if relations else {})

    def _restriction(self) -> dict[str, Any]:
        written: dict[str, Any] = {"type": self._source.choice(NAMES)}
        match self._source.randrange(3):
            case 0:
                written["relation"] = self._source.choice(NAMES)
            case 1:
                written["wildcard"] = {}
        return written | ({"condition": "c0"} if self._source.random() < 0.3 else {})

    def _rewrite(self, depth: int, *, direct: bool) -> dict[str, Any]:
        """Write a rewrite that contains `this`, first of all, or does not."""
        kind = self._source.randrange(4)
        if depth and kind == 1:
            parts = {
                "base": self._rewrite(depth - 1, direct=direct),
                "subtract": self._rewrite(depth - 1, direct=False),
            }
            return {"difference": parts}
        if depth and kind > 1:
            children = [self._rewrite(depth - 1, direct=direct)]
            children += [self._rewrite(depth - 1, direct=False) for _ in range(self._source.randrange(1, 3))]
            return {"union" if kind == 2 else "intersection": {"child": children}}
        if direct:
            return {"this": {}}
        target = {"relation": self._source.choice(NAMES)}
        if self._source.random() < 0.3:
            return {"tupleToUserset": {"computedUserset": target, "tupleset": {"relation": self._source.choice(NAMES)}}}
        return {"computedUserset": target}


@given(st.integers(0, 2**32))
def test_json_becomes_text_and_json_again(seed: int) -> None:
    written = Author(seed).model()
    model = model_from_json(written)
    assert to_json(model) == written
    text = to_dsl(model)
    assert to_json(parse_model(text)) == written
    assert to_dsl(parse_model(text)) == text


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("or", "true"),
        ("a b", "true"),
        ("ä", "true"),
        ("but", "true"),
        ("x", "x == '}'}"),
        ("x", "x == 'a #b'"),
        ("x", "'"),
    ],
)
def test_what_the_language_has_no_words_for_is_refused(name: str, expression: str) -> None:
    condition = {"name": "c", "expression": expression, "parameters": {"x": {"type_name": "TYPE_NAME_STRING"}}}
    relations: dict[str, Any] = {name: {"this": {}}}
    about = {name: {"directly_related_user_types": [{"type": "user", "condition": "c"}]}}
    model = {
        "schema_version": "1.1",
        "type_definitions": [{"type": "user"}, {"type": "t", "relations": relations, "metadata": {"relations": about}}],
        "conditions": {"c": condition},
    }
    with pytest.raises(ModelError) as refused:
        to_dsl(model_from_json(model))
    assert refused.value.problems[0].remedy


def test_names_that_only_json_can_have_are_read() -> None:
    relations: dict[str, Any] = {"darf_ändern": {"this": {}}}
    about = {"darf_ändern": {"directly_related_user_types": [{"type": "user"}]}}
    model = {
        "schema_version": "1.1",
        "type_definitions": [{"type": "user"}, {"type": "t", "relations": relations, "metadata": {"relations": about}}],
    }
    assert read_model(model).relation("t", "darf_ändern") is not None


@pytest.mark.parametrize(
    ("changed", "hint"),
    [
        ({"type_definitions": 5}, "not a JSON array"),
        ({"type_definitions": [5]}, "not a JSON object"),
        ({"type_definitions": [{"type": ""}]}, "name of a type"),
        ({"type_definitions": [{"type": "a b"}]}, "name of a type"),
        ({"type_definitions": [{"type": "t", "relations": {"a": {}}}]}, "cannot be read"),
        (
            {"type_definitions": [{"type": "t", "relations": {"a": {"this": {}, "union": {"child": []}}}}]},
            "cannot be read",
        ),
        ({"type_definitions": [{"type": "t", "relations": {"a": {"union": {"child": []}}}}]}, "joins nothing"),
        ({"type_definitions": [{"type": "t", "relations": {"a": {"unknown": {}}}}]}, "cannot be read"),
        ({"type_definitions": [{"type": "t", "relations": {"a": {"this": {}}}}]}, "must have types"),
        ({"conditions": {"a": {"name": "a", "expression": "true", "parameters": {"x": {}}}}}, "no type known"),
        ({"conditions": {"a": {"name": "a", "expression": "1 +"}}}, "line 1, column 4"),
        ({"schema_version": 1.1}, "not a string"),
        ({"schema_version": "2.0"}, "invalid schema"),
    ],
    ids=range(13),
)
def test_json_of_another_shape_is_refused(changed: dict[str, Any], hint: str) -> None:
    with pytest.raises(ModelError, match=hint) as refused:
        read_model({"schema_version": "1.1", "type_definitions": [{"type": "user"}], **changed})
    assert refused.value.problems[0].remedy


def test_a_restriction_with_an_unknown_field_is_refused() -> None:
    """One that is passed over might have been the condition that keeps everybody else out."""
    about = {"a": {"directly_related_user_types": [{"type": "user", "conditon": "c"}]}}
    relations: dict[str, Any] = {"a": {"this": {}}}
    written = [{"type": "user"}, {"type": "t", "relations": relations, "metadata": {"relations": about}}]
    with pytest.raises(ModelError, match="cannot be read"):
        read_model({"schema_version": "1.1", "type_definitions": written})


MODULE: Final = "module {0}\n\nextend type user\n  relations\n    define {0}: [user]\n"


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_modules_changes_nothing_that_is_written(order: list[str]) -> None:
    core = {"core.fga": "module core\n\ntype user\n"}
    model = merge_modules(core | {f"{name}.fga": MODULE.format(name) for name in order})
    assert to_dsl(model) == to_dsl(merge_modules({f"{name}.fga": MODULE.format(name) for name in order} | core))
    assert to_json(read_model(to_json(model))) == to_json(model)


@pytest.mark.parametrize("name", ["a.b", "1a", "a/b"])
def test_a_parameter_that_no_expression_could_name_is_refused(name: str) -> None:
    text = "model\n  schema 1.1\ntype user\ntype t\n  relations\n    define a: [user with c]\n"
    with pytest.raises(ModelError, match=r"7:13: .*not a name for a parameter"):
        read_model(f"{text}condition c({name}: int) {{\n  true\n}}\n")
