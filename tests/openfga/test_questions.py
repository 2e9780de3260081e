"""check, batch-check, expand and list-objects, field by field."""

from __future__ import annotations

import pytest

from tests.openfga.asking import Asking, key
from tests.openfga.matrix import Json

ALICE = "document:1#viewer@user:alice"
BOB = "document:1#viewer@user:bob"


async def test_an_answer_is_yes_or_no_and_with_trace_says_why(api: Asking) -> None:
    await api.write(ALICE)
    status, answer = await api.post("check", {"tuple_key": key(ALICE)})
    assert (status, answer) == (200, {"allowed": True, "resolution": ""})
    _, traced = await api.post("check", {"tuple_key": key("document:1#reader@user:alice"), "trace": True})
    assert traced["allowed"] is True
    assert "document:1#viewer: named by a tuple" in traced["resolution"]
    _, traced = await api.post("check", {"tuple_key": key(BOB), "trace": True})
    assert traced["allowed"] is False
    assert "authz.no_path" in traced["resolution"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({}, "tuple_key_value_not_specified", id="nothing"),
        pytest.param({"tuple_key": {}}, "validation_error", id="empty"),
        pytest.param({"tuple_key": key("document:1#viewer@user:a b")}, "validation_error", id="space"),
        pytest.param({"tuple_key": key(f"document:1#{'v' * 51}@user:a")}, "validation_error", id="long"),
        pytest.param({"tuple_key": key("document:1#nobody@user:a")}, "validation_error", id="relation"),
        pytest.param({"tuple_key": key("file:1#viewer@user:a")}, "validation_error", id="type"),
        pytest.param({"tuple_key": key("document:1#viewer@alice")}, "validation_error", id="user"),
        pytest.param({"tuple_key": key(ALICE), "consistency": "SOMETIMES"}, "validation_error", id="consistency"),
        pytest.param({"tuple_key": key(ALICE), "authorization_model_id": "x"}, "validation_error", id="model"),
        pytest.param({"tuple_key": key(ALICE), "context": []}, "validation_error", id="context"),
        pytest.param(
            {"tuple_key": key(ALICE), "contextual_tuples": {"tuple_keys": [key("document:1#viewer@robot:1")]}},
            "invalid_tuple",
            id="contextual",
        ),
        pytest.param(
            {"tuple_key": key(ALICE), "contextual_tuples": {"tuple_keys": [key(ALICE)] * 101}},
            "validation_error",
            id="many",
        ),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(api: Asking, body: Json, code: str) -> None:
    status, answer = await api.post("check", body)
    assert (status, answer["code"]) == (400, code)


async def test_tuples_of_the_question_count_for_it_alone(api: Asking) -> None:
    contextual = {"contextual_tuples": {"tuple_keys": [key(ALICE)]}}
    assert await api.check(ALICE, **contextual) is True
    assert await api.check(ALICE) is False


async def test_a_condition_takes_what_the_tuple_has_before_what_the_question_says(api: Asking) -> None:
    eve = "document:1#visitor@user:eve"
    condition = {"name": "of_age", "context": {"limit": 18}}
    await api.post("write", {"writes": {"tuple_keys": [key(eve, condition=condition)]}})
    assert await api.check(eve, context={"age": 17}) is False
    assert await api.check(eve, context={"age": 18}) is True
    assert await api.check(eve, context={"age": 17, "limit": 1}) is False
    assert await api.check(eve) == "validation_error"
    assert await api.check(eve, context={"age": 2**70}) == "validation_error"


async def test_a_token_of_a_write_is_taken_by_every_read(api: Asking) -> None:
    await api.write(ALICE)
    assert await api.check(ALICE, consistency="HIGHER_CONSISTENCY") is True
    assert await api.check(ALICE, consistency=100) is True


async def test_many_questions_have_each_an_answer_or_an_error_of_their_own(api: Asking) -> None:
    await api.write(ALICE)
    checks = [
        {"tuple_key": key(ALICE), "correlation_id": "yes"},
        {"tuple_key": key(BOB), "correlation_id": "no"},
        {"tuple_key": key("document:1#nobody@user:a"), "correlation_id": "unknown"},
        {"tuple_key": key(BOB), "correlation_id": "context", "contextual_tuples": {"tuple_keys": [key(BOB)]}},
        {
            "tuple_key": key(BOB),
            "correlation_id": "bad",
            "contextual_tuples": {"tuple_keys": [key("document:1#x@user:a")]},
        },
    ]
    status, answer = await api.post("batch-check", {"checks": checks})
    assert status == 200
    results = answer["result"]
    assert {name: results[name] for name in ("yes", "no", "context")} == {
        "yes": {"allowed": True},
        "no": {"allowed": False},
        "context": {"allowed": True},
    }
    assert results["unknown"]["error"]["input_error"] == "validation_error"
    assert results["bad"]["error"]["input_error"] == "invalid_tuple"


def _items(number: int) -> list[Json]:
    return [{"tuple_key": key(ALICE), "correlation_id": f"c{each}"} for each in range(number)]


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        pytest.param([], "at least 1 item(s)", id="none"),
        pytest.param(_items(51), "received 51 checks, the maximum allowed is 50", id="many"),
        pytest.param(_items(1) * 2, "duplicate correlation id: c0", id="twice"),
        pytest.param([{"tuple_key": key(ALICE)}], "BatchCheckItem.CorrelationId", id="unnamed"),
        pytest.param([{"tuple_key": key(ALICE), "correlation_id": "a b"}], "CorrelationId", id="space"),
        pytest.param([{"correlation_id": "a"}], "BatchCheckItem.TupleKey: value is required", id="nothing"),
    ],
)
async def test_a_batch_that_makes_no_sense_is_refused_whole(api: Asking, checks: list[Json], said: str) -> None:
    status, answer = await api.post("batch-check", {"checks": checks})
    assert status == 400
    assert said in answer["message"]


async def test_a_relation_is_taken_apart_one_level_deep(api: Asking) -> None:
    await api.write(
        ALICE, "document:1#viewer@group:g#member", "document:1#parent@folder:f", "document:1#owner@user:bob"
    )
    _, answer = await api.post("expand", {"tuple_key": {"object": "document:1", "relation": "reader"}})
    name = "document:1#reader"
    assert answer["tree"]["root"] == {
        "name": name,
        "difference": {
            "base": {"name": name, "leaf": {"computed": {"userset": "document:1#viewer"}}},
            "subtract": {"name": name, "leaf": {"computed": {"userset": "document:1#blocked"}}},
        },
    }
    extra = {"contextual_tuples": {"tuple_keys": [key(BOB)]}}
    _, answer = await api.post("expand", {"tuple_key": {"object": "document:1", "relation": "viewer"}, **extra})
    direct, owner, parent = answer["tree"]["root"]["union"]["nodes"]
    assert direct["leaf"] == {"users": {"users": ["group:g#member", "user:alice", "user:bob"]}}
    assert owner["leaf"] == {"computed": {"userset": "document:1#owner"}}
    assert parent["leaf"] == {
        "tupleToUserset": {"tupleset": "document:1#parent", "computed": [{"userset": "folder:f#viewer"}]}
    }


@pytest.mark.parametrize(
    ("tuple_key", "code"),
    [
        (None, "tuple_key_value_not_specified"),
        ({}, "invalid_expand_input"),
        ({"object": "document:1"}, "invalid_expand_input"),
        ({"object": "document:1", "relation": "nobody"}, "validation_error"),
        ({"object": "file:1", "relation": "viewer"}, "validation_error"),
    ],
    ids=str,
)
async def test_an_expansion_that_makes_no_sense_is_refused(api: Asking, tuple_key: Json | None, code: str) -> None:
    status, answer = await api.post("expand", {} if tuple_key is None else {"tuple_key": tuple_key})
    assert (status, answer["code"]) == (400, code)


async def test_objects_are_listed_whole_and_only_paged_for_who_asks(api: Asking) -> None:
    tuples = [f"document:{number:03}#viewer@user:alice" for number in range(90)]
    await api.write(*tuples)
    asked = {"type": "document", "relation": "viewer", "user": "user:alice"}
    status, answer = await api.post("list-objects", asked)
    assert (status, answer) == (200, {"objects": [text.partition("#")[0] for text in tuples]})
    seen: list[str] = []
    token = ""
    for _ in range(3):
        _, page = await api.post("list-objects", {**asked, "page_size": 40, "continuation_token": token})
        seen += page["objects"]
        token = page["continuation_token"]
    assert seen == answer["objects"]
    assert token == ""


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "file"}, "type_not_found"),
        ({"relation": "nobody"}, "relation_not_found"),
        ({"user": "alice"}, "validation_error"),
        ({"user": ""}, "validation_error"),
        ({"type": "a b"}, "type_invalid_pattern"),
        ({"page_size": 0}, "page_size_invalid"),
        ({"continuation_token": "AAAA"}, "invalid_continuation_token"),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["list-objects", "streamed-list-objects"])
async def test_a_list_that_makes_no_sense_is_refused(api: Asking, name: str, changes: Json, code: str) -> None:
    if name.startswith("streamed") and set(changes) & {"page_size", "continuation_token"}:
        return
    asked = {"type": "document", "relation": "viewer", "user": "user:alice", **changes}
    status, answer = await api.post(name, asked)
    assert (status, answer["code"]) == (400, code)


async def test_users_are_listed_by_kind_and_in_pages(api: Asking) -> None:
    await api.write(*(f"document:1#viewer@user:u{number}" for number in range(5)), "document:1#viewer@group:g#member")
    asked: Json = {"object": {"type": "document", "id": "1"}, "relation": "viewer", "user_filters": [{"type": "user"}]}
    status, answer = await api.post("list-users", asked)
    assert (status, answer) == (
        200,
        {"users": [{"object": {"type": "user", "id": f"u{number}"}} for number in range(5)]},
    )
    groups = {**asked, "user_filters": [{"type": "group", "relation": "member"}]}
    userset = {"userset": {"type": "group", "id": "g", "relation": "member"}}
    assert (await api.post("list-users", groups))[1] == {"users": [userset]}
    everybody = {**asked, "contextual_tuples": [key("document:1#viewer@user:*")]}
    assert {"wildcard": {"type": "user"}} in (await api.post("list-users", everybody))[1]["users"]
    seen: list[Json] = []
    token = ""
    for _ in range(3):
        _, page = await api.post("list-users", {**asked, "page_size": 2, "continuation_token": token})
        seen += page["users"]
        token = page["continuation_token"]
    assert (seen, token) == (answer["users"], "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"object": None}, "validation_error"),
        ({"object": {"type": "file", "id": "1"}}, "type_not_found"),
        ({"object": {"type": "document", "id": "a b"}}, "validation_error"),
        ({"object": {"type": "a#b", "id": "1"}}, "type_invalid_pattern"),
        ({"relation": "nobody"}, "relation_not_found"),
        ({"user_filters": []}, "validation_error"),
        ({"user_filters": [{"type": "user"}] * 2}, "validation_error"),
        ({"user_filters": [{"type": "robot"}]}, "type_not_found"),
        ({"user_filters": [{"type": "group", "relation": "x"}]}, "relation_not_found"),
        ({"contextual_tuples": [key("document:1#viewer@robot:1")]}, "invalid_tuple"),
        ({"contextual_tuples": {"tuple_keys": []}}, "validation_error"),
    ],
    ids=str,
)
async def test_a_list_of_users_that_makes_no_sense_is_refused(api: Asking, changes: Json, code: str) -> None:
    asked = {"object": {"type": "document", "id": "1"}, "relation": "viewer", "user_filters": [{"type": "user"}]}
    status, answer = await api.post("list-users", {**asked, **changes})
    assert (status, answer["code"]) == (400, code)
