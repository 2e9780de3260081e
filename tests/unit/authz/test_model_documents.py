"""Models as the API keeps them: judged as OpenFGA's server judges, no more and no less."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from keystead.authz.errors import ModelError
from keystead.authz.served.model_documents import read_document


def document(**changed: Any) -> bytes:
    """Write a model in which documents have viewers."""
    about = {"viewer": {"directly_related_user_types": [{"type": "user"}], "module": "docs"}}
    viewer = {"type": "document", "relations": {"viewer": {"this": {}}}, "metadata": {"relations": about}}
    return msgspec.json.encode({"schema_version": "1.1", "type_definitions": [{"type": "user"}, viewer], **changed})


def condition(expression: str) -> dict[str, Any]:
    """Write a condition that nobody uses."""
    return {"c": {"name": "c", "expression": expression, "parameters": {"x": {"type_name": "TYPE_NAME_INT"}}}}


def test_what_does_no_harm_passes() -> None:
    model = read_document(document(conditions=condition("x < 5"), id="01J", unknown=True))
    assert model.condition("c") is not None
    found = model.relation("document", "viewer")
    assert found is not None
    assert found.module == "docs"


def test_a_model_without_a_schema_has_the_first() -> None:
    assert read_document(document(schema_version="")).schema == "1.1"


@pytest.mark.parametrize(
    ("changed", "hint"),
    [
        ({"conditions": condition("x < 'a'")}, "does not take int, string"),
        ({"conditions": condition("")}, "expected a value"),
        ({"schema_version": "1.0"}, "invalid schema"),
        ({"type_definitions": [{"type": "user"}, {"type": "user"}]}, "is a duplicate"),
        ({"type_definitions": [{"type": "t", "relations": {"a": {"computedUserset": {"relation": "b"}}}}]}, "exist"),
        ({"type_definitions": [{"type": "t", "relations": {"a": {"this": {}}}}]}, "must have types"),
    ],
    ids=range(6),
)
def test_what_can_never_work_is_refused(changed: dict[str, Any], hint: str) -> None:
    with pytest.raises(ModelError, match=hint):
        read_document(document(**changed))


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b'{"type_definitions":' + b"[" * 100_000])
def test_what_is_no_model_is_refused(text: bytes) -> None:
    with pytest.raises(ModelError):
        read_document(text)
