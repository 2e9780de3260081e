"""/stores and /authorization-models, field by field."""

from __future__ import annotations

import pytest

from keystead.core.ulid import ULID
from tests.openfga.asking import MODEL, Asking
from tests.openfga.conftest import Clock
from tests.openfga.matrix import Json

SPEC = pytest.mark.spec("OpenFGA HTTP API")
NOWHERE = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


async def test_a_store_has_an_id_a_name_and_two_times(api: Asking) -> None:
    status, made = await api.at("POST", "/stores", {"name": "shop of Mr. O'"[:-1]})
    assert status == 201
    assert ULID.fullmatch(made["id"])
    time = "2026-09-21T14:13:20.250Z"
    assert made == {"id": made["id"], "name": "shop of Mr. O", "created_at": time, "updated_at": time}
    status, found = await api.at("GET", f"/stores/{made['id']}")
    assert (status, found) == (200, {**made, "deleted_at": None})
    assert (await api.at("DELETE", f"/stores/{made['id']}"))[0] == 204
    gone = (404, {"code": "store_id_not_found", "message": "Store ID not found"})
    assert await api.at("GET", f"/stores/{made['id']}") == gone
    assert await api.at("DELETE", f"/stores/{made['id']}") == gone


@pytest.mark.parametrize("name", ["", "ab", "a" * 65, "a/b;", "naïve", "x\x00y", "shop\u2028"], ids=repr)
async def test_a_name_is_held_to_its_pattern(api: Asking, name: str) -> None:
    status, answer = await api.at("POST", "/stores", {"name": name})
    assert (status, answer["code"]) == (400, "validation_error")
    assert answer["message"].startswith("invalid CreateStoreRequest.Name: value does not match regex pattern")


async def test_stores_are_listed_a_page_at_a_time_and_by_name(api: Asking, clock: Clock) -> None:
    made = [api.store]
    for number in range(4):
        clock.now += 1
        made.append((await api.at("POST", "/stores", {"name": f"depot {number % 2}"}))[1]["id"])
    seen: list[str] = []
    token = ""
    for _ in range(3):
        _, page = await api.at("GET", f"/stores?page_size=2&continuation_token={token}")
        seen += [each["id"] for each in page["stores"]]
        token = page["continuation_token"]
    assert seen == made
    assert token == ""
    _, page = await api.at("GET", "/stores?name=depot%201")
    assert [each["id"] for each in page["stores"]] == [made[2], made[4]]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page_size=0", "page_size_invalid"),
        ("page_size=101", "page_size_invalid"),
        ("page_size=-1", "page_size_invalid"),
        ("page_size=many", "validation_error"),
        ("page_size=1&page_size=2", "validation_error"),
        ("continuation_token=%20", "validation_error"),
        ("continuation_token=AAAA", "invalid_continuation_token"),
        ("continuation_token=" + "A" * 5_121, "validation_error"),
        ("name=%22", "validation_error"),
    ],
)
async def test_a_list_refuses_what_makes_no_sense(api: Asking, query: str, code: str) -> None:
    status, answer = await api.at("GET", f"/stores?{query}")
    assert (status, answer["code"]) == (400, code)


async def test_a_model_is_given_back_as_it_came_and_the_newest_comes_first(api: Asking, clock: Clock) -> None:
    status, found = await api.get(f"authorization-models/{api.model}")
    assert status == 200
    assert found["authorization_model"]["id"] == api.model
    assert found["authorization_model"]["schema_version"] == "1.1"
    assert found["authorization_model"]["conditions"] == MODEL["conditions"]
    assert [each["type"] for each in found["authorization_model"]["type_definitions"]] == [
        each["type"] for each in MODEL["type_definitions"]
    ]
    clock.now += 1
    newer = (await api.post("authorization-models", MODEL))[1]["authorization_model_id"]
    _, first = await api.get("authorization-models?page_size=1")
    _, second = await api.get(f"authorization-models?page_size=1&continuation_token={first['continuation_token']}")
    ids = [page["authorization_models"][0]["id"] for page in (first, second)]
    assert ids == [newer, api.model]
    assert second["continuation_token"] == ""
    status, answer = await api.get(f"authorization-models/{NOWHERE}")
    assert (status, answer["code"]) == (400, "authorization_model_not_found")
    status, answer = await api.get("authorization-models/short")
    assert (status, answer["code"]) == (400, "validation_error")


USERS: list[Json] = [{"type": "user"}]
INVALID = "invalid_authorization_model"


def _with_type(**changes: object) -> Json:
    return {"schema_version": "1.1", "type_definitions": [*USERS, {"type": "order", **changes}]}


@pytest.mark.parametrize(
    ("model", "code"),
    [
        pytest.param({}, "type_definitions_too_few_items", id="nothing"),
        pytest.param({"schema_version": "1.1", "type_definitions": []}, "type_definitions_too_few_items", id="empty"),
        pytest.param({"schema_version": "1.9", "type_definitions": USERS}, "validation_error", id="schema"),
        pytest.param({"schema_version": "1.0", "type_definitions": USERS}, INVALID, id="old"),
        pytest.param(
            {"schema_version": "1.1", "type_definitions": [{"type": "a b"}]}, "type_invalid_pattern", id="name"
        ),
        pytest.param({"schema_version": "1.1", "type_definitions": [{"type": 7}]}, "validation_error", id="number"),
        pytest.param(_with_type(relations={"a#b": {"this": {}}}), "relations_invalid_pattern", id="relation"),
        pytest.param(
            _with_type(relations={"a": {"difference": {"base": {"this": {}}}}}),
            "subtract_base_missing_value",
            id="half",
        ),
        pytest.param(
            _with_type(relations={"a": {"computedUserset": {"relation": "b"}}}),
            "invalid_authorization_model",
            id="unknown",
        ),
        pytest.param(_with_type(relations={"a": {"this": {}}}), INVALID, id="for nobody"),
        pytest.param({"schema_version": "1.1", "type_definitions": USERS * 101}, "exceeded_entity_limit", id="many"),
        pytest.param(
            {"schema_version": "1.1", "type_definitions": USERS * 2},
            "invalid_authorization_model",
            id="twice",
        ),
    ],
)
async def test_a_model_that_cannot_be_used_is_refused(api: Asking, model: Json, code: str) -> None:
    status, answer = await api.post("authorization-models", model)
    assert (status, answer["code"]) == (400, code), answer
    _, page = await api.get("authorization-models")
    assert [each["id"] for each in page["authorization_models"]] == [api.model]


async def test_a_store_without_a_model_says_so(api: Asking) -> None:
    api.store = (await api.at("POST", "/stores", {"name": "empty"}))[1]["id"]
    assert await api.check("document:1#viewer@user:alice") == "latest_authorization_model_not_found"
    unknown = await api.check("document:1#viewer@user:alice", authorization_model_id=NOWHERE)
    assert unknown == "authorization_model_not_found"


async def test_what_a_model_is_held_to_is_kept_beside_it(api: Asking) -> None:
    path = f"/stores/{api.store}/assertions/{api.model}"
    assert await api.at("GET", path) == (200, {"authorization_model_id": api.model, "assertions": []})
    question = {"object": "document:1", "relation": "viewer", "user": "user:alice"}
    group = {"object": "document:1", "relation": "viewer", "user": "user:*", "condition": None}
    assertion = {"tuple_key": question, "expectation": True, "contextual_tuples": [group], "context": {"age": 17}}
    assert (await api.at("PUT", path, {"assertions": [assertion]}))[0] == 204
    assert await api.at("GET", path) == (200, {"authorization_model_id": api.model, "assertions": [assertion]})
    status, answer = await api.at("PUT", path, {"assertions": [assertion] * 101})
    assert (status, answer["code"]) == (400, "assertions_too_many_items")
    wrong = {**assertion, "tuple_key": {**question, "relation": "nobody"}}
    status, answer = await api.at("PUT", path, {"assertions": [wrong]})
    assert (status, answer["code"]) == (400, "validation_error")
    assert (await api.at("GET", path))[1]["assertions"] == [assertion]


async def test_healthz_says_that_it_serves(api: Asking) -> None:
    assert await api.at("GET", "/healthz") == (200, {"status": "SERVING"})


@pytest.mark.parametrize("path", ["/", "/store", "/stores/", "/stores/x/y", "/stores//check", "/healthz/", "//stores"])
async def test_other_paths_are_undefined(api: Asking, path: str) -> None:
    status, answer = await api.at("GET", path)
    assert (status, answer["code"]) == (404, "undefined_endpoint")
    assert (await api.at("PATCH", f"/stores/{api.store}"))[0] == 405
