"""Z6: every handler of the OpenFGA API with anything at all for a body: it answers or refuses, and never fails."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from keystead.api.openfga import application
from keystead.storage.memory import MemoryStore
from tests.openfga.asking import Asking
from tests.openfga.requests import requests
from tests.openfga.wires import RawAsk, asgi_wire, raw_asgi_wire

pytestmark = pytest.mark.attack("Z6")
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=20)
    | some.sampled_from(["document:1", "user:alice", "viewer", "document", "user:*", "of_age", "2026-01-01T00:00:00Z"]),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
FIELDS = [
    *("tuple_key", "user", "relation", "object", "contextual_tuples", "tuple_keys", "context", "consistency", "checks"),
    *(
        "correlation_id",
        "type",
        "id",
        "user_filters",
        "writes",
        "deletes",
        "on_duplicate",
        "condition",
        "name",
        "trace",
    ),
    *("page_size", "continuation_token", "authorization_model_id", "type_definitions", "relations", "metadata", "this"),
    *("schema_version", "conditions", "expression", "parameters", "union", "child", "difference", "base", "subtract"),
    *("assertions", "expectation", "expires_at", "directly_related_user_types", "computedUserset", "tupleToUserset"),
]


@some.composite
def bodies(draw: some.DrawFn) -> Any:
    """Draw something that looks like a request: the right members, the wrong values."""
    depth = draw(some.integers(0, 4))
    value: Any = draw(VALUES)
    for _ in range(depth):
        members = {name: draw(VALUES) for name in draw(some.lists(some.sampled_from(FIELDS), max_size=4))}
        value = members | {draw(some.sampled_from(FIELDS)): draw(some.sampled_from([value, [value], {"a": value}]))}
    return value


def _spoilt(draw: some.DrawFn, document: Any) -> Any:
    """Replace something somewhere in a good request."""
    if draw(some.integers(0, 3)) == 0 or not isinstance(document, dict | list) or not document:
        return draw(VALUES | bodies())
    if isinstance(document, list):
        return [_spoilt(draw, document[0]), *document[1:]]
    name = draw(some.sampled_from(sorted(document)))
    return {**document, name: _spoilt(draw, document[name])}


@some.composite
def spoilt(draw: some.DrawFn) -> tuple[str, str, Any]:
    """Draw a good request with something replaced in its body, or another body altogether."""
    method, path, document = draw(some.sampled_from(list(requests("STORE", "MODEL"))[:-1]))
    if document is not None:
        document = _spoilt(draw, document)
    elif draw(some.booleans()):
        name, value = draw(some.sampled_from([*FIELDS, "start_time"])), draw(some.text(max_size=12))
        path += "?" + "".join(f"{name}={byte:02x}%{byte:02x}" for byte in value.encode("utf-8", "replace")[:1])
    return method, path, document


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=spoilt())
async def test_whatever_is_sent_the_answer_is_never_our_fault(request: tuple[str, str, Any]) -> None:
    ask, store, model = await _fuzzed()
    method, path, document = request
    try:
        body = None if document is None else msgspec.json.encode(document)
    except UnicodeEncodeError:
        body = b'"\\ud800"'
    status, answer = await ask(method, path.replace("STORE", store).replace("MODEL", model), body)
    assert 200 <= status < 500, answer
    if status >= 400:
        assert set(json.loads(answer)) == {"code", "message"}


_known: list[tuple[RawAsk, str, str]] = []


async def _fuzzed() -> tuple[RawAsk, str, str]:
    """Return one application for all examples."""
    if not _known:
        backend = MemoryStore()
        asking = Asking(asgi_wire(application(backend)))
        await asking.set_up()
        _known.append((raw_asgi_wire(application(backend)), asking.store, asking.model))
    return _known[0]
